"""The trail of a session: it and the sessions it started, and everything they said, did and suffered, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from agentlog.events import (
    DecisionMade,
    ErrorRaised,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    Logged,
    MessageSaid,
    OutcomeTagged,
    SpanEnded,
    Value,
    WorkspaceSeen,
)
from agentlog.ids import parse_timestamp, timestamp
from agentlog.past import Session
from agentlog.valuetext import nested

if TYPE_CHECKING:
    from agentlog.store import Store

KINDS = frozenset(
    cls.kind
    for cls in (
        MessageSaid,
        SpanEnded,
        DecisionMade,
        ErrorRaised,
        OutcomeTagged,
        Logged,
        ExecutionStarted,
        ExecutionEnded,
        WorkspaceSeen,
    )
)
GENERATIONS = 20
"""Sessions below sessions that are followed."""
MOST_EVENTS = 50_000


@dataclass(frozen=True, slots=True)
class Node:
    """A session, and those it started, in order."""

    session: Session
    children: tuple[Node, ...] = ()

    def all(self) -> Iterator[Node]:
        """Itself and everything below, depth first."""
        yield self
        for child in self.children:
            yield from child.all()

    @property
    def name(self) -> str:
        """Its agent, else what a person calls it."""
        return self.session.agent or self.session.title


def family(store: Store, root: Session, depth: int = GENERATIONS) -> Node:
    """The tree of sessions below `root`, the earlier ones first."""
    below = reversed(store.sessions(parent=root.id)) if depth else ()
    return Node(root, tuple(family(store, child, depth - 1) for child in below if child.id != root.id))


def events_of(store: Store, tree: Node) -> list[Event]:
    """What happened in all sessions of `tree`, in the order in which it began."""
    found: list[Event] = []
    for node in tree.all():
        found += store.events(session=node.session.id, kinds=KINDS, limit=MOST_EVENTS)
    return sorted(found, key=lambda event: (began(event), event.id))


def began(event: Event) -> str:
    """When it began (`ids.timestamp`): a piece of work is written at its end."""
    if isinstance(event, SpanEnded) and event.ms and event.time:
        moment = parse_timestamp(event.time) - timedelta(milliseconds=event.ms)
        return timestamp(moment.timestamp())
    return event.time


def call_text(span: SpanEnded, room: int = 160) -> str:
    """`search(query='x', limit=3)`; of a model call its name and tokens."""
    if span.what == "llm":
        tokens = ", ".join(f"{count} {kind}" for kind, count in span.tokens.items())
        return f"{span.model or span.name}" + (f" ({tokens} tokens)" if tokens else "")
    return f"{span.name}({arguments_text(span.arguments, room)})"


def arguments_text(arguments: Mapping[str, Value], room: int = 160) -> str:
    """`query='x', limit=3`, cut to `room` characters."""
    text = ", ".join(f"{name}={nested(value, 60)}" for name, value in arguments.items())
    return text if len(text) <= room else text[: room - 1] + "…"
