"""`agentlog run` of programs: their stdout, stderr, signals and exit code are their own, and they are recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.errors import NotFound, UsageError
from agentlog.program import has_start_file, program_of
from agentlog.store import Store

needs_start_file = pytest.mark.skipif(
    not has_start_file(), reason="agentlog is not installed here, only importable: no agentlog.pth"
)


def agentlog_run(words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentlog", "run", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, env={**os.environ})


def errors(folder: Path) -> list[tuple[str, str]]:
    store = Store.open(folder)
    try:
        return [(error.failure.type, error.origin) for error in store.errors()]
    finally:
        store.close()


def test_what_is_a_program_and_what_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first word: notebooks, folders of them and options are left to the runner; the rest is a program's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text("")
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "__main__.py").write_text("")
    (tmp_path / "books").mkdir()
    assert program_of(["a.ipynb", "-o", "x.ipynb"]) is None
    assert program_of(["--timeout", "3", "a.ipynb"]) is None
    assert program_of(["books"]) is None
    assert program_of([]) is None
    script = program_of(["--store", "st", "app.py", "--timeout", "3"])
    assert script is not None
    assert script.words == (sys.executable, "app.py", "--timeout", "3")
    assert script.environment()["AGENTLOG_DIR"] == str(tmp_path / "st")
    module, package = program_of(["-m", "tool", "-x"]), program_of(["tool"])
    assert module is not None
    assert package is not None
    assert (module.words[1:], package.words[1:]) == (("-m", "tool", "-x"), ("tool",))
    command = program_of(["sh", "-c", "true"])
    assert command is not None
    assert os.path.isabs(command.file)
    with pytest.raises(NotFound, match="no command no-such-thing on PATH"):
        program_of(["no-such-thing"])
    with pytest.raises(UsageError):
        program_of(["-m"])


@needs_start_file
def test_a_crash_is_the_scripts_own(store_folder: Path, tmp_path: Path) -> None:
    """Same streams and exit code as without us, options reach the script, the error is in the store."""
    (tmp_path / "app.py").write_text("import sys\nprint(sys.argv, __name__)\nprint('err', file=sys.stderr)\n{}[sys.argv[1]]\n")
    ours = agentlog_run(["app.py", "--store", "x"], tmp_path)
    plain = subprocess.run([sys.executable, "app.py", "--store", "x"], capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (ours.stdout, ours.stderr, ours.returncode) == (plain.stdout, plain.stderr, plain.returncode)
    assert errors(store_folder) == [("KeyError", "uncaught")]


@needs_start_file
def test_modules_commands_and_exit_codes(store_folder: Path, tmp_path: Path) -> None:
    """-m, a command on PATH and a missing one: the code is the program's; ours is 2, in one line."""
    (tmp_path / "tool.py").write_text("import sys; sys.exit(7)")
    assert agentlog_run(["-m", "tool"], tmp_path).returncode == 7
    assert agentlog_run(["sh", "-c", "echo out; exit 3"], tmp_path).returncode == 3
    missing = agentlog_run(["nowhere.py"], tmp_path)
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "nowhere.py" in missing.stderr


@needs_start_file
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_reach_the_program_itself(tmp_path: Path) -> None:
    """The process we started is the program: SIGTERM ends it as it would, or runs its handler."""
    (tmp_path / "app.py").write_text(
        "import os, signal, sys\nsignal.signal(signal.SIGUSR1, lambda *a: sys.exit(5))\nprint(os.getpid(), flush=True)\nwhile True: signal.pause()\n"
    )
    for number, code in ((signal.SIGUSR1, 5), (signal.SIGTERM, -signal.SIGTERM)):
        with subprocess.Popen(
            [sys.executable, "-m", "agentlog", "run", "app.py"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
        ) as running:
            assert running.stdout is not None
            assert int(running.stdout.readline()) == running.pid
            running.send_signal(number)
            assert running.wait(60) == code
