"""Markdown: a heading a section, values as a list with code."""

from __future__ import annotations

from agentlog.outline import Cut


def entry(title: str, name: str | None, text: str) -> str:
    """A list item; text of several lines in a fence."""
    first, *rest = text.split("\n")
    joint = " = " if title in ("values", "failure") else ": "
    head = f"- `{name}`{joint}{first}\n" if name and title != "sources" else f"- {first}\n"
    if title == "sources" or len(rest) > 2:
        fence = "````" if "```" in text else "```"
        return f"- `{name}`\n{fence}\n{text}\n{fence}\n" if name else f"{fence}\n{text}\n{fence}\n"
    return head + "".join(f"  {line}\n" for line in rest)


def opening(title: str) -> str:
    """The heading."""
    return f"## {title}\n"


def document(cut: Cut) -> str:
    """All sections, and what was left out."""
    lines: list[str] = []
    for part in cut.parts:
        lines.append(opening(part.title))
        lines += [entry(part.title, said.name, said.text) for said in part.entries]
    if cut.gap:
        lines.append(f"*{cut.gap}*\n")
    return "".join(lines).rstrip("\n")
