"""A program that is recorded loads the writing side alone, and its failure is recorded whatever the moment it comes at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.store import Store

READING = ("agentlog.store", "agentlog.context", "sqlite3")


def _run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AGENTLOG_DIR": str(folder / "store")}
    return subprocess.run(
        [sys.executable, "-c", f"import agentlog\nagentlog.enable()\n{program}"],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_program_does_not_load_the_reading_side(tmp_path: Path) -> None:
    """Neither the store nor what builds a context."""
    done = _run(tmp_path, f"import sys; print([name for name in {READING} if name in sys.modules])")
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_what_a_failure_needs_is_loaded_before_one_comes(tmp_path: Path) -> None:
    """Nothing is loaded in the middle of a failure: no file may be left to open, no lock of the import may be free in a fork."""
    program = """
import sys
before = set(sys.modules)
try:
    {"price": 1}["prize"]
except KeyError as error:
    agentlog.log_error("no price", error)
print(sorted(name for name in set(sys.modules) - before if name.startswith("agentlog")))
"""
    assert _run(tmp_path, program).stdout == "[]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of open files are POSIX's")
def test_a_program_that_can_open_no_file_is_told_of_all_the_same(tmp_path: Path) -> None:
    """Too many open files: type, message, place and values are in the store."""
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
    assert "files" in error.failure.frames[-1].locals
