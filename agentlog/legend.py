"""What the words of a context mean, once, short enough for an agent's instructions."""

from __future__ import annotations

TITLES: dict[str, str] = {
    "session": "where the session or cell stands",
    "records": "what was logged, newest first",
    "failure": "what failed, the cells and lines on the way there, the failing expression and its parts",
    "cause": "the cell whose change makes it work",
    "evidence": "facts seen at the moment of the failure",
    "values": "what the names hold, most relevant first",
    "changes": "what changed since this cell last worked",
    "lineage": "which cells made and changed a name",
    "output": "last lines the cell printed",
    "sources": "the cells involved, as they ran",
    "workspace": "git state and diff",
    "seen before": "earlier failures of the same kind and what ended them",
}
"""Titles of sections, in the order in which they are printed."""

LEGEND = """\
agentlog context, how to read it
In[n]                 a cell by its execution count; (In[2], changed In[5]) after a value: made by, changed by; In[2]/k3f9x1: run by In[2]
name = value          state at the failure, not source. DataFrame 303x14: rows x columns, then dtype: its columns
len n / (a, b)        length of one-dimensional things / shape; a..b least..greatest; nulls: column count
+n more, ...          cut for the budget; the last line says how to get the rest
[REDACTED:kind:hash]  a secret; equal hashes are equal secrets
{sections}
Options: --tokens N, --format {formats}, --execution 14; `context 14` a cell, `context df` a name."""


class Legend(str):
    """Text that is also JSON data: section -> what it says."""

    __slots__ = ()

    def as_json(self) -> dict[str, str]:
        return {"legend": str(self), **TITLES}


def legend(formats: list[str]) -> Legend:
    """The legend, with every section and format that exists."""
    width = 21
    sections = "\n".join(f"{title:{width}} {text}" for title, text in TITLES.items())
    return Legend(LEGEND.format(sections=sections, formats="|".join(formats)))
