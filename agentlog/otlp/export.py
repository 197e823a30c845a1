"""OpenTelemetry without a dependency: recordings as OTLP, to a file or to any receiver over HTTP.

    agentlog export --otlp http://localhost:4318
    export_otlp_json("session.otlp.jsonl")

A file has one TracesData or LogsData object a line, as the collector's file exporter and receiver use. `followers/otlp.py`
sends as it is recorded, by the SDK's exporters (protobuf).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from agentlog.api import own_store
from agentlog.desk import Desk
from agentlog.errors import AgentlogError, UsageError
from agentlog.otlp.json import Json
from agentlog.otlp.logs import Logs, to_logs, wrap_logs
from agentlog.otlp.send import NotTaken, send
from agentlog.otlp.settings import ENDPOINT, endpoints
from agentlog.otlp.spans import Spans, to_spans, wrap_spans
from agentlog.past import Session
from agentlog.store import Store
from agentlog.tables import Text

BATCH = 500
"""spans or log records in one request: far below the 20 MiB that receivers take"""


@dataclass(frozen=True, repr=False)
class Exported(Text):
    """What was sent: sessions, spans, log records; `notes`: what was not taken, and why."""

    target: str
    sessions: int = 0
    spans: int = 0
    logs: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.target}: {self.sessions:,} sessions, {self.spans:,} spans, {self.logs:,} log records"
        return "\n".join([head, *(f"  {note}" for note in self.notes)])

    def as_json(self) -> dict[str, Any]:
        """Its fields."""
        return asdict(self)


def to_otlp_spans(session_id: str | None = None) -> Json:
    """The TracesData of a session (default: this process's own, else the latest); {} where there is none."""
    return _of_session(to_spans, session_id)


def to_otlp_logs(session_id: str | None = None) -> Json:
    """The LogsData of a session (default: this process's own, else the latest); {} where there is none."""
    return _of_session(to_logs, session_id)


def _of_session(made: Callable[[Store, Session], Json], reference: str | None) -> Json:
    try:
        with own_store() as (store, mine):
            return made(store, store.session(reference or mine))
    except AgentlogError:
        return {}


def export_otlp_json(path_or_url: str | Path | None = None, session_id: str | None = None) -> str:
    """Spans and logs of a session, written to a file or sent to a receiver; says what was done, or why not, in a line.

    None: to OTEL_EXPORTER_OTLP_ENDPOINT where that is set, else the lines themselves are returned.
    """
    target = str(path_or_url) if path_or_url is not None else os.environ.get(ENDPOINT, "")
    try:
        with own_store() as (store, mine):
            return _exported(store, store.session(session_id or mine), target)
    except AgentlogError as error:
        return f"agentlog: {error}"


def _exported(store: Store, session: Session, target: str) -> str:
    if target.startswith(("http://", "https://")):
        return str(export_otlp(store, session.id, target))
    if target:
        return str(write_otlp(store, session.id, target))
    return "".join(_lines(store, [session]))


def export_otlp(store: Store, session: str | None, url: str) -> Exported:
    """Send `session` (None: the whole store) to the receiver at `url`. Raises UsageError, AgentlogError."""
    where = endpoints(url)
    counts, notes = {"traces": 0, "logs": 0}, []
    sessions = _sessions(store, session)
    for one in sessions:
        for signal, count, body in _bodies(store, one):
            if signal not in where:
                continue
            try:
                said = send(where[signal], body)
            except NotTaken as error:
                if len(where) == 1:
                    raise
                notes.append(str(error))  # a backend of traces alone: the rest of what it takes still goes there
                del where[signal]
                continue
            counts[signal] += count
            notes += [f"{signal}: {said}"] if said else []
    if not where:
        raise UsageError("; ".join(notes))
    return Exported(url, len(sessions), counts["traces"], counts["logs"], tuple(notes))


def write_otlp(store: Store, session: str | None, path: str | Path) -> Exported:
    """Write `session` (None: the whole store) to the file `path`, one TracesData or LogsData a line. Raises UsageError."""
    counts = {"traces": 0, "logs": 0}
    sessions = _sessions(store, session)
    try:
        with open(path, "w", encoding="utf-8") as file:
            for one in sessions:
                for signal, count, body in _bodies(store, one):
                    file.write(json.dumps(body, ensure_ascii=False) + "\n")
                    counts[signal] += count
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    return Exported(str(path), len(sessions), counts["traces"], counts["logs"])


def of_command(args: argparse.Namespace, desk: Desk) -> Exported:
    """`agentlog export --otlp URL` (or a file)."""
    if args.target or args.format or args.table or args.status or args.since or args.until or args.anonymize:
        raise UsageError(
            "agentlog export --otlp sends whole sessions: beside it only --session is taken (agentlog follow URL goes on)"
        )
    session = desk.store.session(args.session).id if args.session else None
    if not args.otlp.startswith(("http://", "https://")):
        return write_otlp(desk.store, session, args.otlp)
    return export_otlp(desk.store, session, args.otlp)


def _sessions(store: Store, session: str | None) -> list[Session]:
    return [store.session(session)] if session is not None else store.sessions()[::-1]


def _bodies(store: Store, session: Session) -> Iterator[tuple[str, int, Json]]:
    """(signal, how many, request) in bounded pieces."""
    for spans in _batches(Spans(store, session).all()):
        yield "traces", len(spans), wrap_spans(session, spans)
    for records in _batches(Logs(store, session).all()):
        yield "logs", len(records), wrap_logs(session, records)


def _lines(store: Store, sessions: list[Session]) -> Iterator[str]:
    for session in sessions:
        for _, _, body in _bodies(store, session):
            yield json.dumps(body, ensure_ascii=False) + "\n"


def _batches(items: Iterable[Json]) -> Iterator[list[Json]]:
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch
