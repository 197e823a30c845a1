"""Time that the tests of a program have frozen is not ours: moments, durations and bounds stay true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

pytest.importorskip("freezegun")
pytest.importorskip("IPython")

import agentlog.clock
from agentlog.ids import parse_timestamp
from agentlog.store import Store


def test_a_busy_machine_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time by the clock grows with the processes that wait for each processor, up to eight times."""
    monkeypatch.setattr(agentlog.clock, "_PROCESSORS", 2)
    for load, times in ((0.1, 1.0), (6.0, 3.0), (100.0, 8.0)):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert agentlog.clock.crowd() == times


FROZEN = """
import agentlog, time
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "agentlog")
for cell in (
    "from freezegun import freeze_time; frozen = freeze_time('2001-01-01'); frozen.start()",
    "import datetime, time; before = datetime.datetime.now(), time.time(), time.perf_counter()",
    "{}['missing']",
    "tree = {n: {m: list(range(50)) for m in range(200)} for n in range(200)}; tree['missing']",
    "assert before == (datetime.datetime.now(), time.time(), time.perf_counter()), 'it went on'",
    "frozen.stop()",
    "after = time.time()",
):
    shell.run_cell(cell, store_history=True)
agentlog.disable()
"""


def test_frozen_time_is_the_programs_own(tmp_path: Path) -> None:
    """Cells that freeze and thaw it: theirs stands still, the record says when they ran and how long."""
    begun = datetime.now(timezone.utc)
    subprocess.run(
        [sys.executable, "-c", FROZEN],
        cwd=tmp_path,
        check=True,
        timeout=120,
        capture_output=True,
        env={"AGENTLOG_DIR": str(tmp_path / "store"), "IPYTHONDIR": str(tmp_path / "ipython"), "PATH": ""},
    )
    took = datetime.now(timezone.utc) - begun
    store = Store.open(tmp_path / "store")
    cells = store.executions()
    failures = [error.failure for error in store.errors()]
    store.close()
    assert [cell.status for cell in cells] == ["ok", "ok", "error", "error", "ok", "ok", "ok"]
    assert [failure.type for failure in failures] == ["KeyError", "KeyError"]
    for cell in cells:
        assert cell.ms is not None
        assert timedelta() <= timedelta(milliseconds=cell.ms) <= took
        assert begun <= parse_timestamp(str(cell.started)) <= parse_timestamp(str(cell.ended)) <= begun + took


def test_nobody_reads_the_time_elsewhere() -> None:
    """What runs in the recorder's process reads `clock`; `side.py` is sent into kernels that may not have agentlog."""
    root = Path(agentlog.clock.__file__).parent.parent
    files = [path for package in ("agentlog", "agentlog_ipy") for path in (root / package).rglob("*.py")]
    reading = re.compile(r"(?<![\w.`\"'])time\.(?:time|time_ns|monotonic|perf_counter|process_time|thread_time)\b")
    found = {path.name for path in files if reading.search(path.read_text("utf-8"))}
    assert found - {"side.py"} == set()
