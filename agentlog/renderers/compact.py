"""Compact text: one line an entry, a title only where the lines below do not say themselves what they are."""

from __future__ import annotations

import re

from agentlog.outline import Cut

_UNTITLED = frozenset({"failure", "gap", "session"})
_INLINE = frozenset({"cause"})
_IS = re.compile(r"is (?=None\b|[A-Z]|(?:list|dict|tuple|set|str|int|float|bool|ndarray|class|function|module|empty) )")
"""How a fact begins that says what something is: it reads as `name = ...`, as the values do."""


def entry(title: str, name: str | None, text: str) -> str:
    """`name = text`, further lines indented; the cause carries its own title."""
    joint = _joint(title)
    if title == "evidence" and name and _IS.match(text):
        joint, text = " = ", _IS.sub("", text, count=1)
    head = f"{title}: " if title in _INLINE else f"{name}{joint}" if name else ""
    return head + text.replace("\n", "\n ") + "\n"


def _joint(title: str) -> str:
    return " = " if title in ("values", "failure") else ":\n " if title == "sources" else ": "


def opening(title: str) -> str:
    """The line above a section."""
    return "" if title in _UNTITLED or title in _INLINE else f"{title}:\n"


def document(cut: Cut) -> str:
    """All sections, and what was left out."""
    lines = []
    for part in cut.parts:
        lines.append(opening(part.title))
        lines += [entry(part.title, said.name, said.text) for said in part.entries]
    if cut.gap:
        lines.append(entry("gap", None, f"[{cut.gap}]"))
    return "".join(lines).rstrip("\n")
