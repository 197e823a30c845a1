"""Metrics: what is exposed is what the store holds; a real Prometheus scrapes it, its alert fires and resolves."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parent / "exports"))
from samples import Samples, a_bit_of_everything

from agentlog import cli
from agentlog.errors import UsageError
from agentlog.events import ExecutionEnded, ExecutionStarted, ProcessDied, RecorderFaulted
from agentlog.ids import new_id
from agentlog.metrics.counts import Meter
from agentlog.metrics.exposition import Metric, expose
from agentlog.metrics.server import MetricsServer, address
from agentlog.retention import collect

INTEGRATIONS = Path(__file__).parent.parent / "integrations"
PATIENCE = 90.0


@pytest.fixture
def made(store_folder: Path) -> Iterator[Samples]:
    """A store with a bit of everything."""
    samples = a_bit_of_everything(store_folder)
    yield samples
    samples.close()


def _figures(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """(name, label values) -> number, as Prometheus's own parser reads it."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _meter(made: Samples, state: Path | None = None) -> Meter:
    return Meter(made.store(), state)


def test_figures_are_those_of_the_store(made: Samples) -> None:
    """Executions, errors, calls, tokens, cost, sessions, drops and deaths, each counted once."""
    made.begin()
    made.cell(1, "%agentlog status", own=True)
    made.add(ExecutionStarted(execution=new_id(), number=2, source="while True: pass"))
    for dropped in (7, 19):
        made.add(RecorderFaulted(part="queue", reason="full", dropped=dropped))
    made.add(RecorderFaulted(part="describe", reason="ValueError"))
    meter = _meter(made)
    found = _figures(meter.text())
    name = "agentlog_"
    assert (found[name + "executions_total", ("ok",)], found[name + "executions_total", ("error",)]) == (11, 9)
    assert found[name + "executions_total", ("timed_out",)] == 0
    assert found[name + "errors_total", ("KeyError", "cell")] == 9
    assert found[name + "execution_duration_seconds_count", ("ok",)] == 11
    assert found[name + "execution_duration_seconds_bucket", ("ok", "0.01")] == 0
    assert found[name + "execution_duration_seconds_bucket", ("ok", "0.05")] == 11
    assert found[name + "execution_duration_seconds_sum", ("ok",)] == pytest.approx(11 * 0.0125)
    assert found[name + "tokens_total", ("claude-sonnet-4-5", "input")] == 2000
    assert found[name + "cost_total", ("claude-sonnet-4-5",)] == pytest.approx(0.0087)
    assert found[name + "unpriced_calls_total", ("claude-sonnet-4-5",)] == 1
    assert found[name + "recorder_dropped_events_total", ()] == 19, "the recorder says how many in all"
    assert found[name + "recorder_faults_total", ("describe",)] == 1
    assert found[name + "sessions_total", ("kernel",)] == 3
    assert (found[name + "sessions_unended", ("running",)], found[name + "executions_running", ()]) == (1, 1)
    assert found[name + "journal_bytes", ()] == sum(path.stat().st_size for path in (made.folder / "journal").iterdir())
    made.add(ProcessDied(signal="SIGKILL"))
    again = _figures(meter.text())
    assert again[name + "process_deaths_total", ("SIGKILL",)] == 1
    assert again[name + "executions_total", ("ok",)] == 11, "nothing is counted twice"
    assert (again[name + "sessions_unended", ("died",)], again[name + "executions_running", ()]) == (1, 0)


@pytest.mark.parametrize("order", [("interrupted", "timed_out"), ("timed_out", "interrupted")])
@pytest.mark.parametrize("apart", [False, True], ids=["seen at once", "seen one by one"])
def test_an_end_told_by_kernel_and_runner_counts_once(order: tuple[str, str], apart: bool, made: Samples) -> None:
    """The kernel says that the cell was interrupted, the runner that its time was up."""
    meter = _meter(made)
    before = _figures(meter.text())
    execution = new_id()
    made.add(ExecutionStarted(execution=execution, number=1, source="while True: pass"))
    for status in order:
        made.add(ExecutionEnded(execution=execution, status=status, ms=1000.0))
        if apart:
            meter.refresh()
    after = _figures(meter.text())
    risen = {
        key[1][0]: after[key] - before[key]
        for key in before
        if key[0] == "agentlog_executions_total" and after[key] > before[key]
    }
    counted = order[0] if apart else "timed_out"
    assert risen == {counted: 1}
    assert _figures(meter.text())["agentlog_execution_duration_seconds_count", (counted,)] == 1


def test_counters_go_on_across_restarts_and_gc(made: Samples, tmp_path: Path) -> None:
    """What was counted stays counted when recordings are removed, and in another process that keeps the same state."""
    state = tmp_path / "state.json"
    before = _figures(_meter(made, state).text())
    made.journal.close()
    collect(made.folder, keep_days=0, packing=False)
    assert not list((made.folder / "journal").glob("*.jsonl"))
    made.begin()
    made.cell(1, "after()")
    after = _figures(_meter(made, state).text())
    ok = ("agentlog_executions_total", ("ok",))
    assert after[ok] == before[ok] + 1
    state.write_text("noise")
    assert _figures(_meter(made, state).text())[ok] == 1


def test_labels_of_any_text(made: Samples) -> None:
    """Quotes, newlines and backslashes are escaped; a flood of names ends in "other"."""
    metric = Metric("m", "help\nwith \\ both", "counter", ("name",))
    metric.add('a "b"\n\\c')
    metric.add(None)
    for number in range(500):
        metric.add(f"n{number}")
    found = _figures(expose([metric]))
    assert found["m_total" if ("m_total", ('a "b"\n\\c',)) in found else "m", ('a "b"\n\\c',)] == 1
    assert len(found) == 201
    assert sum(found.values()) == 502


def test_the_command_writes_a_file_whole(made: Samples, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Printed, or to a file that another user's collector may read."""
    assert cli.main(["metrics"]) == 0
    printed = _figures(capsys.readouterr().out)
    target = tmp_path / "agentlog.prom"
    assert cli.main(["metrics", "--textfile", str(target)]) == 0
    written = _figures(target.read_text())
    same = {key for key in printed if "journal" not in key[0]}
    assert {key: written[key] for key in same} == {key: printed[key] for key in same}
    assert target.stat().st_mode & 0o777 == 0o644


def test_addresses() -> None:
    """A port, a host with a port, an IPv6 address; anything else is said in one line."""
    assert address("9838") == ("127.0.0.1", 9838)
    assert address("[::1]:80") == ("::1", 80)
    with pytest.raises(UsageError, match="cannot listen on 'x'"):
        address("x")


@pytest.fixture
def server(made: Samples) -> Iterator[MetricsServer]:
    """Metrics over HTTP."""
    with _running(MetricsServer(_meter(made), "127.0.0.1", 0)) as served:
        yield served


class _running:
    """A server in a thread."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Any:
        self.thread.start()
        return self.server

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_over_http(server: MetricsServer, made: Samples) -> None:
    """Each scrape sees what was written before it; other paths are 404; a taken port is said in one line."""
    url = f"http://127.0.0.1:{server.server_port}"
    ok = ("agentlog_executions_total", ("ok",))
    first = _figures(_get(f"{url}/metrics")[1])[ok]
    made.cell(99, "more()")
    assert _figures(_get(f"{url}/metrics")[1])[ok] == first + 1
    assert (_get(f"{url}/-/healthy")[0], _get(f"{url}/else")[0]) == (200, 404)
    with pytest.raises(UsageError, match="cannot listen on"):
        MetricsServer(server.meter, "127.0.0.1", server.server_port)


# --- the dashboard --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source() -> ModuleType:
    """The one source of the dashboard."""
    spec = importlib.util.spec_from_file_location("make_dashboard", INTEGRATIONS / "grafana" / "make_dashboard.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_dashboard_is_what_its_source_makes(source: ModuleType) -> None:
    """The shipped JSON is up to date, its panels neither overlap nor name metrics that do not exist."""
    shipped = json.loads((INTEGRATIONS / "grafana" / "agentlog.json").read_text())
    assert shipped == source.dashboard()
    places = [panel["gridPos"] for panel in shipped["panels"]]
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_grafana_knows_every_key_of_the_dashboard(source: ModuleType) -> None:
    """Grafana's own model of a dashboard reads it and gives it back: a key it does not know would be lost."""
    models = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason="pip install grafana-foundation-sdk")
    encoder = importlib.import_module("grafana_foundation_sdk.cog.encoder")
    plugins = importlib.import_module("grafana_foundation_sdk.cog.plugins")
    plugins.register_default_plugins()
    told = json.loads(encoder.JSONEncoder().encode(models.Dashboard.from_json(source.dashboard())))
    assert _lost(source.dashboard(), told) == []


def _lost(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Keys of ours that theirs lost or changed."""
    if isinstance(ours, dict):
        return [
            lost
            for key, value in ours.items()
            for lost in (
                _lost(value, theirs[key], f"{path}.{key}") if isinstance(theirs, dict) and key in theirs else [f"{path}.{key}"]
            )
            if value not in (None, [], {}, False, 0)
        ]
    if isinstance(ours, list):
        return [
            lost for n, (one, other) in enumerate(zip(ours, theirs, strict=True)) for lost in _lost(one, other, f"{path}[{n}]")
        ]
    return [] if ours == theirs else [path]


# --- real parts -------------------------------------------------------------------------------------------------------


def _part(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install prometheus prometheus-alertmanager)")
    return found


@pytest.mark.parts
def test_promtool_accepts_metrics_and_rules(made: Samples, tmp_path: Path, source: ModuleType) -> None:
    """The exposition without a lint, the rules with their own tests, every expression of the dashboard as PromQL."""
    promtool = _part("promtool")
    made.add(ProcessDied(signal='a "strange"\nsignal'))
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=_meter(made).text(), text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    rules = INTEGRATIONS / "prometheus"
    subprocess.run([promtool, "test", "rules", str(rules / "rules_test.yml")], check=True, capture_output=True, cwd=rules)
    subprocess.run([promtool, "check", "config", str(rules / "prometheus.yml")], check=True, capture_output=True)
    written = {"groups": [{"name": "g", "rules": _as_rules(source.expressions())}]}
    (tmp_path / "panels.yml").write_text(json.dumps(written))
    subprocess.run([promtool, "check", "rules", str(tmp_path / "panels.yml")], check=True, capture_output=True)


def _as_rules(expressions: list[str]) -> list[dict[str, str]]:
    return [{"record": f"panel:{n}", "expr": text.replace("$__rate_interval", "5m")} for n, text in enumerate(expressions)]


@pytest.mark.parts
def test_the_alertmanager_example_is_valid() -> None:
    """amtool accepts it."""
    subprocess.run(
        [_part("amtool"), "check-config", str(INTEGRATIONS / "prometheus" / "alertmanager.yml")], check=True, capture_output=True
    )


class _Hook(BaseHTTPRequestHandler):
    """Where the Alertmanager calls."""

    called: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.called.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing."""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(for_: Callable[[], bool], what: str) -> None:
    """Poll another process until it says so."""
    deadline = time.monotonic() + PATIENCE
    while not for_():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.2)


@pytest.mark.parts
@pytest.mark.timeout(300)
def test_a_real_prometheus_scrapes_alerts_and_calms_down(
    server: MetricsServer, made: Samples, tmp_path: Path, source: ModuleType
) -> None:
    """A kernel dies: the alert fires, reaches the Alertmanager and its webhook, and resolves; every panel has data."""
    programs = _part("prometheus"), _part("prometheus-alertmanager")
    with _running(ThreadingHTTPServer(("127.0.0.1", 0), _Hook)) as hook:
        ports = _free_port(), _free_port()
        _configure(tmp_path, server.server_port, ports[1], hook.server_port)
        children = _start(programs, tmp_path, ports)
        try:
            _watch_it(f"http://127.0.0.1:{ports[0]}", made, source)
        finally:
            for child in children:
                child.terminate()
                child.wait(20)


def _configure(folder: Path, metrics: int, alerts: int, hook: int) -> None:
    """The shipped files with our ports; times shortened, so that the alert's ten minutes are ten seconds here."""
    shipped = INTEGRATIONS / "prometheus"
    config = (
        (shipped / "prometheus.yml").read_text().replace("9838", str(metrics)).replace("9093", str(alerts)).replace("15s", "1s")
    )
    (folder / "prometheus.yml").write_text(config)
    rules = (shipped / "rules.yml").read_text().replace("offset 10m", "offset 10s")
    (folder / "rules.yml").write_text(rules)
    manager = (shipped / "alertmanager.yml").read_text().replace("9099", str(hook)).replace("30s", "1s").replace("5m", "1s")
    (folder / "alertmanager.yml").write_text(manager)


def _start(programs: tuple[str, str], folder: Path, ports: tuple[int, int]) -> list[subprocess.Popen[bytes]]:
    log = open(folder / "log", "wb")  # noqa: SIM115 - the children's
    with log:
        return [
            subprocess.Popen([
                programs[0], f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{ports[0]}",
            ], stdout=log, stderr=log, cwd=folder),
            subprocess.Popen([
                programs[1], f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
                f"--web.listen-address=127.0.0.1:{ports[1]}", "--cluster.listen-address=",
            ], stdout=log, stderr=log, cwd=folder),
        ]  # fmt: skip


def _ask(url: str, **query: str) -> Any:
    try:
        return json.loads(_get(f"{url}?{urlencode(query)}")[1])["data"]
    except (OSError, ValueError, KeyError):
        return None


def _watch_it(url: str, made: Samples, source: ModuleType) -> None:
    def query(expression: str) -> list[Any]:
        return (_ask(f"{url}/api/v1/query", query=expression) or {}).get("result", [])

    def states() -> set[str]:
        return {alert["state"] for alert in (_ask(f"{url}/api/v1/alerts") or {}).get("alerts", [])}

    def called(status: str) -> bool:
        return any(
            call["status"] == status and call["alerts"][0]["labels"]["alertname"] == "AgentlogKernelDied" for call in _Hook.called
        )

    _wait(lambda: bool(query("agentlog_process_deaths_total offset 10s")), "scrapes of ten seconds")
    assert "firing" not in states()
    _fill_queue(made.folder)
    made.begin()
    made.add(ProcessDied(signal="SIGSEGV"))
    made.add(RecorderFaulted(part="describe", reason="x"))
    _wait(lambda: "firing" in states(), "the alert")
    _wait(lambda: called("firing"), "the Alertmanager's call")
    empty = [text for text in source.expressions() if not query(text.replace("$__rate_interval", "30s"))]
    assert empty == []
    _wait(lambda: "firing" not in states(), "the alert to resolve")
    _wait(lambda: called("resolved"), "the Alertmanager's all-clear")


def _fill_queue(folder: Path) -> None:
    (folder / "queue").mkdir()
    (folder / "queue" / "a.json").write_text('{"state": "queued"}')
