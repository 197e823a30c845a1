"""HTML for notebooks: self-contained, light and dark by the front end's colours, collapsible without scripts."""

from __future__ import annotations

from html import escape

from agentlog.outline import Cut, Entry, Part

_STYLE = (
    ".agentlog{font:13px/1.5 var(--jp-code-font-family,ui-monospace,monospace);color:var(--jp-content-font-color1,CanvasText);color-scheme:light dark}"
    ".agentlog details{border-top:1px solid var(--jp-border-color2,light-dark(#ddd,#444));padding:2px 0}"
    ".agentlog summary{cursor:pointer;font-weight:600}"
    ".agentlog dl{margin:2px 0 6px 1em;display:grid;grid-template-columns:max-content 1fr;gap:0 .8em}"
    ".agentlog dt{color:var(--jp-mirrormodule-variable-color,light-dark(#05a,#8bf))}"
    ".agentlog dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".agentlog .wide{grid-column:1/-1}"
)
_OPEN = frozenset({"failure", "cause", "evidence", "values", "session", "lineage"})


def entry(title: str, name: str | None, text: str) -> str:
    """A row of the section's list."""
    if name is None:
        return f'<dd class="wide">{escape(text)}</dd>'
    return f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"


def opening(title: str) -> str:
    """Everything around the rows."""
    return f"<details{' open' if title in _OPEN else ''}><summary>{escape(title)}</summary><dl></dl></details>"


def document(cut: Cut) -> str:
    """One element with its own style."""
    gap = f"<small>{escape(cut.gap)}</small>" if cut.gap else ""
    return f'<div class="agentlog"><style>{_STYLE}</style>{"".join(_part(part) for part in cut.parts)}{gap}</div>'


def _part(part: Part) -> str:
    rows = "".join(_row(part.title, said) for said in part.entries)
    return opening(part.title).replace("<dl></dl>", f"<dl>{rows}</dl>")


def _row(title: str, said: Entry) -> str:
    return entry(title, said.name, said.text)
