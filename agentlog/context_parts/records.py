"""The most recent records of a session, newest first: what programs and agents logged, what failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from agentlog.events import (
    DecisionMade,
    ErrorRaised,
    Event,
    Logged,
    MessageSaid,
    OutcomeTagged,
    PerfMarked,
    Scalar,
    SpanEnded,
    Value,
)
from agentlog.outline import Item, Section, item, section
from agentlog.situation import Situation
from agentlog.valuetext import nested, scalar

_KINDS = frozenset(cls.kind for cls in (Logged, ErrorRaised, DecisionMade, MessageSaid, PerfMarked, SpanEnded, OutcomeTagged))
_MOST = 400


def sections(case: Situation, tags: Collection[str] | None = None) -> list[Section]:
    """The section `records`; with `tags` only what carries one of them."""
    wanted = set(tags or ())
    found = (event for event in case.store.events(session=case.session.id, kinds=_KINDS) if not wanted or wanted & _tags(event))
    latest = deque(found, maxlen=_MOST)
    return [section("records", [_item(event, rank) for rank, event in enumerate(reversed(latest))])]


def _tags(event: Event) -> set[str]:
    return set(getattr(event, "tags", ()))


def _item(event: Event, rank: int) -> Item:
    line = " ".join(_said(event).split())
    short = line if len(line) <= 160 else f"{line[:160]}..."
    return item(2.0 / (1 + 0.02 * rank), short, line, name=event.time[11:19])


def _said(event: Event) -> str:
    """One event in a line."""
    if isinstance(event, Logged):
        return f"{event.level} {event.message}{_with(event.data)}"
    if isinstance(event, ErrorRaised):
        return f"error {event.message or event.failure.type}"
    if isinstance(event, DecisionMade):
        return f"decision {event.question}: {event.choice}{f' ({event.reason})' if event.reason else ''}"
    if isinstance(event, MessageSaid):
        return f"{event.role} {event.text}"
    if isinstance(event, SpanEnded):
        return (
            f"{event.what} {event.name} {'ok' if event.ok else event.error or 'failed'} {event.ms:.0f} ms{_with(event.arguments)}"
        )
    if isinstance(event, OutcomeTagged):
        return f"outcome {event.outcome}{f': {event.reason}' if event.reason else ''}"
    return f"perf {getattr(event, 'name', '')}{_figures(getattr(event, 'figures', {}))}"


def _with(data: Mapping[str, Value]) -> str:
    return "".join(f" {key}={nested(value)}" for key, value in data.items())


def _figures(figures: Mapping[str, Scalar]) -> str:
    return "".join(f" {key}={scalar(figure)}" for key, figure in figures.items())
