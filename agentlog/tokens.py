"""How many tokens a text costs, without a tokenizer, and with one where it is installed and named.

The estimate is additive over lines, so a text can be planned line by line. `estimate_tokens` times the safety factor
never fell below o200k or cl100k on the texts it is tested with; other vocabularies need another factor (AGENTLOG_TOKEN_FACTOR).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from agentlog.errors import MissingExtra, UsageError

FACTOR = 1.1
"""What the estimate is multiplied with, so that the real count is not above it."""

_PIECE = re.compile(r"([^\r\n\w]|_)?([^\W\d_]+)|(\d{1,3})|( ?(?:[^\s\w]|_)+)[\r\n]*|(\s*[\r\n]+|\s+(?!\S)|\s)")
"""How o200k and cl100k cut a text before they look into their vocabularies: words with the sign before them, digits by
three, runs of signs, white space."""
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\x00-\x7f]")

_FOLLOWERS = (
    "aabcdgiklmnprstuvy baeiloru caehiklortu daeiorsu eacdefgilmnprstuvwx faefior gaehioru haeiot iabcdefgklmnoprstvz je kaei "
    "ladeilostuy mabeimopu nacdeginostu obcdgiklmnoprstuvw paehiloprtu qu racdegikmnorstuy sacehiopstu taehiorstuy "
    "uabcdeilmnprst vaeio waei x y ze"
)
_USUAL = frozenset(row[0] + letter for row in _FOLLOWERS.split() for letter in row[1:])
"""Pairs of letters that make up 0.1 % or more of those inside the vocabularies' words: a word of other pairs is cut into more tokens."""

_NUMBER, _SPACE, _LEAD = 1.12, 0.91, 0.31
_NAME = 0.4
"""For each letter beyond the third of a name in quotes: 'Adelie' is spelt, since vocabularies know words after a space. Contexts
repeat such names, so that no other word makes up for it."""
_PART, _RARE_PAIR, _LONG_WORD = 0.83, 0.75, 2.0
_CAPITAL = 0.25
_GLUED, _GLUED_FROM = 0.4, 33
"""Tokens a letter of words that stand together without a space ("DunesOrchardMarsh..." of a sum of texts), and the letters from
which on a word is no identifier but such a row."""
_SIGNS, _SIGN_CHANGE, _LONG_RUN = 0.97, 0.7, 0.5
"""Tokens each kind of piece costs on average, fitted to the larger of both counts over code, logs, tables, prose and contexts."""

_OWN = {"REDACTED": 3.0}
"""What words of our own cost beyond what their letters say."""

_SCRIPTS = (
    (0x80, 1.0), (0x180, 2.0), (0x370, 2.2), (0x400, 1.2), (0x410, 1.7), (0x450, 0.7), (0x530, 2.0), (0x620, 1.8), (0x6D0, 1.0), (0x900, 2.2),
    (0xE80, 1.8), (0x2010, 3.0), (0x2030, 1.0), (0x2190, 3.0), (0x25D0, 1.8), (0x3000, 3.0), (0x3400, 1.6), (0x4E00, 3.0), (0xA000, 1.5),
    (0xAC00, 3.0), (0xD7A4, 1.5), (0x10000, 3.0),
)  # fmt: skip
"""(end of a range of code points, tokens a character of it costs): rare scripts are spelt in bytes, which is the most anything costs."""


def weigh(text: str) -> float:
    """The estimate for `text` before the safety factor, as a fraction. Additive over lines."""
    total = 0.0
    for lead, word, digits, signs, space in _PIECE.findall(text):
        if word:
            total += _word_weight(word) + (_LEAD if lead and lead != " " else 0.0)
            total += _NAME * max(0, min(len(word), 8) - 3) if not lead and word[0].isupper() else 0.0
        elif digits:
            total += _NUMBER
        elif signs:
            total += _signs_weight(signs)
        else:
            total += _SPACE + _LONG_RUN * (len(space) // 8)
    return total


@lru_cache(maxsize=4096)
def _word_weight(word: str) -> float:
    total = _OWN.get(word, 0.0)
    least = _GLUED * len(word) if len(word) >= _GLUED_FROM else 0.0
    for part in _WORD.findall(word):
        if part.isascii():
            lower = part.lower()
            total += _CAPITAL * max(0, len(part) - 3) if part.isupper() else 0.0
            total += (
                _PART
                + _LONG_WORD * (len(part) // 16)
                + _RARE_PAIR * sum(pair not in _USUAL for pair in map("".join, pairwise(lower)))
            )
        else:
            total += _letter_weight(part)
    return max(total, least)


@lru_cache(maxsize=4096)
def _signs_weight(signs: str) -> float:
    run = signs.strip(" ")
    changes = sum(one != other for one, other in pairwise(run))
    unusual = sum(_letter_weight(sign) for sign in run if not sign.isascii() or not sign.isprintable())
    return _SIGNS + _SIGN_CHANGE * max(0, changes - 1) + _LONG_RUN * (len(run) // 16) + unusual


def _letter_weight(letter: str) -> float:
    """Tokens of one character that is not printable ASCII."""
    point = ord(letter)
    return next((weight for end, weight in _SCRIPTS if point < end), 4.0)


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, estimated with the standard library alone; unbiased, no safety factor."""
    return round(weigh(text))


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts tokens: `count(text)` is an upper bound of a whole text, `cost(line)` what one more line adds to it.

    name     "estimate", or the tokenizer's name
    factor   of the estimate; 1.0 for a real tokenizer
    """

    name: str = "estimate"
    factor: float = FACTOR
    _encode: Callable[[str], int] | None = field(default=None, repr=False)

    def cost(self, line: str) -> float:
        """What `line` and its line break add."""
        if self._encode is not None:
            return float(self._encode(line + "\n"))
        return self.factor * weigh(line + "\n")

    def count(self, text: str) -> int:
        """Tokens of the whole text."""
        if self._encode is not None:
            return self._encode(text)
        return int(self.factor * weigh(text)) + 1


def counter(tokenizer: str | None = None, factor: float | None = None) -> TokenCounter:
    """The counter for `tokenizer` (a name that rs-bpe or tiktoken knows: o200k_base, cl100k_base; None: the estimate).

    Raises MissingExtra where neither is installed, UsageError for a name it does not know or cannot load.
    """
    if tokenizer in (None, "", "estimate"):
        return TokenCounter(factor=factor or _factor_of_environment())
    return TokenCounter(name=str(tokenizer), factor=1.0, _encode=_encoder(str(tokenizer)))


def _factor_of_environment() -> float:
    try:
        return max(0.1, float(os.environ.get("AGENTLOG_TOKEN_FACTOR", "")))
    except ValueError:
        return FACTOR


def _encoder(name: str) -> Callable[[str], int]:
    """The counting function of the tokenizer `name`: rs-bpe carries its vocabularies with it, tiktoken fetches them once."""
    counting = _with_rs_bpe(name) or _with_tiktoken(name)
    if counting is None:
        raise MissingExtra(f"counting with {name}", "tokens")
    return counting


def _with_rs_bpe(name: str) -> Callable[[str], int] | None:
    try:
        from rs_bpe.bpe import openai
    except ImportError:
        return None
    make = getattr(openai, name, None)
    if make is None:
        return None
    encoding = make()
    return lambda text: len(encoding.encode(text))


def _with_tiktoken(name: str) -> Callable[[str], int] | None:
    try:
        import tiktoken
    except ImportError:
        return None
    try:
        encoding = tiktoken.get_encoding(name)
    except Exception as error:  # an unknown name, or a vocabulary that could not be fetched
        raise UsageError(
            f"tokenizer {name!r} cannot be used: {type(error).__name__}: {str(error).splitlines()[0][:200]}"
        ) from None

    def count(text: str) -> int:
        """In blocks: long runs are quadratic in the encoder."""
        return sum(len(encoding.encode(text[i : i + 20_000], disallowed_special=())) for i in range(0, len(text), 20_000))

    return count
