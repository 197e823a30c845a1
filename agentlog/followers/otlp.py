"""What is recorded becomes spans and logs at an OTLP receiver as it happens, each as soon as it is complete.

An execution is sent when it ends, a call when it ended, a session when it is over, everything else at once. How far each
segment was sent is kept beside the journal; after a crash or an outage a little may be sent twice, with the same ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from agentlog.errors import NotFound
from agentlog.events import Event, ExecutionEnded, SessionEnded, SpanEnded, from_record
from agentlog.followers.postgres_link import Lost
from agentlog.otlp.events import KINDS
from agentlog.otlp.json import Json
from agentlog.otlp.logs import Logs
from agentlog.otlp.sdk import SdkSender
from agentlog.otlp.spans import Spans
from agentlog.otlp.trace import resource
from agentlog.past import Session
from agentlog.store import Store
from agentlog.tail import Piece, keep_state, load_state

FOLLOWED = KINDS | {ExecutionEnded.kind, SpanEnded.kind, SessionEnded.kind}


class OtlpTarget:
    """A receiver that follows a journal; see `followers.loop.Target`. Raises Lost (try again), MissingExtra, UsageError."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._sender = SdkSender(url)
        self._folder = folder
        self._store: Store | None = None
        self._state = folder / f"otlp-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"
        self._places = {name: place for name, place in load_state(self._state).items() if isinstance(place, int)}

    def places(self, names: list[str]) -> dict[str, int]:
        """How far each of these segments was sent."""
        return {name: self._places[name] for name in names if name in self._places}

    def take(self, piece: Piece) -> None:
        """Send what the lines of `piece` complete."""
        by_session: dict[str, list[Event]] = {}
        for record in piece.records():
            if record.get("e") in FOLLOWED:
                event = from_record(record)
                by_session.setdefault(event.session, []).append(event)
        for session, events in by_session.items():
            self._send(session, events)
        self._places[piece.segment] = piece.end
        keep_state(self._state, self._places)

    def _send(self, identifier: str, events: list[Event]) -> None:
        if self._store is None:
            self._store = Store.open(self._folder)
        try:
            session = self._store.session(identifier)
        except NotFound:
            return
        spans = list(_spans(self._store, session, events))
        made = Logs(self._store, session)
        logs = [record for event in events if (record := made.of(event)) is not None]
        where = resource(session)
        if not (self._sender.spans(where, spans) and self._sender.logs(where, logs)):
            raise Lost(f"OTLP to {self.url}: the receiver did not take {len(spans)} spans and {len(logs)} log records")

    def close(self) -> None:
        """Close both ends."""
        self._sender.close()
        if self._store is not None:
            self._store.close()


def _spans(store: Store, session: Session, events: list[Event]) -> Iterator[Json]:
    """The spans that these events complete."""
    spans = Spans(store, session)
    for event in events:
        if isinstance(event, ExecutionEnded) and event.execution:
            execution = store.execution(event.execution)
            if not execution.own:
                yield spans.of_execution(execution)
        elif isinstance(event, SpanEnded):
            yield spans.of_call(event)
        elif isinstance(event, SessionEnded):
            yield spans.of_session(event.time)
