"""Errors, log lines and other events as log records of OTLP, each in the trace and span it belongs to."""

from __future__ import annotations

from collections.abc import Iterator

from agentlog.events import Event
from agentlog.otlp import names
from agentlog.otlp.events import KINDS, happened
from agentlog.otlp.json import Json, attributes, clean, nanoseconds, span_id
from agentlog.otlp.settings import Wishes, wishes
from agentlog.otlp.spans import SCOPE
from agentlog.otlp.trace import Trace, resource, trace_of
from agentlog.past import Session
from agentlog.store import Store


class Logs:
    """The log records of one session."""

    def __init__(self, store: Store, session: Session, wanted: Wishes | None = None) -> None:
        self.store, self.session = store, session
        self.trace: Trace = trace_of(store, session)
        self.wishes = wanted or wishes()

    def all(self) -> Iterator[Json]:
        """In order."""
        for event in self.store.events(session=self.session.id, kinds=KINDS):
            record = self.of(event)
            if record is not None:
                yield record

    def of(self, event: Event) -> Json | None:
        """The log record of `event`; None for a kind that has none."""
        told = happened(event, content=self.wishes.content)
        if told is None:
            return None
        values = {
            names.SESSION: self.session.id,
            names.EXECUTION: event.execution,
            "agentlog.event.id": event.id,
            **told.attributes,
        }
        moment = nanoseconds(event.time)
        record: Json = {
            "timeUnixNano": moment, "observedTimeUnixNano": moment, "severityNumber": told.severity,
            "severityText": names.SEVERITY_TEXT[told.severity], "body": {"stringValue": clean(told.body)},
            "attributes": attributes(values), "traceId": self.trace.id, "spanId": span_id(event.execution or self.session.id),
        }  # fmt: skip
        return {**record, "eventName": told.name} if told.name else record


def to_logs(store: Store, session: Session, wanted: Wishes | None = None) -> Json:
    """The LogsData of `session`."""
    return wrap_logs(session, list(Logs(store, session, wanted).all()))


def wrap_logs(session: Session, records: list[Json]) -> Json:
    """Log records of one session as LogsData."""
    scoped = {"scope": SCOPE, "logRecords": records, "schemaUrl": names.SCHEMA_URL}
    return {"resourceLogs": [{"resource": resource(session), "scopeLogs": [scoped], "schemaUrl": names.SCHEMA_URL}]}
