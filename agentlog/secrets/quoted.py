"""Texts in quotes, in source or in what a program prints: where one ends, and those of a list."""

from __future__ import annotations

import re

LONGEST = 8_000
"""Characters of one value at most; what is longer is hidden up to here (a quoted value goes on to the end of its line)."""
MOST = 1_000
"""Texts of one list at most."""
QUOTE = re.compile(r"[rbuRBUfF]{0,2}\(?(?P<escape>\\{0,8})(?P<quote>\"\"\"|'''|[\"'])")
_BODY = {'"': re.compile(r'(?:[^"\\\n]|\\.)*'), "'": re.compile(r"(?:[^'\\\n]|\\.)*")}
_TEXT_FOLLOWS = r"(?=[rbuRBUfF]{0,2}\\{0,8}[\"'])"
_LIST = re.compile(rf"[\[(]\s{{0,80}}{_TEXT_FOLLOWS}")
_NEXT = re.compile(rf"\s{{0,80}},\s{{0,80}}{_TEXT_FOLLOWS}")


def closing(text: str, start: int, escape: str, quote: str) -> int:
    """Where the quoted text that begins at `start` ends; without a closing quote: with its line."""
    if len(quote) == 3:
        end = text.find(quote, start)
        return len(text) if end < 0 else end
    if not escape:
        return _BODY[quote].match(text, start).end()  # type: ignore[union-attr]
    end = text.find(escape + quote, start, start + LONGEST)
    if end >= 0:
        return end
    line_end = text.find("\n", start, start + LONGEST)
    return min(len(text), start + LONGEST) if line_end < 0 else line_end


def list_at(text: str, start: int) -> list[re.Match[str]]:
    """The openings of the texts that commas join in the list or tuple at `start`; [] where there is none."""
    found: list[re.Match[str]] = []
    before = _LIST.match(text, start)
    while before is not None and len(found) < MOST and (quoted := QUOTE.match(text, before.end())):
        found.append(quoted)
        end = closing(text, quoted.end(), quoted["escape"], quoted["quote"])
        before = _NEXT.match(text, end + len(quoted["escape"]) + len(quoted["quote"]))
    return found
