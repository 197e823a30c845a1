"""Spans and log records as objects of OpenTelemetry's SDK, sent by its exporters in protobuf (extra `otel`).

For receivers that refuse JSON, and for all that the exporters read from OTEL_EXPORTER_OTLP_*: certificates, headers,
timeouts, compression.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlog import __version__
from agentlog.errors import MissingExtra
from agentlog.otlp.json import Json
from agentlog.otlp.names import SCHEMA_URL, SCOPE
from agentlog.otlp.settings import endpoints


class SdkSender:
    """The exporters for one receiver. Raises MissingExtra, UsageError."""

    def __init__(self, url: str) -> None:
        where = endpoints(url)
        try:
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk._logs.export import LogRecordExportResult
            from opentelemetry.sdk.trace.export import SpanExportResult
        except ImportError as missing:
            raise MissingExtra(f"following by OTLP ({missing.name})", "otel") from None
        self._spans = OTLPSpanExporter(endpoint=where["traces"]) if "traces" in where else None
        self._logs = OTLPLogExporter(endpoint=where["logs"]) if "logs" in where else None
        self._taken = (SpanExportResult.SUCCESS, LogRecordExportResult.SUCCESS)

    def spans(self, resource: Json, spans: Sequence[Json]) -> bool:
        """Did the receiver take them (or is it not meant to have any)?"""
        made = [_span(span, _resource(resource)) for span in spans]
        return self._spans is None or not made or self._spans.export(made) in self._taken

    def logs(self, resource: Json, records: Sequence[Json]) -> bool:
        """Did the receiver take them (or is it not meant to have any)?"""
        made = [_log(record, _resource(resource)) for record in records]
        return self._logs is None or not made or self._logs.export(made) in self._taken

    def close(self) -> None:
        """End the connections."""
        for exporter in (self._spans, self._logs):
            if exporter is not None:
                exporter.shutdown()


def _span(span: Json, resource: Any) -> Any:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import SpanKind, Status, StatusCode

    status = span.get("status", {})
    events = [Event(e["name"], _attributes(e["attributes"]), int(e["timeUnixNano"])) for e in span.get("events", ())]
    return ReadableSpan(
        span["name"],
        context=_context(span["traceId"], span["spanId"]),
        parent=_context(span["traceId"], span["parentSpanId"]) if "parentSpanId" in span else None,
        resource=resource,
        attributes=_attributes(span["attributes"]),
        events=events,
        kind=SpanKind(span["kind"] - 1),  # the SDK counts from 0, the protocol from 1
        status=Status(StatusCode(status.get("code", 0)), status.get("message")) if status else Status(),
        start_time=int(span["startTimeUnixNano"]),
        end_time=int(span["endTimeUnixNano"]),
        instrumentation_scope=_scope(),
    )


def _log(record: Json, resource: Any) -> Any:
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    made = LogRecord(
        timestamp=int(record["timeUnixNano"]),
        observed_timestamp=int(record["observedTimeUnixNano"]),
        context=set_span_in_context(NonRecordingSpan(_context(record["traceId"], record["spanId"]))),
        severity_text=record["severityText"],
        severity_number=SeverityNumber(record["severityNumber"]),
        body=_value(record["body"]),
        attributes=_attributes(record["attributes"]),
        event_name=record.get("eventName"),
    )
    return ReadableLogRecord(made, resource, _scope())


def _context(trace: str, span: str) -> Any:
    from opentelemetry.trace import SpanContext

    return SpanContext(int(trace, 16), int(span, 16), is_remote=False)


def _resource(resource: Json) -> Any:
    from opentelemetry.sdk.resources import Resource

    return Resource(_attributes(resource["attributes"]), SCHEMA_URL)


def _scope() -> Any:
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return InstrumentationScope(SCOPE, __version__, SCHEMA_URL)


def _attributes(pairs: Sequence[Json]) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in pairs}


def _value(value: Json) -> Any:
    ((kind, inner),) = value.items()
    if kind == "intValue":
        return int(inner)
    if kind == "arrayValue":
        return [_value(item) for item in inner["values"]]
    if kind == "kvlistValue":
        return _attributes(inner["values"])
    return inner
