"""The context: what an agent needs to fix a failure, or to know where a session, a cell or a name stands.

`build` draws an uncut, ranked outline from the store; `Context.render` cuts it for a format and a budget.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from agentlog.blame import blame
from agentlog.budget import cut
from agentlog.context_parts import cells, changes, endings, evidence, failure, records, standing, values, workspace
from agentlog.legend import TITLES
from agentlog.outline import Cut, Part, Section, item, section
from agentlog.renderers import renderer
from agentlog.situation import Situation, situation
from agentlog.tokens import TokenCounter, counter

if TYPE_CHECKING:
    from agentlog.store import Store

MAX_TOKENS = 4000
_WORDY = frozenset({"claude", "cursor", "codex"})
"""Formats that say more than what is in the sections."""


@dataclass(frozen=True)
class Context:
    """An uncut outline, and how it is printed when nobody says. `how`: where the rest is, as a command."""

    sections: tuple[Section, ...]
    how: str
    max_tokens: int = MAX_TOKENS
    format: str = "text"
    counter: TokenCounter = field(default_factory=counter)
    failed: bool = False

    def render(self, format: str | None = None, max_tokens: int | None = None) -> str:
        """The text of at most `max_tokens` tokens as `counter` counts them. Raises UsageError for an unknown format.

        Where the words around a format's sections are too many already, what is left out is said without them."""
        style = renderer(format or self.format)
        budget = self.max_tokens if max_tokens is None else max_tokens
        frame = self.counter.cost(style.document(Cut(())))
        cost = cache(lambda *of: self._cost(style, *of))  # asked again for each try to cut
        spare = 0.0
        while True:
            found = cut(self.sections, budget - frame - spare, cost, self.how)
            text: str = style.document(found)
            over = self.counter.count(text) - budget
            if over > 0 and spare > budget and (format or self.format) in _WORDY:
                return str(renderer("text").document(found))
            if over <= 0 or spare > budget:
                return text
            spare = 2 * spare + over + 2

    def _cost(self, style: Any, title: str, name: str | None, text: str) -> float:
        return self.counter.cost(style.entry(title, name, text) if text else style.opening(title))

    def whole(self) -> tuple[Part, ...]:
        """Everything, each item in its fullest variant."""
        return cut(self.sections, float("inf"), lambda *of: 1.0, self.how).parts

    def as_json(self) -> dict[str, Any]:
        """The object of the JSON format, within the budget."""
        found: dict[str, Any] = json.loads(self.render("json"))
        return found

    def __str__(self) -> str:
        return self.render()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """As a page beside the compact text; a format that was asked for is what is shown."""
        page = self._repr_html_()
        if page is not None:
            return {"text/plain": self.render("text"), "text/html": page}
        found = {"text/plain": self.render()}
        return {**found, "text/markdown": found["text/plain"]} if self.format == "markdown" else found

    def _repr_html_(self) -> str | None:
        if self.format not in ("text", "html"):
            return None
        from agentlog.html.stylesheet import fragment

        return fragment(self.render("html", max(self.max_tokens, 20_000)), "context")


def build(
    store: Store, *, session: str | None = None, execution: str | None = None, name: str | None = None, command: str = "agentlog"
) -> Context:
    """The context of `name`, else of `execution`, else of the last failure, else of the session. `command`: how the reader calls us.

    Raises NotFound for a reference that answers to nothing.
    """
    with store.still():
        return _built(store, session, execution, name, command)


def _built(store: Store, session: str | None, execution: str | None, name: str | None, command: str) -> Context:
    case = situation(store, session, execution, failed=name is None)
    if name is not None:
        return Context(_ordered(standing.of_name(case, name)), f"{command} timeline {name}")
    if case.failure is not None:
        return Context(_ordered(_of_failure(case)), _show(case, command), failed=True)
    if case.execution is not None and case.execution.failed:
        parts = (endings, values, cells, changes, workspace)
        return Context(_ordered([found for part in parts for found in part.sections(case)]), _show(case, command), failed=True)
    if case.execution is not None:
        return Context(_ordered([*standing.of_execution(case), *cells.sections(case)]), _show(case, command))
    return Context(_ordered(standing.of_session(case)), f"{command} history")


def _show(case: Situation, command: str) -> str:
    """The command that shows all of the execution in focus, else more of the context."""
    execution = case.execution
    return (
        f"{command} show {execution.count or execution.id[-6:]} --full"
        if execution
        else f"{command} context --tokens {2 * MAX_TOKENS}"
    )


def recent(
    store: Store, *, session: str | None = None, tags: Collection[str] | None = None, command: str = "agentlog"
) -> Context:
    """The session's most recent records, newest first; with `tags` only those that carry one of them."""
    case = situation(store, session, failed=False)
    found = [*standing.of_session(case)[:1], *records.sections(case, tags)]
    return Context(_ordered(found), f"{command} history")


def _of_failure(case: Situation) -> list[Section]:
    parts = (failure, evidence, values, changes, cells, workspace)
    return [_cause(case), *(found for part in parts for found in part.sections(case))]


def _cause(case: Situation) -> Section:
    found = blame(case)
    if found is None:
        return section("cause", [])
    where = f"{found.label} (this cell)" if found.here else found.label
    told = f"{where}: {found.reason}" if found.reason else where
    nothing = next(
        (f"{told}\n{cause.text}" for cause in case.causes if cause.kind == "none" and told == f"{found.label} (this cell)"), ""
    )
    shape = (0.98, 0.995, 1.0) if found.reason else (0.997, 0.997, 1.0)
    return section("cause", [item(7.0, failure.shorten(told, 150), told, nothing, first=True, shape=shape)])


def _ordered(sections: Sequence[Section]) -> tuple[Section, ...]:
    order = list(TITLES)
    return tuple(sorted((s for s in sections if s.items), key=lambda s: order.index(s.title)))
