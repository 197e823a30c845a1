"""Which trace a session belongs to, and what the resource is that it ran on.

A session's trace begins with the topmost session above it; with the trace that its process was started in
(TRACEPARENT), where there was one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from agentlog import __version__
from agentlog.errors import NotFound
from agentlog.events import SessionStarted
from agentlog.otlp.json import Json, Parent, attributes, span_id, trace_id, traceparent
from agentlog.past import Session
from agentlog.store import Store

_HIGHEST = 100
"""sessions above one that are looked at"""


@dataclass(frozen=True, slots=True)
class Trace:
    """The trace of a session, and the span that the session's hangs under ("" where it is the first)."""

    id: str
    parent: str


def trace_of(store: Store, session: Session) -> Trace:
    """Where `session` belongs."""
    own = incoming(store, session)
    top, seen = session, {session.id}
    while (above := top.parent) and above not in seen and len(seen) < _HIGHEST:
        seen.add(above)
        try:
            top = store.session(above)
        except NotFound:  # it is in another store
            return Trace(own.trace, own.span) if own else Trace(trace_id(above), span_id(str(session.parent)))
    first = incoming(store, top)
    identifier = first.trace if first else trace_id(top.id)
    if top.id != session.id:
        return Trace(identifier, span_id(str(session.parent)))
    return Trace(identifier, first.span if first else "")


def incoming(store: Store, session: Session) -> Parent | None:
    """The trace context that the session's process was started with."""
    for event in store.events(session=session.id, kinds={SessionStarted.kind}, limit=1):
        return traceparent(getattr(event, "trace", None))
    return None


def resource(session: Session) -> Json:
    """The resource of everything that `session` tells."""
    values = {
        "service.name": os.environ.get("OTEL_SERVICE_NAME") or "agentlog",
        "service.instance.id": session.id,
        "host.name": session.host,
        "process.pid": session.pid,
        "process.runtime.name": "python",
        "process.runtime.version": session.python,
        "process.working_directory": session.cwd,
        "vcs.ref.head.revision": session.git.get("commit"),
        "vcs.ref.head.name": session.git.get("branch"),
        "telemetry.sdk.name": "agentlog",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": __version__,
    }
    return {"attributes": attributes(values)}
