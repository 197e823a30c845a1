"""The figures of one run: what is compared between good runs and later ones. A run is a session with all it started.

numbers   how long the run, its cells, tools, models and functions took (ms, the median of each), tokens, calls, cost
facts     did the run fail; which kinds of errors occurred; which tools failed; was its outcome a failure
choices   what was decided on each question; what was said at the end; what each cell printed and returned
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from agentlog.costs.prices import prices
from agentlog.costs.spending import price_of
from agentlog.diffs.compare import normal
from agentlog.events import (
    FAILED,
    DecisionMade,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    MessageSaid,
    OutcomeTagged,
    SpanEnded,
    StreamWritten,
)
from agentlog.ids import parse_timestamp
from agentlog.trail import events_of, family
from agentlog.valuetext import brief

if TYPE_CHECKING:
    from agentlog.past import Session
    from agentlog.store import Store

LEAST_MS = 1.0
"""Durations below this are noise of the clock and of the recorder."""
BAD_ENDS = frozenset({"failed", "died"})
LABEL = 50


@dataclass(frozen=True, slots=True)
class Run:
    """One run's figures by name."""

    session: str
    numbers: dict[str, float] = field(default_factory=dict)
    facts: dict[str, bool] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)


def figures_of(store: Store, session: Session) -> Run:
    """What the store says of `session` and those it started."""
    tree = family(store, session)
    events = events_of(store, tree)
    sessions = [node.session for node in tree.all()]
    run = Run(session.id)
    run.facts.update(_facts(store, sessions, events))
    run.numbers.update(_numbers(session, events))
    run.choices.update(_choices(events))
    for one in sessions:
        run.choices.update(_outputs(store, one))
    return run


# --- within ---------------------------------------------------------------------------------------------------------


def _numbers(session: Session, events: list[Event]) -> Iterator[tuple[str, float]]:
    if session.started and session.ended:
        yield "duration of the run", (parse_timestamp(session.ended) - parse_timestamp(session.started)).total_seconds() * 1000
    took: dict[str, list[float]] = defaultdict(list)
    sources = {event.execution: event.source for event in events if isinstance(event, ExecutionStarted)}
    tokens: dict[str, float] = defaultdict(float)
    calls = [event for event in events if isinstance(event, SpanEnded) and event.what == "llm"]
    for event in events:
        if isinstance(event, SpanEnded):
            took[f"time of {event.what} {event.name}"].append(event.ms)
        elif isinstance(event, ExecutionEnded) and event.status == "ok":
            took[f"time of cell {cell_label(sources.get(event.execution, ''))}"].append(event.ms)
    for call in calls:
        tokens["prompt tokens"] += call.tokens.get("input", 0)
        tokens["completion tokens"] += call.tokens.get("output", 0)
        tokens["model calls"] += 1
    yield from ((name, median(figures)) for name, figures in took.items() if median(figures) >= LEAST_MS)
    yield from tokens.items()
    costs = [price_of(call, prices()).cost for call in calls]
    if costs and None not in costs:
        yield "cost", sum(cost for cost in costs if cost is not None)


def _facts(store: Store, sessions: list[Session], events: list[Event]) -> Iterator[tuple[str, bool]]:
    failing = any(one.how in BAD_ENDS for one in sessions)
    yield "run failed", failing or any(isinstance(event, ExecutionEnded) and event.status in FAILED for event in events)
    for one in sessions:
        for error in store.errors(one.id):
            first = " ".join(error.failure.message.split())[:LABEL]
            yield f"error {error.failure.type}: {first} [{error.failure.hash or '-'}]", True
    for event in events:
        if isinstance(event, SpanEnded) and not event.ok and event.what in ("tool", "llm"):
            yield f"{event.what} {event.name} failed", True
        if isinstance(event, OutcomeTagged) and event.outcome == "failure":
            yield "outcome was a failure", True


def _choices(events: list[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        if isinstance(event, DecisionMade):
            yield f"decision {event.question[:LABEL]}", event.choice
        elif isinstance(event, MessageSaid) and event.role == "agent":
            yield "last answer", _print(event.text, event.time)


def _outputs(store: Store, session: Session) -> Iterator[tuple[str, str]]:
    """What each cell printed and returned, without what changes by itself."""
    sources: dict[str, str] = {}
    printed: dict[str, list[str]] = defaultdict(list)
    for event in store.events(session=session.id, kinds={ExecutionStarted.kind, ExecutionEnded.kind, StreamWritten.kind}):
        if event.execution is None:
            continue
        if isinstance(event, ExecutionStarted) and not (event.own or event.internal):
            sources[event.execution] = event.source
        elif isinstance(event, StreamWritten) and event.name == "stdout":
            printed[event.execution].append(event.text)
        elif isinstance(event, ExecutionEnded) and event.result is not None:
            printed[event.execution].append(brief(event.result))
    for execution, source in sources.items():
        if printed[execution]:
            yield f"output of cell {cell_label(source)}", _print("".join(printed[execution]), session.started or "")


def cell_label(source: str) -> str:
    """The first line that says something, and a print of the whole, so that an edited cell is another one."""
    first = next((line.strip() for line in source.splitlines() if line.strip()), "")
    return f"{first[:LABEL]} [{hashlib.sha256(source.strip().encode('utf-8', 'surrogatepass')).hexdigest()[:6]}]"


def _print(text: str, time: str) -> str:
    """Short text itself, of longer ones the beginning and a print."""
    said = normal(text, time[:10] or None).strip()
    return said if len(said) <= 80 else f"{said[:60]}… [{hashlib.sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}]"
