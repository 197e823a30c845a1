"""How many tokens a text costs, without a tokenizer, and with one where it is installed and named.

The estimate is additive over lines, so a text can be planned line by line. `estimate_tokens` times the safety factor
never fell below o200k or cl100k on the texts it is tested with; other vocabularies need another factor (AGENTLOG_TOKEN_FACTOR).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from agentlog.errors import MissingExtra, UsageError

FACTOR = 1.1
"""What the estimate is multiplied with, so that the real count is not above it."""

_PIECES = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d{1,3}|_+|[^\w\s]+|\n\s*|[ \t]{2,}|[^\x00-\x7f]")


def weigh(text: str) -> float:
    """The estimate for `text` before the safety factor, as a fraction."""
    words = digits = spaces = others = marks = long_words = long_marks = 0
    for piece in _PIECES.findall(text):
        if not piece.isascii():
            others += 1
        elif piece[0].isalpha():
            words += 1
            long_words += (len(piece) - 1) // 7
        elif piece[0].isdigit():
            digits += 1
        elif piece[0].isspace():
            spaces += 1
        else:
            marks += 1
            long_marks += len(piece) - 1
    return 0.85 * words + 0.87 * long_words + 1.55 * digits + 0.57 * marks + 0.12 * long_marks + 2.12 * spaces + 0.58 * others


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
    """The counter for `tokenizer` (a name that tiktoken knows; None: the estimate).

    Raises MissingExtra where tiktoken is not installed, UsageError for a name it does not know or cannot load.
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
    try:
        import tiktoken
    except ImportError:
        raise MissingExtra(f"counting with {name}", "tokens") from None
    try:
        encoding = tiktoken.get_encoding(name)
    except Exception as error:  # an unknown name, or a vocabulary that could not be fetched
        raise UsageError(f"tokenizer {name!r} cannot be used: {type(error).__name__}: {error}"[:300]) from None

    def count(text: str) -> int:
        """In blocks: long runs are quadratic in the encoder."""
        return sum(len(encoding.encode(text[i : i + 20_000], disallowed_special=())) for i in range(0, len(text), 20_000))

    return count
