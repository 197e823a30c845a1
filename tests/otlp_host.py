"""A recorded session to send, a real receiver (rotel), and a sink that decodes with the protocol's own definitions what
the receiver passes on."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import os
import queue
import socket
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from agentlog.events import (
    DecisionMade,
    ErrorRaised,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    Frame,
    Logged,
    MessageSaid,
    OutcomeTagged,
    PerfMarked,
    SessionEnded,
    SessionStarted,
    SpanEnded,
    Value,
)

PATIENCE = 60.0
REQUESTS = {
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "/v1/logs": (ExportLogsServiceRequest, ExportLogsServiceResponse),
}
PARENT, CHILD, CELL, NESTED = "1k0rwaaaaaaaaaaaaaaa", "1k0rwbbbbbbbbbbbbbbb", "1k0rwccccccccccccccc", "1k0rwddddddddddddddd"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def a_recording(trace: str | None = TRACEPARENT) -> list[Event]:
    """A kernel with a cell that fails in a nested one, and an agent's task inside it that calls a model and a tool."""
    frames = (Frame("cell", "<ipython>", 2, "<module>", count=3, source="rows['b']"), Frame("library", "/lib/x.py", 9, "get"))
    failure = Failure("KeyError", "'b' – é", frames=frames, hash="abc", cause=Failure("my.Error", "", module="my"))
    return [
        SessionStarted(session=PARENT, time=_at(0), life="kernel", host="h", pid=7, python="3.11", trace=trace, git={"commit": "c0ffee"}),
        ExecutionStarted(session=PARENT, execution=CELL, time=_at(1), number=1, count=3, source="rows['b']\n"),
        ExecutionStarted(session=PARENT, execution=NESTED, time=_at(2), number=2, source="inner", within=CELL),
        Logged(session=PARENT, execution=NESTED, time=_at(3), level="warning", message="careful", logger="app", data={"n": Value("int", value=5)}),
        ErrorRaised(session=PARENT, execution=NESTED, time=_at(4), message="KeyError: 'b'", failure=failure),
        ExecutionEnded(session=PARENT, execution=NESTED, time=_at(5), status="error", ms=3000.0),
        ExecutionEnded(session=PARENT, execution=CELL, time=_at(6), status="ok", count=3, ms=5000.0, rss=1 << 33),
        SessionStarted(session=CHILD, time=_at(7), life="task", agent="coder", task="fix it", parent=PARENT),
        MessageSaid(session=CHILD, time=_at(8), role="user", text="please mend it"),
        DecisionMade(session=CHILD, time=_at(9), question="which way?", choice="left", options=("left", "right"), reason="shorter"),
        SpanEnded(session=CHILD, time=_at(11), what="tool", name="search", span="t1", parent="m1", ms=500.0, arguments={"q": Value("str", value="b")}),
        SpanEnded(
            session=CHILD, time=_at(12), what="llm", name="opus", span="m1", ms=2500.0, model="opus", provider="anthropic",
            tokens={"input": 1234, "output": 56, "cache_read": 1000}, cost=0.0123,
        ),
        SpanEnded(session=CHILD, time=_at(13), what="function", name="load", span="f1", ok=False, error="OSError: gone", ms=1.0),
        PerfMarked(session=CHILD, time=_at(14), name="after load", figures={"ms": 1.5, "rows": 3}),
        OutcomeTagged(session=CHILD, time=_at(15), outcome="success", confidence=1.0),
        SessionEnded(session=CHILD, time=_at(16), how="ended"),
        SessionEnded(session=PARENT, time=_at(17), how="exit"),
    ]  # fmt: skip


def _at(second: int) -> str:
    return f"2026-11-21T10:00:{second:02}.000001Z"


# --- decoding -------------------------------------------------------------------------------------------------------


def decoded(body: dict[str, Any], path: str) -> Any:
    """The protobuf message that JSON in OTLP's form stands for; any unknown key or wrong type raises."""
    return ParseDict(_base64(body), REQUESTS[path][0](), ignore_unknown_fields=False)


def _base64(thing: Any) -> Any:
    """OTLP writes ids in hexadecimal, protobuf's own JSON in base64: that is all that differs."""
    if isinstance(thing, list):
        return [_base64(item) for item in thing]
    if isinstance(thing, dict):
        ids = ("traceId", "spanId", "parentSpanId")
        return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ids else _base64(v) for k, v in thing.items()}
    return thing


def items(message: Any) -> dict[str, dict[str, Any]]:
    """Spans or log records of a message by what identifies them, with their resource, attributes as a mapping."""
    found = {}
    for outer in (*getattr(message, "resource_spans", ()), *getattr(message, "resource_logs", ())):
        resource = _mapping(MessageToDict(outer.resource).get("attributes", []))
        for scope in (*getattr(outer, "scope_spans", ()), *getattr(outer, "scope_logs", ())):
            for item in (*getattr(scope, "spans", ()), *getattr(scope, "log_records", ())):
                plain = MessageToDict(item)
                plain.pop("flags", None)  # the SDK sets them, and an empty status
                if not plain.get("status"):
                    plain.pop("status", None)
                plain["attributes"] = _mapping(plain.get("attributes", []))
                for event in plain.get("events", []):
                    event["attributes"] = _mapping(event.get("attributes", []))
                key = item.span_id.hex() if hasattr(item, "name") else plain["attributes"]["agentlog.event.id"]["stringValue"]
                found[key] = {**plain, "resource": resource, "scope": scope.scope.name}
    return found


def _mapping(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: pair.get("value", {}) for pair in pairs}


# --- a sink, and a receiver -------------------------------------------------------------------------------------------


class Sink(ThreadingHTTPServer):
    """Takes OTLP over HTTP; `got` has (path, headers, body) of each request, `answers` the status codes to give, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: queue.Queue[tuple[str, Any, bytes]] = queue.Queue()
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.kept: dict[str, dict[str, dict[str, Any]]] = {path: {} for path in REQUESTS}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def messages(self, path: str, count: int) -> dict[str, dict[str, Any]]:
        """The items that came to `path`, in protobuf, once there are `count` of them."""
        while len(self.kept[path]) < count:
            where, _, body = self.got.get(timeout=PATIENCE)
            self.kept[where].update(items(REQUESTS[where][0].FromString(body)))
        found, self.kept[path] = self.kept[path], {}
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        code, headers, answer = self.server.answers.pop(0) if self.server.answers else (200, {}, b"")
        self.server.got.put((self.path, self.headers, body))
        self.send_response(code)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def rotel_program() -> Path | None:
    """The collector inside the wheel `rotel`."""
    found = importlib.util.find_spec("rotel")
    program = Path(str(found.origin)).with_name("rotel-agent") if found and found.origin else None
    return program if program and program.exists() else None


@contextmanager
def rotel(program: Path, folder: Path, onward: str) -> Iterator[str]:
    """A collector that passes on to `onward` what it took; its URL."""
    port, other = _free(), _free()
    words = [
        str(program), "start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{other}",
        "--exporter", "otlp", "--otlp-exporter-endpoint", onward, "--otlp-exporter-protocol", "http",
        "--batch-timeout", "50ms", "--pid-file", str(folder / "pid"),
    ]  # fmt: skip
    libraries = str(sysconfig.get_config_var("LIBDIR"))  # it is linked with Python's, wherever that is installed
    with open(folder / "rotel.txt", "wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env={**os.environ, "LD_LIBRARY_PATH": libraries})
        try:
            for _ in range(600):
                assert process.poll() is None, (folder / "rotel.txt").read_text()
                with socket.socket() as probe:
                    probe.settimeout(0.1)
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                threading.Event().wait(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
