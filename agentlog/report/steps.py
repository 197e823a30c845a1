"""What a report of a session is made of: its steps in order, each with what it put out, changed and suffered.

`gather(store, session)` reads the recording once; `page.document` makes the one HTML file of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from agentlog.diff import Diff, compare_sessions, run_before
from agentlog.errors import AgentlogError
from agentlog.events import Change, Displayed, ErrorRaised, Event, ExecutionEnded, NamespaceChanged, StreamWritten, Value
from agentlog.ids import parse_timestamp, timestamp
from agentlog.past import Death, Execution, Session
from agentlog.replay import Step as Told
from agentlog.replay import replay
from agentlog.trail import Node, family

if TYPE_CHECKING:
    from agentlog.store import Store

_KINDS = frozenset(cls.kind for cls in (StreamWritten, Displayed, ErrorRaised, ExecutionEnded, NamespaceChanged))
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
OURS = "_agentlog"
"""Names that begin so are the recorder's own."""
_TEXTS = ("text/plain", "text/markdown", "text/latex", "text/html", "application/json")


@dataclass(frozen=True, slots=True)
class Piece:
    """One output. `kind`: stdout, stderr, display, result; `missing`: characters that the journal does not hold.

    image: (MIME type, digest of the stored body, or "" where `body` holds it)
    """

    kind: str
    text: str = ""
    missing: int = 0
    image: tuple[str, str] | None = None
    body: str = ""
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of the session: a cell, or what was said, called, decided, logged, or failed outside of cells.

    at       seconds since the session began; `time` is the moment itself (`ids.timestamp`)
    kind     "cell", or the kind that `replay` gives it: "thought", "tool", "model", "failure", ...
    process  steps of one number share a namespace
    told     of everything but a cell
    """

    at: float
    time: str
    kind: str
    agent: str
    process: int = 0
    told: Told | None = None
    execution: Execution | None = None
    pieces: tuple[Piece, ...] = ()
    errors: tuple[ErrorRaised, ...] = ()
    changes: tuple[Change, ...] = ()
    result: Value | None = None
    death: Death | None = None

    @property
    def id(self) -> str:
        """Of the execution or of the event: ids sort by time."""
        return self.execution.id if self.execution is not None else self.told.id if self.told is not None else ""

    @property
    def status(self) -> str:
        """Of a cell, how it ended; else "ok" or "error"."""
        if self.execution is not None:
            return self.execution.status
        return "error" if self.kind == "failure" or (self.told is not None and self.told.ok is False) else "ok"

    @property
    def failed(self) -> bool:
        """Did it not end as it should?"""
        return self.execution.failed if self.execution is not None else self.status == "error"


@dataclass(frozen=True)
class Recording:
    """A session and what it started, in steps; `before`: what is different from the run before it, where there is one."""

    session: Session
    steps: tuple[Step, ...]
    sessions: tuple[Session, ...]
    before: Diff | None = None

    @property
    def failures(self) -> list[int]:
        """Numbers of the steps that failed."""
        return [number for number, step in enumerate(self.steps) if step.failed]


def gather(store: Store, session: Session) -> Recording:
    """Everything of `session` and of the sessions below it."""
    tree = family(store, session)
    start = session.started or ""
    processes: dict[tuple[object, ...], int] = {}
    steps: list[Step] = []
    for node in tree.all():
        process = processes.setdefault(_process(node.session), len(processes))
        steps += _cells(store, node, start, process)
    shown = {error.id for step in steps for error in step.errors}
    agents = {node.name: processes[_process(node.session)] for node in tree.all()}
    steps += [
        Step(told.at, _moment(start, told.at), told.kind, told.agent, agents.get(told.agent, 0), told)
        for told in replay(store, session).steps
        if told.kind != "cell" and told.id not in shown
    ]
    ordered = tuple(sorted(steps, key=lambda step: (step.at, step.id)))
    return Recording(session, ordered, tuple(node.session for node in tree.all()), _against_before(store, session))


def _process(session: Session) -> tuple[object, ...]:
    """What tells one namespace from another: a task lives in the process that runs it."""
    return (session.host, session.pid) if session.pid is not None else (session.id,)


def _against_before(store: Store, session: Session) -> Diff | None:
    try:
        earlier = run_before(store, session)
        return compare_sessions(store, earlier, session) if earlier is not None else None
    except AgentlogError:
        return None


def _cells(store: Store, node: Node, start: str, process: int) -> Iterator[Step]:
    events: dict[str, list[Event]] = defaultdict(list)
    for event in store.events(session=node.session.id, kinds=_KINDS):
        if event.execution:
            events[event.execution].append(event)
    for one in store.executions(node.session.id):
        here = events.get(one.id, [])
        yield Step(
            _seconds(start, one.started), one.started or start, "cell", node.name, process, execution=one, pieces=tuple(_pieces(here)),
            errors=tuple(event for event in here if isinstance(event, ErrorRaised)),
            changes=tuple(change for event in here if isinstance(event, NamespaceChanged) for change in event.changes if not change.name.startswith(OURS)),
            result=next((event.result for event in here if isinstance(event, ExecutionEnded)), None), death=store.death(one),
        )  # fmt: skip


def _seconds(start: str, moment: str | None) -> float:
    try:
        return round((parse_timestamp(moment or start) - parse_timestamp(start)).total_seconds(), 3)
    except ValueError:
        return 0.0


def _moment(start: str, seconds: float) -> str:
    try:
        return timestamp((parse_timestamp(start) + timedelta(seconds=seconds)).timestamp())
    except ValueError:
        return start


# --- outputs, as a front end shows them -----------------------------------------------------------------------------


def _pieces(events: list[Event]) -> list[Piece]:
    """Streams that follow each other are one; a display is replaced by its update; a clear takes all away."""
    found: list[Piece] = []
    for event in events:
        if isinstance(event, StreamWritten):
            _write(found, event)
        elif isinstance(event, Displayed):
            _display(found, event)
    return found


def _write(found: list[Piece], event: StreamWritten) -> None:
    missing = max((event.size or 0) - len(event.text), 0) if event.blob else 0
    if found and found[-1].kind == event.name:
        last = found[-1]
        found[-1] = replace(last, text=last.text + event.text, missing=last.missing + missing)
    else:
        found.append(Piece(event.name, event.text, missing))


def _display(found: list[Piece], event: Displayed) -> None:
    if event.clear:
        found.clear()
        return
    piece = _displayed(event)
    same = [number for number, one in enumerate(found) if event.display_id and one.display == event.display_id]
    for number in same:
        found[number] = piece
    if not same and not event.update:
        found.append(piece)


def _displayed(event: Displayed) -> Piece:
    """The image where there is one, with its text beside it; else the best text."""
    mime = next((mime for mime in _TEXTS if mime in event.data), None)
    text = event.data[mime] if mime else ""
    kind = "result" if event.result else "display"
    for image in _IMAGES:
        if image in event.blobs or image in event.data:
            return Piece(kind, text, 0, (image, event.blobs.get(image, "")), event.data.get(image, ""), event.display_id)
    if mime is None:
        known = ", ".join(sorted({*event.data, *event.blobs}))
        text = f"<{known}>"
    return Piece(kind, text, display=event.display_id)
