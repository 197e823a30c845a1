"""`pytest --agentlog`: notebooks as tests, the context of a failure in the report."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from notebook_files import read, shown, write

PATIENCE = 180.0


def _pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    plugin = [] if entry_points(group="pytest11", name="agentlog") else ["-p", "agentlog_ipy.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=PATIENCE)


def test_each_notebook_is_a_test_and_a_failure_explains_itself(tmp_path: Path) -> None:
    """One passes, one fails with its context instead of a traceback of ours; executed copies are left out."""
    write(tmp_path / "good.ipynb", "1 + 1")
    write(tmp_path / "bad.ipynb", "prices = {'apple': 3}", "prices['aple']")
    write(tmp_path / "bad.executed.ipynb", "1/0")
    done = _pytest(tmp_path, "--agentlog", "--agentlog-output", str(tmp_path / "out"), "--agentlog-timeout", "60", str(tmp_path))
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "KeyError: 'aple'" in done.stdout
    assert "apple" in done.stdout
    assert "runner.py" not in done.stdout
    assert shown(read(tmp_path / "out" / "good.ipynb").cells[0]) == "2"


def test_without_the_option_notebooks_are_left_alone(tmp_path: Path) -> None:
    """The plugin does nothing unasked."""
    write(tmp_path / "bad.ipynb", "1/0")
    assert _pytest(tmp_path).returncode == 5  # no tests collected
