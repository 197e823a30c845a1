"""What the environment says of OpenTelemetry, by OpenTelemetry's own variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from agentlog.errors import UsageError

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
EXCEPTIONS = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass(frozen=True, slots=True)
class Wishes:
    """content: sources, arguments, results and messages too; exception_events: exceptions as span events beside the logs."""

    content: bool = False
    exception_events: bool = True


def wishes(environment: Mapping[str, str] | None = None) -> Wishes:
    """Backends of today show exceptions only as span events, so those are left out only where logs alone are asked for."""
    env = os.environ if environment is None else environment
    return Wishes(
        content=env.get(CONTENT, "").strip().lower() in ("true", "1", "span_only", "event_only", "span_and_event"),
        exception_events=env.get(EXCEPTIONS, "").strip().lower() != "logs",
    )


def headers(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """OTEL_EXPORTER_OTLP_HEADERS: "name=value,name=value", the values in URL encoding."""
    text = (os.environ if environment is None else environment).get("OTEL_EXPORTER_OTLP_HEADERS", "")
    pairs = [part.partition("=") for part in text.split(",") if "=" in part]
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


def endpoints(url: str) -> dict[str, str]:
    """{"traces": ..., "logs": ...} under the base `url`; one of them alone where `url` is that one's own."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"OTLP goes to an http(s) URL such as http://localhost:4318, not {url!r}")
    path = parts.path.rstrip("/")
    for signal in ("traces", "logs"):
        if path.endswith(f"/v1/{signal}"):
            return {signal: urlunsplit(parts._replace(path=path))}
    return {signal: urlunsplit(parts._replace(path=f"{path}/v1/{signal}")) for signal in ("traces", "logs")}
