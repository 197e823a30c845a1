"""HTML for notebooks: collapsible without scripts. The style is added by whoever shows it (`stylesheet.fragment`)."""

from __future__ import annotations

from html import escape

from agentlog.outline import Cut, Part

_OPEN = frozenset({"failure", "cause", "evidence", "values", "session", "lineage"})
_LIST = '<ul class="facts"></ul>'


def entry(title: str, name: str | None, text: str) -> str:
    """A row of the section's list."""
    if name is None:
        return f'<li class="wide">{escape(text)}</li>'
    return f"<li><b>{escape(name)}</b><span>{escape(text)}</span></li>"


def opening(title: str) -> str:
    """Everything around the rows."""
    return f"<details{' open' if title in _OPEN else ''}><summary>{escape(title)}</summary>{_LIST}</details>"


def document(cut: Cut) -> str:
    """One element."""
    gap = f"<small>{escape(cut.gap)}</small>" if cut.gap else ""
    return f'<div class="agentlog">{"".join(_part(part) for part in cut.parts)}{gap}</div>'


def _part(part: Part) -> str:
    rows = "".join(entry(part.title, said.name, said.text) for said in part.entries)
    return opening(part.title).replace(_LIST, f'<ul class="facts">{rows}</ul>')
