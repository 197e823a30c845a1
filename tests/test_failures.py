"""What describing a failure needs is loaded late, and a failure is recorded whatever the moment it comes at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.store import Store

HEAVY = ("agentlog.frames", "agentlog.evidence", "agentlog.store", "agentlog.context")


def _run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AGENTLOG_DIR": str(folder / "store")}
    return subprocess.run(
        [sys.executable, "-c", f"import agentlog\nagentlog.enable()\n{program}"],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_program_that_does_not_fail_loads_none_of_it(tmp_path: Path) -> None:
    """Neither the collectors nor the reading side."""
    done = _run(tmp_path, f"import sys; print([name for name in {HEAVY} if name in sys.modules])")
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_it_is_loaded_in_spare_time(tmp_path: Path) -> None:
    """A program that goes on for a while is ready for its first failure."""
    waiting = "import sys, time\nwhile 'agentlog.frames' not in sys.modules: time.sleep(0.01)\nprint('ready')"
    assert _run(tmp_path, waiting).stdout == "ready\n"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of open files are POSIX's")
def test_a_program_that_can_open_no_file_is_told_of_all_the_same(tmp_path: Path) -> None:
    """Too many open files, before anything was loaded: type, message and place are in the store."""
    program = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
def hoard():
    files = []
    while True:
        files.append(open("/dev/null"))
hoard()
"""
    done = _run(tmp_path, program)
    assert "Too many open files" in done.stderr
    store = Store.open(tmp_path / "store")
    (error,) = store.errors()
    store.close()
    assert error.failure.type == "OSError"
    assert "Too many open files" in error.failure.message
    assert error.failure.frames[-1].function == "hoard"
    assert not error.failure.evidence, "there was a way to load it: this shows nothing"
