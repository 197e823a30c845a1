"""Sessions, executions, tools and model calls as spans of OTLP."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from agentlog import __version__
from agentlog.events import ErrorRaised, Event, SpanEnded, Value, plain
from agentlog.otlp import names
from agentlog.otlp.events import KINDS, exception, happened, type_name
from agentlog.otlp.json import Json, Parent, attributes, clean, nanoseconds, span_id, traceparent
from agentlog.otlp.settings import Wishes, wishes
from agentlog.otlp.trace import Trace, resource, trace_of
from agentlog.past import Execution, Session
from agentlog.store import Store

SCOPE = {"name": names.SCOPE, "version": __version__}


class Spans:
    """The spans of one session."""

    def __init__(self, store: Store, session: Session, wanted: Wishes | None = None) -> None:
        self.store, self.session = store, session
        self.trace: Trace = trace_of(store, session)
        self.wishes = wanted or wishes()
        self._executions: set[str] | None = None

    def all(self) -> Iterator[Json]:
        """The session's own, then executions and calls in order."""
        last = self.session.started
        for execution in self.store.executions(self.session.id, internal=True):
            last = max(last or "", execution.ended or execution.started or "")
            yield self.of_execution(execution)
        for event in self.store.events(session=self.session.id, kinds={SpanEnded.kind}):
            if isinstance(event, SpanEnded):
                last = max(last or "", event.time)
                yield self.of_call(event)
        yield self.of_session(last)

    def of_session(self, last: str | None = None) -> Json:
        """One for the whole session. `last`: when something of it was heard last, the end of one that still runs."""
        one = self.session
        named = one.agent or one.title
        operation = ("invoke_agent", names.AGENT) if one.agent else ("invoke_workflow", names.WORKFLOW)
        values: dict[str, object] = {
            names.OPERATION: operation[0], operation[1]: named, names.SESSION: one.id, names.PARENT_SESSION: one.parent,
            "agentlog.session.life": one.life, "agentlog.session.how": one.how, "agentlog.session.task": one.task,
            "agentlog.notebook": one.notebook, "agentlog.session.executions": one.executions,
            "agentlog.session.failures": one.failures,
        }  # fmt: skip
        end = one.ended or last or one.started
        died = (names.ERROR, one.detail or "its process died") if one.how == "died" else (names.UNSET, "")
        if one.how == "died":
            values[names.ERROR_TYPE] = "died"
        outside = [event for event in self._events(None) if event.execution is None]
        return self._span(one.id, self.trace.parent, f"{operation[0]} {named}", one.started, end, values, died, outside)

    def of_execution(self, one: Execution) -> Json:
        """A cell, as the tool it is to an agent."""
        values: dict[str, object] = {
            names.OPERATION: "execute_tool", names.TOOL: names.CELL_TOOL, names.TOOL_TYPE: "function", names.TOOL_CALL: one.id,
            names.SESSION: self.session.id, names.EXECUTION: one.id, names.COUNT: one.count, names.CELL: one.cell_id,
            names.STATUS: one.status, "agentlog.cell.number": one.number, "agentlog.notebook": one.notebook or self.session.notebook,
            "process.memory.usage": one.rss, names.TOOL_ARGUMENTS: _as_json({"code": one.source}) if self.wishes.content else None,
        }  # fmt: skip
        events = list(self._events(one.id))
        errors = [event for event in events if isinstance(event, ErrorRaised)]
        if one.failed:
            values[names.ERROR_TYPE] = type_name(errors[-1].failure) if errors else one.status
        status = (names.ERROR, one.error or one.status) if one.failed else (names.UNSET, "")
        parent = span_id(one.within or self.session.id)
        end = one.ended or max([one.started or "", *(event.time for event in events)])
        name = f"execute_tool {names.CELL_TOOL}"
        return self._span(one.id, parent, name, one.started, end, values, status, events)

    def of_call(self, one: SpanEnded) -> Json:
        """A tool call, a model call, a function, a named piece of work."""
        name, kind, values = _call(one)
        values |= {names.SESSION: self.session.id, names.EXECUTION: one.execution, names.COST: one.cost}
        if self.wishes.content:
            values[names.TOOL_ARGUMENTS] = _as_json(one.arguments) if one.arguments else None
            values[names.TOOL_RESULT] = _as_json(one.result) if one.result is not None else None
        if not one.ok:
            values[names.ERROR_TYPE] = (one.error or "_OTHER").split(":")[0]
        status = (names.UNSET, "") if one.ok else (names.ERROR, one.error or "it failed")
        above = incoming(one)
        parent = above.span if above else span_id(one.parent or one.execution or self.session.id)
        begun = nanoseconds(one.time, less_ms=one.ms)
        span = self._span(one.span or one.id, parent, name, one.time, one.time, values, status, ())
        return {**span, "kind": kind, "startTimeUnixNano": begun, **({"traceId": above.trace} if above else {})}

    def _span(
        self, identifier: str, parent: str, name: str, begin: str | None, end: str | None, values: dict[str, object],
        status: tuple[int, str], events: Iterable[Event],
    ) -> Json:  # fmt: skip
        code, message = status
        span: Json = {
            "traceId": self.trace.id, "spanId": span_id(identifier), "name": clean(name), "kind": names.INTERNAL,
            "startTimeUnixNano": nanoseconds(begin), "endTimeUnixNano": nanoseconds(end), "attributes": attributes(values),
        }  # fmt: skip
        if parent:
            span["parentSpanId"] = parent
        if found := [made for event in events if (made := self._event(event)) is not None]:
            span["events"] = found
        if code:
            span["status"] = {"code": code, "message": clean(message)}
        return span

    def _events(self, execution: str | None) -> Iterable[Event]:
        return self.store.events(session=self.session.id, execution=execution, kinds=KINDS - {"log"})

    def _event(self, event: Event) -> Json | None:
        """An event of a span. Exceptions are called so, whatever span they are of: that is what backends look for."""
        if isinstance(event, ErrorRaised):
            if not self.wishes.exception_events:
                return None
            return {
                "timeUnixNano": nanoseconds(event.time),
                "name": "exception",
                "attributes": attributes(exception(event.failure)),
            }
        told = happened(event, content=self.wishes.content)
        if told is None:
            return None
        values = {"agentlog.body": told.body or None, **told.attributes}
        return {"timeUnixNano": nanoseconds(event.time), "name": told.name, "attributes": attributes(values)}


def to_spans(store: Store, session: Session, wanted: Wishes | None = None) -> Json:
    """The TracesData of `session`."""
    return wrap_spans(session, list(Spans(store, session, wanted).all()))


def wrap_spans(session: Session, spans: list[Json]) -> Json:
    """Spans of one session as TracesData."""
    scoped = {"scope": SCOPE, "spans": spans, "schemaUrl": names.SCHEMA_URL}
    return {"resourceSpans": [{"resource": resource(session), "scopeSpans": [scoped], "schemaUrl": names.SCHEMA_URL}]}


def incoming(call: SpanEnded) -> Parent | None:
    """The trace context that came with the request that the span answers."""
    return traceparent(call.trace)


def _call(one: SpanEnded) -> tuple[str, int, dict[str, object]]:
    """(name, kind, attributes)."""
    data: dict[str, object] = {f"agentlog.data.{key}": value.value for key, value in one.data.items() if value.value is not None}
    if one.what == "tool":
        return f"execute_tool {one.name}", names.INTERNAL, {
            names.OPERATION: "execute_tool", names.TOOL: one.name, names.TOOL_TYPE: "function", names.TOOL_CALL: one.span, **data
        }  # fmt: skip
    if one.what == "llm":
        model = one.model or one.name
        tokens = {names.TOKENS[key]: count for key, count in one.tokens.items() if key in names.TOKENS}
        provider = one.provider or "unknown"
        return f"chat {model}", names.CLIENT, {
            names.OPERATION: "chat", names.PROVIDER: provider, names.REQUEST_MODEL: model, **tokens, **data
        }  # fmt: skip
    return one.name, names.INTERNAL, {"agentlog.span.what": one.what, **data}


def _as_json(thing: object) -> str:
    if isinstance(thing, Value):
        thing = thing.value if thing.value is not None else thing
    return json.dumps(plain(thing), ensure_ascii=False)
