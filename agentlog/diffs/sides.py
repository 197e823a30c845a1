"""The two sides of a comparison, in one form; a recorded session as a side. (Notebook files: `notebook_side`.)"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentlog.diffs.image_prints import image_print
from agentlog.errors import AgentlogError
from agentlog.events import Change, Displayed, ErrorRaised, Event, NamespaceChanged, StreamWritten, Value, WorkspaceSeen
from agentlog.past import Execution, Session

if TYPE_CHECKING:
    from agentlog.store import Store

TEXT_FIRST = ("text/plain", "text/markdown", "text/html", "application/json", "text/latex")
TEXTS = 200_000


@dataclass(frozen=True, slots=True)
class Output:
    """One output: text, or an image by the digest of its content. `kind`: a stream's name, "result" or "display"."""

    kind: str
    text: str = ""
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One execution as it is compared. `values`: name -> what it was made or changed to (None: deleted)."""

    label: str
    source: str
    id: str = ""
    cell_id: str | None = None
    status: str = "ok"
    error: str | None = None
    ms: float | None = None
    started: str | None = None
    outputs: tuple[Output, ...] = ()
    values: Mapping[str, Value | None] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, str] = field(default_factory=dict)
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Side:
    """A session or a notebook. `environment`: Python, host, packages and the like, by name."""

    title: str
    entries: tuple[Entry, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, str] = field(default_factory=dict)
    changed_files: Mapping[str, str] = field(default_factory=dict)
    git_diff: str | None = None


# --- a recorded session ---------------------------------------------------------------------------------------


def session_side(store: Store, session: Session) -> Side:
    """The session as a side: its executions (not those of front ends or of agentlog) with their effects and outputs."""
    by_execution: dict[str, list[Event]] = defaultdict(list)
    files: dict[str, str] = {}
    git_diff = None
    kinds = {NamespaceChanged.kind, StreamWritten.kind, Displayed.kind, ErrorRaised.kind, WorkspaceSeen.kind}
    for event in store.events(session=session.id, kinds=kinds):
        if isinstance(event, WorkspaceSeen):
            files, git_diff = {**files, **event.files}, event.diff or git_diff
        elif event.execution:
            by_execution[event.execution].append(event)
    entries = [entry_of(store, e, by_execution[e.id]) for e in store.executions(session.id) if e.within is None]
    return Side(
        _title(session), tuple(entries), _environment(session), {k: str(v) for k, v in session.git.items()}, files, git_diff
    )


def execution_entry(store: Store, execution: Execution) -> Entry:
    """One execution alone."""
    return entry_of(store, execution, list(store.events(execution=execution.id)))


def entry_of(store: Store, execution: Execution, events: list[Event]) -> Entry:
    """An execution with what its events say."""
    looks = [event for event in events if isinstance(event, NamespaceChanged)]
    changes = [change for look in looks for change in look.changes if change.kind != "unknown"]
    error = next((event.failure.title for event in reversed(events) if isinstance(event, ErrorRaised)), execution.error)
    return Entry(
        execution.label, execution.source, execution.id, execution.cell_id, execution.status, error, execution.ms, execution.started,
        tuple(_outputs(store, events)), _values(changes), {change.name: change.kind for change in changes},
        {key: mark for look in looks for key, mark in look.surroundings.items()},
        frozenset(name for look in looks for name in (*look.reads, *look.lazy)),
    )  # fmt: skip


def _values(changes: list[Change]) -> dict[str, Value | None]:
    return {change.name: None if change.kind == "deleted" else change.new for change in changes}


def _outputs(store: Store, events: list[Event]) -> Iterator[Output]:
    streams: dict[str, str] = {}
    shown: list[Output] = []
    for event in events:
        if isinstance(event, StreamWritten):
            streams[event.name] = streams.get(event.name, "") + _stream(store, event)
        elif isinstance(event, Displayed) and event.clear:
            streams, shown = {}, []
        elif isinstance(event, Displayed) and not event.late:
            shown.append(_displayed(store, event))
    yield from (Output(name, text[:TEXTS]) for name, text in sorted(streams.items()) if text)
    yield from shown


def _stream(store: Store, event: StreamWritten) -> str:
    try:
        return store.text(event) if event.blob else event.text
    except AgentlogError:
        return event.text


def _displayed(store: Store, event: Displayed) -> Output:
    kind = "result" if event.result else "display"
    image = next((mime for mime in (*event.blobs, *event.data) if mime.startswith("image/")), None)
    if image is not None:
        return Output(kind, image=_stored_image(store, event, image))
    mime = next((m for m in TEXT_FIRST if m in event.data), None)
    if mime is None:
        digests = ",".join(sorted(event.blobs.values()))
        return Output(kind, text=digests or "".join(event.data.values())[:TEXTS])
    return Output(kind, text=event.data[mime][:TEXTS])


def _stored_image(store: Store, event: Displayed, mime: str) -> str:
    if mime not in event.blobs:
        return image_print(event.data[mime].encode(), mime)
    try:
        return image_print(store.blob(event.blobs[mime]), mime)
    except AgentlogError:
        return event.blobs[mime]


def _title(session: Session) -> str:
    when = (session.started or "")[:16].replace("T", " ")
    return f"{session.title} {session.id[-6:]} ({when})"


def _environment(session: Session) -> dict[str, str]:
    facts = {"python": session.python, "host": session.host, "cwd": session.cwd}
    found = {key: str(value) for key, value in facts.items() if value}
    found.update({f"package:{name}": str(version) for name, version in session.packages.items()})
    return found
