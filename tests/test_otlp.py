"""OTLP: valid by the protocol's own definitions, equal in JSON and protobuf, received by a real collector."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.proto", reason="needs opentelemetry-proto")

from otlp_host import CELL, CHILD, NESTED, PARENT, TRACEPARENT, Sink, a_recording, decoded, items, rotel, rotel_program, sink

import agentlog
from agentlog import recorder
from agentlog.cli import main
from agentlog.errors import AgentlogError, MissingExtra, UsageError
from agentlog.followers.loop import Follower
from agentlog.followers.otlp import OtlpTarget
from agentlog.otlp import export as otlp
from agentlog.otlp.export import export_otlp, write_otlp
from agentlog.otlp.json import any_value, nanoseconds, span_id, trace_id, traceparent
from agentlog.otlp.logs import to_logs
from agentlog.otlp.send import NotTaken, send
from agentlog.otlp.settings import Wishes, endpoints, headers, wishes
from agentlog.otlp.spans import to_spans
from agentlog.settings import Settings
from agentlog.store import Store

SPANS, LOGS = 7, 6
"""in the recording of `otlp_host`: of the kernel 3, of the task 4"""


def memory(trace: str | None = TRACEPARENT) -> Store:
    store = Store.in_memory()
    for event in a_recording(trace):
        store.add(event)
    return store


@pytest.fixture
def store() -> Iterator[Store]:
    """The recording, in memory."""
    made = memory()
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The recording, in a folder."""
    written = recorder.Recorder(Settings(enabled=True, folder=tmp_path / "recorded"))
    for event in a_recording():
        written.record(event, now=True)
    written.close()
    return tmp_path / "recorded"


def spans_of(store: Store, session: str, wanted: Wishes | None = None) -> dict[str, dict[str, Any]]:
    return items(decoded(to_spans(store, store.session(session), wanted), "/v1/traces"))


def logs_of(store: Store, session: str, wanted: Wishes | None = None) -> list[dict[str, Any]]:
    return list(items(decoded(to_logs(store, store.session(session), wanted), "/v1/logs")).values())


# --- spans ------------------------------------------------------------------------------------------------------------


def test_sessions_executions_and_calls_are_spans(store: Store) -> None:
    """Names, kinds, parents, times, status, tokens and cost after the conventions."""
    kernel, task = spans_of(store, PARENT), spans_of(store, CHILD)
    names = {key: one["name"] for key, one in (kernel | task).items()}
    assert names == {
        span_id(PARENT): "invoke_workflow kernel", span_id(CELL): "execute_tool ipython_cell", span_id(NESTED): "execute_tool ipython_cell",
        span_id(CHILD): "invoke_agent coder", span_id("t1"): "execute_tool search", span_id("m1"): "chat opus", span_id("f1"): "load",
    }  # fmt: skip
    chat = task[span_id("m1")]
    assert chat["kind"] == "SPAN_KIND_CLIENT"
    assert chat["attributes"]["gen_ai.usage.input_tokens"] == {"intValue": "1234"}
    assert chat["attributes"]["gen_ai.usage.cache_read.input_tokens"] == {"intValue": "1000"}
    assert chat["attributes"]["agentlog.cost.usd"] == {"doubleValue": 0.0123}
    assert int(chat["endTimeUnixNano"]) - int(chat["startTimeUnixNano"]) == 2_500_000_000
    failed = kernel[span_id(NESTED)]
    assert failed["status"] == {"code": "STATUS_CODE_ERROR", "message": "KeyError: 'b' – é"}
    assert failed["attributes"]["error.type"] == {"stringValue": "KeyError"}
    assert "status" not in kernel[span_id(CELL)]
    assert task[span_id("f1")]["attributes"]["error.type"] == {"stringValue": "OSError"}
    assert kernel[span_id(PARENT)]["resource"]["vcs.ref.head.revision"] == {"stringValue": "c0ffee"}


def test_parents_and_traces_hang_together(store: Store) -> None:
    """One trace: the one the process was started in; a task under its kernel, a cell under the one that ran it."""
    found = spans_of(store, PARENT) | spans_of(store, CHILD)
    above = {key: decoded_id(one.get("parentSpanId")) for key, one in found.items()}
    assert above == {
        span_id(PARENT): "00f067aa0ba902b7", span_id(CELL): span_id(PARENT), span_id(NESTED): span_id(CELL),
        span_id(CHILD): span_id(PARENT), span_id("t1"): span_id("m1"), span_id("m1"): span_id(CHILD), span_id("f1"): span_id(CHILD),
    }  # fmt: skip
    assert {decoded_id(one["traceId"]) for one in found.values()} == {"4bf92f3577b34da6a3ce929d0e0e4736"}


def test_without_a_trace_from_outside_the_topmost_session_begins_one() -> None:
    """Stable: the same ids each time, whatever else the store holds."""
    made = memory(trace=None)
    ids = {decoded_id(one["traceId"]) for one in (spans_of(made, PARENT) | spans_of(made, CHILD)).values()}
    assert ids == {trace_id(PARENT)}
    assert "parentSpanId" not in spans_of(made, PARENT)[span_id(PARENT)]
    made.close()


def decoded_id(text: str | None) -> str | None:
    import base64

    return base64.b64decode(text).hex() if text else None


def test_the_trace_context_is_read_as_w3c_says() -> None:
    """Invalid ones are as good as none; a later version may carry more."""
    found = traceparent(TRACEPARENT)
    assert found is not None
    assert found.span == "00f067aa0ba902b7"
    assert traceparent("01" + TRACEPARENT[2:] + "-more") is not None
    for wrong in (
        "",
        None,
        "ff" + TRACEPARENT[2:],
        TRACEPARENT + "-more",
        TRACEPARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        "x",
    ):
        assert traceparent(wrong) is None


def test_the_environment_of_a_process_gives_its_trace(monkeypatch: pytest.MonkeyPatch, store_folder: Path) -> None:
    """TRACEPARENT, as any instrumented parent sets it."""
    monkeypatch.setenv("TRACEPARENT", TRACEPARENT)
    agentlog.enable()
    try:
        with agentlog.start_session("coder", "work"):
            agentlog.log("hello")
            made = agentlog.to_otlp_spans("last")
    finally:
        agentlog.disable()
    spans = made["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert {one["traceId"] for one in spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}


# --- events and logs --------------------------------------------------------------------------------------------------


def test_errors_and_events_are_logs(store: Store) -> None:
    """Each in its span; exceptions with type, message and stack; severity by the level."""
    warning, error = logs_of(store, PARENT)
    assert (warning["severityNumber"], warning["severityText"]) == ("SEVERITY_NUMBER_WARN", "WARN")
    assert warning["body"] == {"stringValue": "careful"}
    assert decoded_id(error["spanId"]) == span_id(NESTED)
    assert error["eventName"] == "gen_ai.execute_tool.exception"
    assert error["attributes"]["exception.type"] == {"stringValue": "KeyError"}
    assert error["attributes"]["exception.message"] == {"stringValue": "'b' – é"}
    stack = error["attributes"]["exception.stacktrace"]["stringValue"]
    assert 'File "In[3]", line 2' in stack
    assert stack.index("my.Error") < stack.index("KeyError")
    assert error["attributes"]["code.line.number"] == {"intValue": "2"}
    assert [one["eventName"] for one in logs_of(store, CHILD)] == [
        "agentlog.message",
        "agentlog.decision",
        "agentlog.perf",
        "agentlog.outcome",
    ]


def test_exceptions_are_span_events_unless_logs_alone_are_asked_for(store: Store) -> None:
    """OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN."""
    (event,) = spans_of(store, PARENT, wishes({}))[span_id(NESTED)]["events"]
    assert event["name"] == "exception"
    assert event["attributes"]["exception.type"] == {"stringValue": "KeyError"}
    alone = wishes({"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": "logs"})
    assert "events" not in spans_of(store, PARENT, alone)[span_id(NESTED)]
    assert wishes({"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": "logs/dup"}).exception_events


def test_content_is_sent_only_where_it_is_asked_for(store: Store) -> None:
    """Sources, arguments and what was said stay here by default."""
    plain = json.dumps(
        [spans_of(store, CHILD, wishes({})), logs_of(store, CHILD, wishes({})), spans_of(store, PARENT, wishes({}))]
    )
    for secret in ("please mend it", "rows['b']\\n", "shorter"):
        assert json.dumps(secret)[1:-1] not in plain
    wanted = wishes({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"})
    assert "please mend it" in json.dumps(logs_of(store, CHILD, wanted))
    assert spans_of(store, PARENT, wanted)[span_id(CELL)]["attributes"]["gen_ai.tool.call.arguments"][
        "stringValue"
    ] == json.dumps({"code": "rows['b']\n"})


def test_values_of_any_kind_are_valid() -> None:
    """Numbers out of range, no numbers, half a character."""
    assert any_value(True) == {"boolValue": True}
    assert any_value(3) == {"intValue": "3"}
    assert any_value(2**70) == {"stringValue": str(2**70)}
    assert any_value(float("nan")) == {"stringValue": "nan"}
    assert any_value("\ud800")["stringValue"].encode() == b"?"
    assert any_value({"a": [1, None]}) == {
        "kvlistValue": {
            "values": [{"key": "a", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "None"}]}}}]
        }
    }
    assert nanoseconds("2026-11-21T10:00:00.000001Z") == "1795255200000001000"


# --- sending ----------------------------------------------------------------------------------------------------------


def test_json_and_protobuf_agree_at_a_real_collector(folder: Path, tmp_path: Path) -> None:
    """rotel takes our JSON, and the same session followed live by the SDK in protobuf; what it passes on is equal, and equal to
    what was meant."""
    program = rotel_program()
    if program is None:
        pytest.skip("needs the collector in the wheel rotel")
    with sink() as end, rotel(program, tmp_path, end.url) as url:
        store = Store.open(folder)
        sent = export_otlp(store, None, url)
        assert (sent.spans, sent.logs, sent.notes) == (SPANS, LOGS, ())
        by_json = (end.messages("/v1/traces", SPANS), end.messages("/v1/logs", LOGS))
        follower = Follower(folder, OtlpTarget(url, folder))
        assert follower.catch_up(), follower.trouble
        by_protobuf = (end.messages("/v1/traces", SPANS), end.messages("/v1/logs", LOGS))
        follower.close()
        meant = spans_of(store, PARENT) | spans_of(store, CHILD)
        store.close()
    assert by_json[0].keys() == meant.keys()
    for key, one in meant.items():
        for name in ("name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes", "events", "status", "resource"):
            assert by_json[0][key].get(name) == one.get(name), (one["name"], name)
    assert without_order(by_json) == without_order(by_protobuf)


def without_order(found: Any) -> str:
    return json.dumps(found, sort_keys=True)


def test_a_follower_goes_on_where_it_was(folder: Path) -> None:
    """What was sent is not sent again by the next follower; what is new is; an outage loses nothing."""
    with sink() as end:
        first = Follower(folder, OtlpTarget(end.url, folder))
        assert first.catch_up()
        first.close()
        assert end.messages("/v1/traces", SPANS)
        assert end.messages("/v1/logs", LOGS)
        drain(end)
        second = Follower(folder, OtlpTarget(end.url, folder))
        assert second.catch_up()
        written = recorder.Recorder(Settings(enabled=True, folder=folder))
        for event in a_recording()[9:10]:
            written.record(event, now=True)
        written.close()
        end.answers = [(400, {}, b"")]
        assert not second.catch_up()
        drain(end)
        assert second.catch_up()
        (record,) = end.messages("/v1/logs", 1).values()
        assert record["eventName"] == "agentlog.decision"
        second.close()


def drain(end: Sink) -> None:
    while not end.got.empty():
        end.got.get()


def test_the_sender_tries_again_only_where_it_may() -> None:
    """429 and 503 with Retry-After are tried again, 400 and a partial success are not; headers and gzip are as told."""
    waited: list[float] = []
    with sink() as end:
        end.answers = [(503, {}, b""), (429, {"Retry-After": "7"}, b""), (200, {}, b"")]
        assert send(f"{end.url}/v1/logs", {"resourceLogs": []}, sleep=waited.append) is None
        assert end.got.qsize() == 3
        assert 0.2 < waited[0] <= 0.5
        assert waited[1] == 7.0
        _, told, body = end.got.get()
        assert (told["Content-Type"], told["Content-Encoding"]) == ("application/json", "gzip")
        assert json.loads(body) == {"resourceLogs": []}
        drain(end)
        end.answers = [
            (400, {}, b"bad\nthing"),
            (200, {}, b'{"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "old"}}'),
        ]
        with pytest.raises(UsageError, match=r"400.*bad thing"):
            send(f"{end.url}/v1/logs", {}, sleep=waited.append)
        assert send(f"{end.url}/v1/logs", {}, sleep=waited.append) == "2 refused: old"
        assert end.got.qsize() == 2
        gone = end.url
    with pytest.raises(AgentlogError, match="6 tries"):
        send(f"{gone}/v1/logs", {}, sleep=waited.append)


def test_a_backend_of_traces_alone_still_gets_them(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """404 for logs is said, once."""
    with sink() as end:
        end.answers = [(200, {}, b""), (404, {}, b"")]
        sent = export_otlp(store, None, end.url)
        assert (sent.sessions, sent.spans, sent.logs) == (2, SPANS, 0)
        assert len(sent.notes) == 1
        end.answers = [(404, {}, b"")]
        with pytest.raises(NotTaken):
            export_otlp(store, PARENT, f"{end.url}/v1/logs")


def test_addresses_and_headers_of_the_environment() -> None:
    """A base, one signal's own address, values in URL encoding."""
    assert endpoints("http://h:4318/") == {"traces": "http://h:4318/v1/traces", "logs": "http://h:4318/v1/logs"}
    assert endpoints("https://h/x/v1/traces?a=b") == {"traces": "https://h/x/v1/traces?a=b"}
    assert headers({"OTEL_EXPORTER_OTLP_HEADERS": "X-Key=a%20b, other=1"}) == {"x-key": "a b", "other": "1"}
    with pytest.raises(UsageError):
        endpoints("localhost:4318")


def test_the_command_sends_or_writes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`agentlog export --otlp`: a URL or a file, whose every line is valid."""
    with sink() as end:
        assert main(["export", "--otlp", end.url, "--store", str(folder)]) == 0
        assert f"{SPANS} spans, {LOGS} log records" in capsys.readouterr().out
    path = tmp_path / "x.jsonl"
    assert main(["export", "--otlp", str(path), "--session", CHILD, "--store", str(folder)]) == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [len(items(decoded(line, f"/v1/{signal}"))) for line, signal in zip(lines, ("traces", "logs"), strict=True)] == [4, 4]
    assert main(["export", "--otlp", end.url, "--format", "csv", "--store", str(folder)]) == 2
    assert "--session" in capsys.readouterr().err


def test_many_spans_go_in_bounded_requests(monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path) -> None:
    """Receivers refuse requests above 20 MiB."""
    monkeypatch.setattr(otlp, "BATCH", 2)
    write_otlp(store, CHILD, tmp_path / "x")
    sizes = [
        len(items(decoded(line, "/v1/traces" if "resourceSpans" in line else "/v1/logs")))
        for line in map(json.loads, (tmp_path / "x").read_text().splitlines())
    ]
    assert sizes == [2, 2, 2, 2]


def test_the_functions_never_raise(monkeypatch: pytest.MonkeyPatch, store_folder: Path) -> None:
    """No store, nobody listening: a line, or nothing."""
    assert agentlog.to_otlp_spans() == {}
    assert agentlog.to_otlp_logs() == {}
    assert agentlog.export_otlp_json().startswith("agentlog: no store yet")
    agentlog.enable()
    try:
        agentlog.log("one")
        assert "resourceSpans" in agentlog.export_otlp_json()
        assert agentlog.export_otlp_json("http:///nowhere").startswith("agentlog: OTLP goes to")
    finally:
        agentlog.disable()


def test_live_following_says_which_extra_it_needs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """One line."""
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(MissingExtra, match=r"agentlog\[otel\]"):
        OtlpTarget("http://localhost:4318", folder)
