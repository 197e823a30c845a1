"""Secrets that show by the name before them: `password = "..."`, `"token": "..."`, `DB_PASSWORD=...`, `Cookie: ...`.

A quoted value after a secret name is a secret. A bare one may also be code (`password=os.environ["X"]`, `token: str`), so
it is judged by where it stands and what it looks like. Every step looks at a bounded piece of text and moves on past it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable

from agentlog.secrets.names import secret_kind
from agentlog.secrets.quoted import QUOTE, closing, list_at
from agentlog.secrets.shapes import Mark, any_of

KindOf = Callable[[str], "str | None"]
HINTS: tuple[str, ...] = (
    "pass", "pwd", "secret", "token", "key", "cred", "cookie", "dsn", "auth", "jwt", "session", "conn", "card", "cvv", "cvc", "ssn",
    "bearer", "sessid", "csrf", "xsrf", "pin", "creds", "netrc", "pat",
)  # fmt: skip
"""Lower-case texts of which one is in every secret name."""


def hint_of(words: Iterable[str]) -> re.Pattern[str]:
    """What finds, in lower-case text, a name with one of `words` in it and a separator after it."""
    return re.compile(rf"(?:{any_of(words).pattern})[\w.-]{{0,100}}(?:\\{{0,8}}[\"']\]?|\])?[ \t]{{0,8}}(?:[:=,!]|%3d)")


_HINT = hint_of(HINTS)
_PAIR = re.compile(
    r"(?P<name>[\w.-]{2,100})(?![\w.-])(?P<close>\\{0,8}[\"']\]?|\])?(?P<before>[ \t]{0,8})(?P<sep>:=|=>|==|!=|=|:|,|%3D)(?P<after>[ \t]{0,8})"
)
_ANNOTATED = re.compile(r"[A-Za-z_][\w.\[\], |]{0,60}?=[ \t]{0,4}(?=[rbuRBUfF]{0,2}[\"'])")
_BARE = re.compile(r"[^\s,;&\"'<>(){}\[\]|`\\]{1,8000}")
_TO_SEMICOLON = re.compile(r"(?:\{[^}\n]{1,256}\}|[^;\"'\n\s]{1,256})(?=[;\"'\s]|$)")
_TO_LINE_END = re.compile(r"[^\r\n\"'\\]{1,8000}")
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey|negotiate|aws4-hmac-sha256)\s{1,4}(?=\S)")
_OPTION = re.compile(r"(?<![\w-])--?(?P<name>[A-Za-z][\w-]{2,60})[ \t]{1,4}(?P<quote>[\"']?)(?P<value>[^\s\"'-][^\s\"']{2,500})")

_HARMLESS = re.compile(
    r"(?:None|null|nil|true|false|undefined|NaN|NA|str|int|bool|bytes|float|object|dict|list|Any|Optional|String|string|SecretStr"
    r"|[<>\[\]\-*.xX•#?]+|-?\d{1,3}|0[xX][0-9a-fA-F]{1,8}|-?\d+\.\d+(?:[eE][+-]?\d+)?|v?\d+(?:\.\d+){2,3}\w{0,8}"
    r"|<[^<>]{0,200}>|\$?\{\{?[^{}]{0,200}\}?\}|\$\(?[A-Za-z_]\w*\)?|%\(?\w{0,60}\)?[sdr]|(?i:your)[-_ ][\w -]{1,60}"
    r"|(?i:redacted|masked|hidden|filtered|omitted|\[redacted\]|\[filtered\])|\[REDACTED:[a-z]+:[0-9a-f]{4}\])"
)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_.]*")
_PATH = re.compile(r"(?:~|\.{1,2})?(?:/[\w.+-]{1,20}){2,20}/?")
_NUMBERS = re.compile(r"[\d.,:/+-]+")
_EXPRESSION = re.compile(r"[A-Za-z_][\w.]*")
_FORMATTED = re.compile(r"\{[^{}]{1,200}\}")


def is_harmless(value: str) -> bool:
    """Nothing to hide: empty, None, a type's name, a version, a placeholder, or hidden already."""
    value = value.strip()
    return not value or _HARMLESS.fullmatch(value) is not None


def redact_pairs(text: str, mark: Mark, kind_of: KindOf = secret_kind, code: bool = False, hint: re.Pattern[str] = _HINT) -> str:
    """`text` with the values after secret names replaced. `code`: it is Python source, where bare values are expressions.

    `hint` finds, in lower case, what every name that `kind_of` knows has in it.
    """
    lower = _lower(text)
    first = hint.search(lower)
    out: list[str] = []
    position = copied = 0
    in_text = _text_finder(text) if code and first else _always
    while first is not None:
        found = _pair_at(text, first.start(), position)
        position = found.end() if found else first.end()
        kind = kind_of(found["name"]) if found else None
        for start, end in _value_spans(text, found, kind, in_text) if found and kind else ():
            out += (text[copied:start], mark(str(kind), text[start:end]))
            position = copied = max(end, position)
        first = hint.search(lower, position)
    text = "".join((*out, text[copied:])) if out else text
    return _redact_options(text, mark, kind_of) if "--" in text else text


def _lower(text: str) -> str:
    """`text` in lower case, letter for letter."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.translate(_ASCII_LOWER)


_ASCII_LOWER = {upper: upper + 32 for upper in range(65, 91)}
_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


def _pair_at(text: str, hint: int, least: int) -> re.Match[str] | None:
    """The name around `hint` and the separator after it; nothing before `least` belongs to it."""
    start, least = hint, max(least, hint - 60)
    while start > least and text[start - 1] in _NAME_LETTERS:
        start -= 1
    if text.startswith("[REDACTED:", start - 10):
        return None
    return _PAIR.match(text, start)


def _value_spans(text: str, found: re.Match[str], kind: str, in_text: Callable[[int], bool]) -> list[tuple[int, int]]:
    """Where the secrets after the name `found` start and end: one value, or the texts of a list or tuple."""
    if found["sep"] != "," and (listed := list_at(text, found.end())):
        return [span for quoted in listed if (span := _quoted_span(text, quoted, kind))]
    span = _value_span(text, found, kind, in_text)
    return [span] if span else []


def _value_span(text: str, found: re.Match[str], kind: str, in_text: Callable[[int], bool]) -> tuple[int, int] | None:
    """Where the secret after the name `found` starts and ends, or None where there is none to hide."""
    start = found.end()
    if found["sep"] == ":" and (annotated := _ANNOTATED.match(text, start)):
        start = annotated.end()
    if quoted := QUOTE.match(text, start):
        if found["sep"] == "," and not (found["close"] and _first_of_two(text, found, quoted.end())):
            return None
        return _quoted_span(text, quoted, kind)
    if found["sep"] == ",":
        return None
    return _bare_span(text, found, start, kind, not in_text(found.start()))


def _first_of_two(text: str, found: re.Match[str], value: int) -> bool:
    """Is the quoted name the first thing in a call or a tuple, `getenv("TOKEN", "...")`, or an option before the value it
    takes, `["mysql", "--password", "..."]`?"""
    if found["name"].startswith("-"):
        return not text.startswith("-", value)
    before = text[max(0, found.start() - 12) : found.start()].rstrip("\"'\\").rstrip("bruf")
    return before.endswith("(")


def _quoted_span(text: str, quoted: re.Match[str], kind: str) -> tuple[int, int] | None:
    start = quoted.end()
    end = closing(text, start, quoted["escape"], quoted["quote"])
    value = text[start:end]
    if scheme := _SCHEME.match(value):
        start, value = start + scheme.end(), value[scheme.end() :]
    if is_harmless(value) or is_harmless(_FORMATTED.sub("", value)) or _names_a_secret(value):
        return None
    return (start, end) if len(value) > 1 else None


def _names_a_secret(value: str) -> bool:
    """`api_key_variable = "OPENAI_API_KEY"`: an upper-case name, not a value."""
    return value.isupper() and value.replace("_", "").isalpha() and secret_kind(value) is not None


_SHELL_CELLS = ("%%bash", "%%sh", "%%script", "%%writefile", "%%env", "%%cmd")
_TRIPLE = re.compile("\"\"\"|'''")


def _always(position: int) -> bool:
    return True


def _text_finder(source: str) -> Callable[[int], bool]:
    """A function that says whether a position of `source` is inside a string, a comment, or a line for the shell."""
    if source.startswith(_SHELL_CELLS):
        return _always
    triples = [found.start() for found in _TRIPLE.finditer(source)]

    def in_text(position: int) -> bool:
        if bisect_left(triples, position) % 2:
            return True
        line = source[max(source.rfind("\n", max(0, position - 400), position) + 1, position - 400) : position]
        if line.lstrip().startswith(("!", "%")):
            return True
        return "#" in line or line.count('"') % 2 == 1 or line.count("'") % 2 == 1

    return in_text


def _bare_span(text: str, found: re.Match[str], start: int, kind: str, code: bool) -> tuple[int, int] | None:
    header = kind in ("cookie", "authorization") and found["sep"] == ":" and (not code or found["name"][0].isupper())
    if header and (line := _TO_LINE_END.match(text, start)) and (span := _header_span(line, kind)):
        return span
    tight = not found["before"] and not found["after"] and found["sep"] in ("=", "%3D")
    before = text[found.start() - 1 : found.start()]
    if tight and not code and (before == ";" or (kind == "password" and _followed_by_semicolon(text, start))):
        part = _TO_SEMICOLON.match(text, start)
        return part.span() if part and not is_harmless(part.group()) else None
    value = _BARE.match(text, start)
    if (
        value is None
        or _same(value.group(), found["name"])
        or not _bare_is_secret(value.group(), text[value.end() : value.end() + 1], before, tight, code)
    ):
        return None
    return value.span()


def _followed_by_semicolon(text: str, start: int) -> bool:
    part = _TO_SEMICOLON.match(text, start)
    return part is not None and text[part.end() : part.end() + 1] == ";"


def _header_span(line: re.Match[str], kind: str) -> tuple[int, int] | None:
    """Of a header's value: all of a cookie's `name=value; ...`; what follows the scheme of an authorization."""
    value = line.group()
    scheme = _SCHEME.match(value)
    if kind == "cookie":
        return line.span() if "=" in value else None
    if scheme is None or is_harmless(value[scheme.end() :]) or not any(map(str.isdigit, value)):
        return None
    return line.start() + scheme.end(), line.end()


def _same(value: str, name: str) -> bool:
    """`api_key=api_key`"""
    return value.lower() == name.lower()


def _bare_is_secret(value: str, after: str, before: str, tight: bool, code: bool) -> bool:
    if len(value) < (3 if tight else 4) or is_harmless(value) or _PATH.fullmatch(value):
        return False
    if _EXPRESSION.fullmatch(value) and after in ("(", "[", "{") and after:
        return False
    if _PLAIN.fullmatch(value):
        return tight and not code and before not in ("(", ",", " ") and "." not in value
    if _NUMBERS.fullmatch(value):
        return tight and value.isdigit() and not code
    if code and _EXPRESSION.fullmatch(value):
        return len(value) >= 12 and sum(map(str.isdigit, value)) >= 3
    return True


def _redact_options(text: str, mark: Mark, kind_of: KindOf) -> str:
    """`--password hunter2`: an option and its value with a space between."""

    def replaced(found: re.Match[str]) -> str:
        kind = kind_of(found["name"])
        value = found["value"]
        if kind is None or is_harmless(value) or (_PLAIN.fullmatch(value) and not found["quote"]):
            return found.group()
        return found.group()[: found.start("value") - found.start()] + mark(kind, value)

    return _OPTION.sub(replaced, text)
