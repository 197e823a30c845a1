"""A failed cell in a report: one sentence, then what an agent is told, then the frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from agentlog.context import build
from agentlog.errors import AgentlogError
from agentlog.events import ErrorRaised
from agentlog.html.stylesheet import element, unfolding
from agentlog.past import Death, Execution
from agentlog.plainly.audiences import sentence
from agentlog.shown import death_lines, failure_lines

if TYPE_CHECKING:
    from agentlog.store import Store

SECTIONS = frozenset({"failure", "cause", "evidence", "values", "changes", "lineage"})
"""Sections of a context that say what the report does not show anyway."""
SMALL = 1_000
"""Where a stack has fewer characters than this, there is no room for a context."""
MOST = 60
"""Failures that get a context; of more, the latest."""


class Failures:
    """The failures of one report; a context is built once, however often the page is laid out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._contexts: dict[str, str] = {}

    def html(self, one: Execution, errors: Sequence[ErrorRaised], death: Death | None, room: int, behind: int) -> str:
        """The failure of the cell `one`, its stack in `room` characters; `behind`: failures from here on."""
        lines = [line for error in errors for line in failure_lines(error.failure)] + (list(death_lines(death)) if death else [])
        frames = "\n".join(lines) or (one.error or one.status)
        cut = frames if len(frames) <= room else frames[:room] + f"\n[… {len(frames) - room} characters left out]"
        told = element("p", sentence(one, errors[-1].failure if errors else None, death), "sentence")
        context = self._context(one) if behind <= MOST and room > SMALL else ""
        stack = unfolding("stack and locals", element("pre", cut, "bad"), opened=not context)
        return f'<div class="failure" role="group" aria-label="failure">{told}{context}{stack}</div>'

    def _context(self, one: Execution) -> str:
        if one.id not in self._contexts:
            self._contexts[one.id] = self._built(one)
        return self._contexts[one.id]

    def _built(self, one: Execution) -> str:
        try:
            found = build(self._store, session=one.session, execution=one.id)
        except AgentlogError:
            return ""
        return replace(found, sections=tuple(part for part in found.sections if part.title in SECTIONS)).render("html", 1500)
