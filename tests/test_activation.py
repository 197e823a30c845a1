"""AGENTLOG=true and any Python program: the program behaves as without us, and the store holds what went wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

import agentlog
from agentlog import activation
from agentlog.events import ErrorRaised, Logged, SessionEnded, SessionStarted
from agentlog.recorder import current
from agentlog.store import Store

HAS_START_FILE = any((Path(folder) / "agentlog.pth").exists() for folder in sys.path if folder)
PLUGIN = [] if any(point.name == "agentlog" for point in entry_points(group="pytest11")) else ["-p", "agentlog_ipy.pytest_plugin"]
pytestmark = pytest.mark.skipif(not HAS_START_FILE, reason="agentlog is not installed here, only importable: no agentlog.pth")


@dataclass(frozen=True)
class Program:
    """A program, and the errors (type, origin) that the store must hold afterwards."""

    code: str
    errors: tuple[tuple[str, str], ...] = ()
    logs: tuple[str, ...] = ()


PROGRAMS = {
    "quiet": Program("print('hello')"),
    "crash": Program("key = 'a'\nprint({}[key])", (("KeyError", "uncaught"),)),
    "exit code": Program("import sys; print('x'); sys.exit(3)"),
    "exit text": Program("raise SystemExit('goodbye')"),
    "os._exit": Program("import os; print('x', flush=True); os._exit(7)"),
    "syntax error": Program("exec(compile('1 +', 'inner.py', 'exec'))", (("SyntaxError", "uncaught"),)),
    "chain": Program("try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise ValueError('bad') from e", (("ValueError", "uncaught"),)),
    "own hook": Program("import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__)\n1/0", (("ZeroDivisionError", "uncaught"),)),
    "thread": Program("import threading\nt = threading.Thread(target=lambda: 1/0, name='w'); t.start(); t.join()", (("ZeroDivisionError", "thread"),)),
    "unraisable": Program("class A:\n    def __del__(self): 1/0\na = A(); del a", (("ZeroDivisionError", "unraisable"),)),
    "task": Program(
        "import asyncio, gc\nasync def boom(): 1/0\nasync def main():\n    t = asyncio.ensure_future(boom())\n    await asyncio.sleep(0)\n    del t\n    gc.collect()\nasyncio.run(main())",
        (("ZeroDivisionError", "asyncio"),),
    ),
    "logged": Program(
        "import logging\ntry:\n    1/0\nexcept ZeroDivisionError:\n    logging.exception('could not %s', 'divide')\nlogging.warning('careful')",
        (("ZeroDivisionError", "logging"),), ("could not divide", "careful"),
    ),
    "warning": Program("import warnings; warnings.warn('old')", (), ("old",)),
    "fork child": Program("import multiprocessing as m\nm.set_start_method('fork')\ndef f(): 1/0\np = m.Process(target=f); p.start(); p.join(); print(p.exitcode)", (("ZeroDivisionError", "child"),)),
    "spawn child": Program(
        "import multiprocessing as m\ndef f(): 1/0\nif __name__ == '__main__':\n    m.set_start_method('spawn')\n    p = m.Process(target=f); p.start(); p.join(); print(p.exitcode)",
        (("ZeroDivisionError", "child"),),
    ),
    "thread pool": Program("from concurrent.futures import ThreadPoolExecutor as P\nwith P() as p: p.submit(lambda: 1/0)", (("ZeroDivisionError", "future"),)),
    "subprocess": Program("import subprocess, sys\nsubprocess.run([sys.executable, '-c', '1/0'])", (("ZeroDivisionError", "uncaught"),)),
}  # fmt: skip


def run(words: list[str], folder: Path, cwd: Path, *, on: bool) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AGENTLOG": "true" if on else "false", "AGENTLOG_DIR": str(folder), "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120, env=environment, cwd=cwd)
    done.stderr = re.sub(r"0x[0-9a-f]+", "0x", done.stderr)  # addresses differ from run to run
    return done


def told(folder: Path) -> tuple[list[Any], list[Any]]:
    """(errors as (type, origin), log messages) that the store holds."""
    store = Store.open(folder)
    try:
        errors = [event for event in store.events() if isinstance(event, ErrorRaised)]
        logs = [event.message for event in store.events() if isinstance(event, Logged)]
    finally:
        store.close()
    return [(error.failure.type, error.origin) for error in errors], logs


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_recorded_and_not_disturbed(name: str, tmp_path: Path) -> None:
    """Same stdout, stderr and exit code with and without us; errors and logs are in the store."""
    program, folder = PROGRAMS[name], tmp_path / "st"
    (tmp_path / "app.py").write_text(program.code)
    with_us, without = (run(["app.py"], folder, tmp_path, on=on) for on in (True, False))
    assert (with_us.stdout, with_us.stderr, with_us.returncode) == (without.stdout, without.stderr, without.returncode)
    errors, logs = told(folder)
    for error in program.errors:
        assert error in errors
    assert len(errors) == len(program.errors)
    for line in program.logs:
        assert line in logs


def test_the_crash_keeps_locals_and_how_it_ended(tmp_path: Path) -> None:
    """The frame of the crash has its values; the session says it failed."""
    (tmp_path / "app.py").write_text("def price(table, key):\n    return table[key]\n\nprice({'a': 1}, 'b')\n")
    run(["app.py"], tmp_path / "st", tmp_path, on=True)
    store = Store.open(tmp_path / "st")
    error = next(event for event in store.events() if isinstance(event, ErrorRaised))
    end = next(event for event in store.events() if isinstance(event, SessionEnded))
    store.close()
    assert error.failure.frames[-1].locals["key"].value == "b"
    assert end.how == "failed"


def test_modules_run_with_m_are_recorded_and_helpers_are_not(tmp_path: Path) -> None:
    """`-m package` is a program; pip and agentlog itself are not."""
    (tmp_path / "tool.py").write_text("1/0")
    run(["-m", "tool"], tmp_path / "st", tmp_path, on=True)
    assert told(tmp_path / "st")[0] == [("ZeroDivisionError", "uncaught")]
    run(["-m", "pip", "--version"], tmp_path / "other", tmp_path, on=True)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("words", "recorded"),
    [
        (["python", "app.py"], True), (["python", "-W", "error", "app.py"], True), (["python", "-m", "flask", "run"], True),
        (["python", "-c", "print(1)"], True), (["python", "-m", "ipykernel_launcher", "-f", "x"], False), (["python", "/bin/ipython"], False),
        (["python", "pipeline.py"], True), (["python", "/bin/uvicorn"], True), (["python", "/bin/pip3.11", "install"], False), (["python", "/x/pip/__pip-runner__.py"], False),
        (["python"], False), (["python", "-c", "from multiprocessing.resource_tracker import main;main(3)"], False),
    ],
)  # fmt: skip
def test_what_counts_as_a_program(words: list[str], recorded: bool) -> None:
    """Kernels and IPython have their own start-up; helpers of the standard library are nobody's program."""
    assert activation.is_program(words) is recorded


def test_a_child_process_names_its_parent(tmp_path: Path) -> None:
    """A Python started by a recorded Python is a session whose parent is the starter's."""
    (tmp_path / "app.py").write_text("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(1)'])")
    run(["app.py"], tmp_path / "st", tmp_path, on=True)
    store = Store.open(tmp_path / "st")
    sessions = [event for event in store.events() if isinstance(event, SessionStarted)]
    store.close()
    parent, child = sorted(sessions, key=lambda event: event.parent is not None)
    assert child.parent == parent.session


@pytest.mark.skipif(not hasattr(signal, "SIGSEGV"), reason="no such signal on this system")
def test_a_fatal_signal_leaves_the_stack(tmp_path: Path) -> None:
    """After a segmentation fault the Python stack is beside the segment, and the exit code is what it was."""
    (tmp_path / "app.py").write_text("import ctypes\ndef deep():\n    ctypes.string_at(0)\ndeep()")
    with_us, without = (run(["app.py"], tmp_path / "st", tmp_path, on=on) for on in (True, False))
    assert (with_us.returncode, with_us.stdout, with_us.stderr) == (without.returncode, without.stdout, without.stderr)
    (fault,) = (tmp_path / "st" / "journal").glob("*.fault")
    assert "in deep" in fault.read_text()


def test_ctrl_c_is_the_programs_own(tmp_path: Path) -> None:
    """KeyboardInterrupt ends the program as ever and is recorded."""
    (tmp_path / "app.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(60)")
    with_us, without = (run(["app.py"], tmp_path / "st", tmp_path, on=on) for on in (True, False))
    assert (with_us.returncode, with_us.stderr) == (without.returncode, without.stderr)
    assert told(tmp_path / "st")[0] == [("KeyboardInterrupt", "uncaught")]


def test_enable_and_disable_in_code(store_folder: Path) -> None:
    """enable() records in this process, disable() takes every hook away (the leak check of every test holds it to that)."""
    assert not agentlog.is_enabled()
    agentlog.enable(items=5)
    agentlog.enable()
    door = current()
    assert door is not None
    assert agentlog.is_enabled()
    assert door.limits.items == 5
    agentlog.log("hello", n=3)
    agentlog.disable()
    assert not agentlog.is_enabled()
    errors, logs = told(store_folder)
    assert (errors, logs) == ([], ["hello"])


def test_a_read_only_place_disturbs_nobody(tmp_path: Path) -> None:
    """A store that cannot be made leaves output and exit code as they were."""
    (tmp_path / "app.py").write_text("print('x'); 1/0")
    nowhere = tmp_path / "file"
    nowhere.write_text("not a folder")
    with_us, without = (run(["app.py"], nowhere / "st", tmp_path, on=on) for on in (True, False))
    assert (with_us.returncode, with_us.stdout, with_us.stderr) == (without.returncode, without.stdout, without.stderr)


def test_failing_tests_are_recorded(tmp_path: Path) -> None:
    """pytest says and returns what it always does; each failing test, fixture and file is an error with its locals."""
    (tmp_path / "test_shop.py").write_text(
        "import pytest\n\ndef test_ok():\n    pass\n\ndef test_price():\n    price = 3\n    assert price == 4\n\n"
        "@pytest.fixture\ndef broken():\n    return {}['x']\n\ndef test_fixture(broken):\n    pass\n\n"
        "@pytest.mark.xfail\ndef test_known():\n    1 / 0\n"
    )
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *PLUGIN, "test_shop.py"]
    with_us, without = (run(words, tmp_path / "st", tmp_path, on=on) for on in (True, False))
    said = [re.sub(r"in [\d.]+s", "", done.stdout) for done in (with_us, without)]
    assert (said[0], with_us.stderr, with_us.returncode) == (said[1], without.stderr, without.returncode)
    assert with_us.returncode == 1
    store = Store.open(tmp_path / "st")
    errors = {error.message: error.failure for error in store.errors()}
    store.close()
    assert {name: failure.type for name, failure in errors.items()} == {
        "test_shop.py::test_price": "AssertionError", "test_shop.py::test_fixture": "KeyError",
    }  # fmt: skip
    assert errors["test_shop.py::test_price"].frames[-1].locals["price"].value == 3


def test_a_console_script_is_recorded(tmp_path: Path) -> None:
    """What pip puts on PATH starts the same Python: its crash is in the store, its streams are its own."""
    (tmp_path / "shop_cli.py").write_text("def main():\n    rows = []\n    rows[0]\n")
    script = tmp_path / "shop"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(tmp_path)!r})\nfrom shop_cli import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    outcomes = []
    for on in ("true", "false"):
        environment = {**os.environ, "AGENTLOG": on, "AGENTLOG_DIR": str(tmp_path / "st")}
        done = subprocess.run([str(script)], capture_output=True, text=True, timeout=120, env=environment)
        outcomes.append((done.stdout, done.stderr, done.returncode))
    assert outcomes[0] == outcomes[1]
    assert told(tmp_path / "st")[0] == [("IndexError", "uncaught")]
