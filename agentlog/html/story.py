"""One execution whole, and the chain of one name, in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from agentlog.html.stylesheet import code_of, element, fragment, status_of, unfolding
from agentlog.ids import short
from agentlog.tables import ago, duration

if TYPE_CHECKING:
    from agentlog.commands.why import Why
    from agentlog.shown import Shown

_OPEN = frozenset({"source", "output", "error"})


def show(shown: Shown) -> str:
    """An execution: its parts unfold."""
    one = shown.execution
    facts = (duration(one.ms), ago(one.started), f"session {short(one.session)}")
    head = f"<div><b>{escape(one.label)}</b> {element('code', short(one.id), 'soft')} {status_of(one.status)} {element('span', ' · '.join(filter(None, facts)), 'soft')}</div>"
    parts = {part: "\n".join(lines) for part, lines in shown.told().items()}
    bodies = (
        unfolding(element("span", part), element("pre", text, "bad" if part == "error" else ""), opened=part in _OPEN)
        for part, text in parts.items() if text.strip()
    )  # fmt: skip
    return fragment(head + "".join(bodies), f"show {one.label}")


def why(found: Why) -> str:
    """The cells that made and changed the name, oldest first; what is stale after them."""
    steps = "".join(
        f"<li>{element('span', found.step(step))}<div>{code_of(step.execution.source)}</div></li>" for step in found.steps
    )
    stale = "".join(element("li", stale.text, "warn") for stale in found.stale)
    tail = f"<div><b>stale</b></div><ul>{stale}</ul>" if stale else ""
    return fragment(f'<div><b class="mono">{escape(found.head())}</b></div><ol>{steps}</ol>{tail}', f"why {found.name}")
