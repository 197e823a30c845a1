"""The host is as it would be without us: every kind of cell is run with and without the recorder and compared.

The versions of IPython and ipykernel are those of the interpreter that runs this file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cell_zoo import KINDS, NAMES, Kind
from cell_zoo_habits import HABITS
from kernel_host import Seen, TestKernel, plain

LOADED = ("--ext=agentlog",)
CELLS = (*KINDS, *HABITS)
NEEDS = {"numpy and pandas": "pandas", "key error in a frame": "pandas", "figure": "matplotlib"}


NEVER_ANSWERED = {"null byte"} if sys.version_info < (3, 11) else set()
"""By a plain kernel: with Python 3.10 what is raised for it costs the reply."""


def _possible(kind: Kind) -> bool:
    return kind.name not in NEVER_ANSWERED and _installed(kind)


def _installed(kind: Kind) -> bool:
    return kind.name not in NEEDS or find_spec(NEEDS[kind.name]) is not None


def _play(folder: Path, *arguments: str) -> dict[str, Seen]:
    """Every kind of cell in one kernel, and what is left in its namespace; `quit()` comes last."""
    kernel = TestKernel(folder, "--HistoryManager.enabled=False", *arguments)
    try:
        seen = {
            kind.name: kernel.run(kind.code, answers=kind.answers, interrupt_at=kind.interrupt_at, **kind.options)
            for kind in CELLS
            if _possible(kind)
        }
        seen["names"] = kernel.run(NAMES)
        seen["quit"] = kernel.run("quit()")
        seen["exit code"] = Seen(reply={"status": str(kernel.wait_dead())})
        return seen
    finally:
        kernel.close()


def test_kernel_shows_the_same(tmp_path: Path) -> None:
    """Reply, streams and every other message of every kind of cell are equal with and without the recorder."""
    without, recorded = _play(tmp_path / "a"), _play(tmp_path / "b", *LOADED)
    differ = {
        name: (_shown(recorded[name]), _shown(seen)) for name, seen in without.items() if _shown(recorded[name]) != _shown(seen)
    }
    assert differ == {}
    _was_recorded(tmp_path / "b" / "store")


def _shown(seen: Seen) -> tuple[object, ...]:
    return plain(seen.streams), plain(seen.messages), plain(seen.reply)


def _records(store: Path) -> list[dict[str, Any]]:
    """Everything in the store's journal."""
    return [json.loads(line) for segment in sorted(store.glob("journal/*.jsonl")) for line in segment.read_text().splitlines()]


def _was_recorded(store: Path) -> None:
    """The comparison means something: each cell that ran is in the store with its end, and the recorder had no faults."""
    records = _records(store)
    outer = [record for record in records if record["e"] == "cell.start" and "within" not in record]
    silent = sum(1 for kind in CELLS if kind.options.get("silent") or not kind.code.strip())
    assert len(outer) == sum(map(_possible, CELLS)) - silent + 2  # the names, quit()
    assert {r["x"] for r in records if r["e"] == "cell.start"} == {r["x"] for r in records if r["e"] == "cell.end"}
    assert [record for record in records if record["e"] == "fault"] == []
    assert [record["e"] for record in records][-2:] == ["session.end", "segment.end"]


# --- terminal IPython -------------------------------------------------------------------------------------------------

TERMINAL = """
import json, sys
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from traitlets.config import Config
quiet = Config(HistoryManager=dict(enabled=False))  # its thread may print, sooner or later, about the nested cell
shell = TerminalInteractiveShell.instance(colors={colors!r}, simple_prompt=True, config=quiet)
if sys.argv[1] == "recorded":
    shell.run_line_magic("load_ext", "agentlog")
verdicts = []
for name, code in json.load(open(sys.argv[2])):
    print(f"\\n=== {{name}}", flush=True)
    print(f"\\n=== {{name}}", file=sys.stderr, flush=True)
    result = shell.run_cell(code, store_history=True)
    verdicts.append([name, result.success, type(result.error_in_exec).__name__, type(result.error_before_exec).__name__, result.execution_count])
names = sorted(n for n in shell.user_ns if not n.startswith("_i"))
print("\\n=== verdicts", json.dumps([verdicts, names, shell.execution_count]))
"""


def _terminal(folder: Path, mode: str) -> tuple[str, str, int]:
    folder.mkdir(parents=True)
    (folder / "cells.json").write_text(json.dumps([(k.name, k.code) for k in CELLS if k.terminal and _possible(k)]))
    (folder / "play.py").write_text(TERMINAL.format(colors="nocolor" if _ipython() >= (9,) else "NoColor"))
    return _run([sys.executable, "play.py", mode, "cells.json"], folder)


def _ipython() -> tuple[int, ...]:
    import IPython

    return tuple(IPython.version_info[:2])


def _run(command: list[str], folder: Path, stdin: str = "", **environment: str) -> tuple[str, str, int]:
    """(stdout, stderr, exit code) of a process in `folder`, with a store and a profile of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTLOG", "PYTEST"))}
    kept |= {"AGENTLOG_DIR": str(folder / "store"), "IPYTHONDIR": str(folder / "ipython"), "MPLBACKEND": "agg", "TERM": "dumb"}
    done = subprocess.run(command, cwd=folder, env=kept | environment, input=stdin, capture_output=True, text=True, timeout=120)
    return plain(done.stdout.replace(str(folder), "~")), plain(done.stderr.replace(str(folder), "~")), done.returncode


def test_terminal_shows_the_same(tmp_path: Path) -> None:
    """In a terminal shell stdout, stderr, verdicts, counts and namespace are equal, cell by cell."""
    without, recorded = _terminal(tmp_path / "a", "plain"), _terminal(tmp_path / "b", "recorded")
    for one, other in zip(recorded, without, strict=True):
        if isinstance(one, str) and isinstance(other, str):
            assert one.split("\n=== ") == other.split("\n=== ")
        else:
            assert one == other
    assert list((tmp_path / "b" / "store" / "journal").glob("*.jsonl"))


SCRIPTS = {
    "good": ("x = 5\nprint('fine', x)\n", ""),
    "fails": ("def g():\n    raise ValueError('script')\ng()\n", ""),
    "exits": ("import sys\nprint('leaving')\nsys.exit(3)\n", ""),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_end_the_same(name: str, tmp_path: Path) -> None:
    """`ipython script.py` prints the same and leaves with the same exit code under AGENTLOG=true; its error is recorded."""
    answers = []
    for mode in ("", "true"):
        folder = tmp_path / (mode or "plain")
        folder.mkdir()
        (folder / "script.py").write_text(SCRIPTS[name][0])
        answers.append(_run([sys.executable, "-m", "IPython", "--no-banner", "script.py"], folder, AGENTLOG=mode))
    assert answers[0] == answers[1]
    found = [(r["origin"], r["failure"]["type"]) for r in _records(tmp_path / "true" / "store") if r["e"] == "error"]
    assert found == ([("uncaught", "ValueError")] if name == "fails" else [])


@pytest.mark.parametrize(
    "code", ["print(6 * 7)", "1/0", "raise SystemExit(5)", "import os; os._exit(9)", "await __import__('asyncio').sleep(0)"]
)
def test_command_line_code_ends_the_same(code: str, tmp_path: Path) -> None:
    """`ipython -c` prints the same and leaves with the same exit code under AGENTLOG=true, and the cell is recorded."""
    answers = []
    for mode in ("", "true"):
        folder = tmp_path / (mode or "plain")
        folder.mkdir()
        answers.append(_run([sys.executable, "-m", "IPython", "--no-banner", "-c", code], folder, AGENTLOG=mode))
    assert answers[0] == answers[1]
    records = _records(tmp_path / "true" / "store")
    assert [record["source"] for record in records if record["e"] == "cell.start"] == [code]
    assert not (tmp_path / "plain" / "store").exists()


def test_piped_session_is_the_same(tmp_path: Path) -> None:
    """Lines piped into IPython print the same and leave with the same exit code; no hint is shown through a pipe."""
    lines = "%load_ext agentlog\na = 1\nprint(a)\n1/0\na + 1\nfor i in range(3): print(i)\n\nexit(4)\n"
    answers = []
    for mode in ("plain", "recorded"):
        folder = tmp_path / mode
        folder.mkdir()
        typed = lines if mode == "recorded" else lines.replace("%load_ext agentlog", "None")
        answers.append(_run([sys.executable, "-m", "IPython", "--no-banner", "--simple-prompt"], folder, stdin=typed))
    assert answers[0] == answers[1]
