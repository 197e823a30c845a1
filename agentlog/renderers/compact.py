"""Compact text: one line an entry, a title only where the lines below do not say themselves what they are."""

from __future__ import annotations

from agentlog.outline import Cut

_UNTITLED = frozenset({"failure", "gap", "session"})
_INLINE = frozenset({"cause"})


def entry(title: str, name: str | None, text: str) -> str:
    """`name = text`, further lines indented; the cause carries its own title."""
    head = f"{title}: " if title in _INLINE else f"{name}{_joint(title)}" if name else ""
    return head + text.replace("\n", "\n ") + "\n"


def _joint(title: str) -> str:
    return " = " if title in ("values", "failure") else ": " if title == "evidence" else ":\n " if title == "sources" else ": "


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
