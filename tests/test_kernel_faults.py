"""Deadlines and deaths with real kernels: every cell that is stuck is stopped or truthfully reported within three
seconds of its deadline, and the next call works."""

from __future__ import annotations

import asyncio
import os
import signal
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agentlog.errors import KernelError, KernelStartError
from agentlog.events import ProcessDied
from agentlog.store import Store
from agentlog_ipy import folders, ladder
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.sync import SyncKernel

PATIENCE = 120.0
SLACK = float(os.environ.get("AGENTLOG_TEST_SLACK", "9"))
"""Seconds after the deadline that a loaded machine may take; alone on it 3 are enough (benchmarks/runner.py)."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared kernel records."""
    return tmp_path_factory.mktemp("faults") / "store"


@pytest.fixture(scope="module")
def kernel(store: Path) -> Iterator[SyncKernel]:
    """One kernel that lives through all the timeouts that it can survive."""
    with SyncKernel(store=store, timeout=PATIENCE) as kernel:
        kernel.run("import time, asyncio, itertools, collections, subprocess\nkept = 'still here'")
        yield kernel


SWALLOW = """
while True:
    try:
        time.sleep(0.2)
    except KeyboardInterrupt:
        pass
"""


@pytest.mark.parametrize(
    ("code", "rung"),
    [
        pytest.param("n = 7\nfor i in range(1000):\n    time.sleep(0.1)", "an interrupt", id="sleep"),
        pytest.param("async def work(a):\n    await asyncio.sleep(60)\nawait work(5)", "woke the event loop", id="await"),
        pytest.param(SWALLOW, "could not hold back", id="swallowed KeyboardInterrupt"),
        pytest.param("subprocess.run(['sleep', '60'])", "an interrupt", id="waiting child"),
        pytest.param("!sleep 60", "an interrupt", id="waiting shell command"),
        pytest.param("while True:\n    pass", "an interrupt", id="busy loop"),
    ],
)
def test_a_cell_that_is_stuck_is_stopped_and_the_state_survives(
    kernel: SyncKernel, code: str, rung: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer says what ran, with its locals, and which rung of the ladder worked; variables are still there."""
    _give_time(rung, monkeypatch)
    begun = time.monotonic()
    reply = kernel.run(code, timeout=0.5)
    took = time.monotonic() - begun
    assert reply.status == "timed_out"
    assert took < 0.5 + SLACK
    assert any(note.startswith("stopped by") for note in reply.notes)
    assert any(rung in note for note in reply.notes), reply.notes
    assert reply.look is not None
    assert str(reply.look)
    assert kernel.run("kept").result == "'still here'"


def _give_time(rung: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rung that will work may take as long as a busy machine makes it; on those before it the ladder waits as ever."""
    rungs = ladder._rungs

    def patient(awaiting: bool | None) -> list[ladder.Rung]:
        named = next((number for number, (words, _, _) in enumerate(rungs(awaiting)) if rung in words), None)
        return [(words, SLACK if number == named else wait, do) for number, (words, wait, do) in enumerate(rungs(awaiting))]

    monkeypatch.setattr(ladder, "_rungs", patient)


def test_the_locals_at_the_deadline_are_shown(kernel: SyncKernel) -> None:
    """Stack and locals of the running frame, innermost last."""
    reply = kernel.run("def work(amount, secret_password):\n    time.sleep(60)\nwork(41, 'hunter2' * 2)", timeout=0.5)
    assert reply.look is not None
    assert "amount = 41" in str(reply.look)
    assert "time.sleep(60)" in str(reply.look)
    assert "hunter2hunter2" not in str(reply.look)


def test_the_locals_of_an_awaiting_cell_are_shown(kernel: SyncKernel) -> None:
    """The frame that waits is not on the thread's stack; it is found by the cell's task."""
    reply = kernel.run("async def fetch(url):\n    await asyncio.sleep(60)\nawait fetch('http://here')", timeout=0.5)
    assert reply.look is not None
    assert reply.look.awaiting
    assert "http://here" in str(reply.look)


def test_a_flood_of_output_is_stopped(kernel: SyncKernel) -> None:
    """Output without end: stopped at the deadline, what came is kept."""
    reply = kernel.run("while True:\n    print('flood ' * 100)", timeout=1.0)
    assert reply.status == "timed_out"
    assert reply.stdout.startswith("flood flood")
    assert len(str(reply)) < 8_000
    assert kernel.run("kept").result == "'still here'"


def test_a_cell_that_ends_in_time_is_left_alone(kernel: SyncKernel) -> None:
    """No interrupt comes late into the next cell."""
    assert kernel.run("time.sleep(0.01); 'done'", timeout=60).result == "'done'"
    assert kernel.run("time.sleep(0.3); 'quiet'").result == "'quiet'"


def test_the_store_knows_that_time_was_the_reason(kernel: SyncKernel, store: Path) -> None:
    """The kernel saw an interrupt; the runner adds that it was the deadline."""
    reply = kernel.run("time.sleep(60)", timeout=0.3)
    opened = Store.open(store)
    try:
        assert opened.execution(reply.execution).status == "timed_out"
    finally:
        opened.close()


def test_c_code_that_keeps_the_interpreter_is_ended_and_a_fresh_kernel_follows(store: Path) -> None:
    """No signal handler of Python's runs: the stack comes from faulthandler, the process is ended, which is said."""
    with SyncKernel(store=store, timeout=PATIENCE) as kernel:
        begun = time.monotonic()
        reply = kernel.run("import itertools, collections\ncollections.deque(itertools.repeat(0), maxlen=0)", timeout=0.5)
        took = time.monotonic() - begun
        assert reply.status == "timed_out"
        assert took < 0.5 + SLACK
        assert any("all variables are lost" in note for note in reply.notes)
        assert reply.look is not None
        assert "ipykernel" in str(reply.look)
        assert kernel.run("'fresh'").result == "'fresh'"


def test_without_kill_it_says_that_the_cell_still_runs(store: Path) -> None:
    """Truthful, and the next call is not sent into the dark."""
    with SyncKernel(store=store, record=False, kill=False) as kernel:
        stuck = "import itertools, collections\ncollections.deque(itertools.islice(itertools.repeat(0), 10 ** 12), maxlen=0)"
        reply = kernel.run(stuck, timeout=0.3)
        assert any("still running" in note for note in reply.notes)
        following = kernel.run("1", timeout=0.3)
        assert following.status == "not_run"
        assert any("still runs" in note for note in following.notes)


# --- deaths -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mortal(store: Path) -> Iterator[SyncKernel]:
    """A kernel that dies and is restarted again and again."""
    with SyncKernel(store=store, timeout=PATIENCE) as kernel:
        yield kernel


@pytest.mark.parametrize(
    ("code", "words", "stack"),
    [
        pytest.param("import os; os.kill(os.getpid(), 9)", "SIGKILL", False, id="SIGKILL"),
        pytest.param("import ctypes; ctypes.string_at(0)", "SIGSEGV", True, id="SIGSEGV"),
        pytest.param("import os; os.abort()", "SIGABRT", True, id="SIGABRT"),
        pytest.param("print('last words', flush=True)\nimport os; os._exit(3)", "exit code 3", False, id="os._exit"),
    ],
)
def test_a_death_is_reported_with_its_reason(mortal: SyncKernel, store: Path, code: str, words: str, stack: bool) -> None:
    """Signal or exit code in words, the Python stack where one can exist, the names that are lost; the next run says
    that the kernel is dead, and restart() starts a new one."""
    mortal.run("treasure = 1")
    begun = time.monotonic()
    reply = mortal.run(code)
    assert reply.status == "died"
    assert time.monotonic() - begun < 1.0 + SLACK
    assert words in str(reply.death)
    assert "treasure" in reply.death.lost
    assert (reply.death.stack is not None) == stack
    if stack:
        assert "line" in reply.death.stack
    assert mortal.run("1").status == "not_run"
    _store_says_died(store, reply.execution, words, reply.death.last_output)
    replayed = mortal.restart(replay=True)
    assert replayed.count == 1
    assert replayed.different is None
    assert mortal.run("treasure").result == "1"
    mortal.restart()


def _store_says_died(store: Path, execution: str, words: str, printed: str | None) -> None:
    """How it died, and what we saw it print last: the kernel had no time to write that."""
    opened = Store.open(store)
    try:
        assert opened.execution(execution).status == "died"
        deaths = [event for event in opened.events(kinds={"process.died"}) if event.execution == execution]
        assert len(deaths) == 1
        assert isinstance(deaths[0], ProcessDied)
        assert words in (deaths[0].signal or "")
        told = opened.death(opened.execution(execution))
        assert told is not None
        assert told.output == tuple((printed or "").splitlines())
    finally:
        opened.close()


def test_sigkill_says_what_speaks_for_and_against_a_lack_of_memory(mortal: SyncKernel) -> None:
    """Figures, not guesses."""
    reply = mortal.run("import os; os.kill(os.getpid(), 9)")
    assert reply.death.hint is not None
    assert "MB" in reply.death.hint
    mortal.restart()


def test_replay_names_the_first_cell_that_behaves_differently(mortal: SyncKernel, tmp_path: Path) -> None:
    """A cell whose outside world changed: named; a cell that now fails: what follows is not run."""
    file = tmp_path / "world.txt"
    file.write_text("one")
    mortal.run(f"from pathlib import Path\nworld = Path({str(file)!r})")
    mortal.run("print(world.read_text())")
    mortal.run("after = 1")
    file.write_text("two")
    replayed = mortal.restart(replay=True)
    assert replayed.count == 3
    assert replayed.different == ("print(world.read_text())", "its output is another")
    file.unlink()
    stopped = mortal.restart(replay=True)
    assert stopped.different is not None
    assert "FileNotFoundError" in stopped.different[1]
    assert stopped.stopped == ("after = 1",)
    mortal.restart()


def test_a_memory_limit_is_an_error_and_the_kernel_lives(store: Path) -> None:
    """RLIMIT_AS turns the fatal allocation into a MemoryError."""
    with SyncKernel(store=store, record=False, memory=2 * 1024**3, timeout=PATIENCE) as kernel:
        reply = kernel.run("x = bytearray(4 * 1024 ** 3)")
        assert reply.status == "error"
        assert reply.error is not None
        assert reply.error.name == "MemoryError"
        assert kernel.run("1").ok


# --- the beginning ----------------------------------------------------------------------------------------------


def test_an_unknown_kernel_names_those_that_are_installed() -> None:
    """One line."""
    with pytest.raises(KernelStartError, match=r"no kernel named 'nosuch'; installed: .*python3"):
        SyncKernel("nosuch").start()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["/nowhere/python", "{connection_file}"], "could not be started with /nowhere/python: No such file"),
        ([sys.executable, "-c", "import sys; sys.exit('no licence today')", "{connection_file}"], "no licence today"),
    ],
)
def test_a_broken_kernelspec_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], said: str) -> None:
    """What the process said on its stderr is in the error."""
    _install_spec(tmp_path, monkeypatch, "broken", argv)
    with pytest.raises(KernelStartError) as caught:
        SyncKernel("broken", record=False).start()
    assert said in str(caught.value)


def test_a_start_that_failed_can_be_tried_again(tmp_path: Path) -> None:
    """A restart that finds no interpreter leaves none; when there is one again, `start` starts it."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    with SyncKernel(python=python, record=False, timeout=PATIENCE) as kernel:
        assert kernel.run("1").ok
        python.rename(tmp_path / "away")
        with pytest.raises(KernelStartError):
            kernel.restart()
        with pytest.raises(KernelError, match=r"start\(\)"):
            kernel.run("1")
        (tmp_path / "away").rename(python)
        assert kernel.start().run("1").ok


def test_a_kernel_that_prints_at_its_start_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither our stdout, which may carry a protocol, nor the first reply."""
    code = "import os; os.write(1, b'LEAK'); os.system('echo LEAK'); from ipykernel.kernelapp import main; main()"
    _install_spec(tmp_path, monkeypatch, "noisy", [sys.executable, "-c", code, "-f", "{connection_file}"])
    with SyncKernel("noisy", record=False) as kernel:
        assert kernel.run("print('clean')", timeout=PATIENCE).stdout == "clean\n"
        kernel.run("import os; os.write(1, b'LEAK')", timeout=PATIENCE)
    assert "LEAK" not in capfd.readouterr().out


def test_a_kernel_without_agentlog_runs_and_the_answer_says_how_to_add_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything but recording works."""
    code = f"import sys; sys.path += {site.getsitepackages()!r}; sys.modules['agentlog'] = None; from ipykernel.kernelapp import main; main()"
    _install_spec(tmp_path, monkeypatch, "bare", [sys.executable, "-S", "-c", code, "-f", "{connection_file}"])
    with SyncKernel("bare") as kernel:
        reply = kernel.run("numbers = [1, 2]", timeout=PATIENCE)
        assert "pip install" in str(reply)
        assert kernel.variables()["numbers"].length == 2
        stuck = kernel.run("import time\nlabel = 'here'\ntime.sleep(60)", timeout=0.5)
        assert stuck.status == "timed_out"
        assert stuck.look is not None


def _install_spec(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, argv: list[str]) -> None:
    import json

    place = folder / "jupyter" / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))


# --- others -----------------------------------------------------------------------------------------------------


def test_two_clients_on_one_kernel(store: Path, tmp_path: Path) -> None:
    """The second sees only its own output, waits for the first, and is told when the first does not end."""
    gate = tmp_path / "gate"
    waits = f"import os, time\nprint('first')\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)"

    async def main() -> None:
        async with Kernel(store=store, record=False) as first:
            connection = first.link.process.connection_file  # type: ignore[attr-defined]
            async with Kernel.attach(connection, store=store, record=False) as second:
                running = asyncio.ensure_future(first.run(waits, timeout=PATIENCE))
                while not first.busy or not second.busy:
                    await asyncio.sleep(0.01)
                refused = await second.run("print('second')", timeout=0.1)
                asyncio.get_running_loop().call_later(0.2, gate.touch)
                waited = await second.run("print('second')", timeout=PATIENCE)
                assert (await running).stdout == "first\n"
                assert refused.status == "not_run"
                assert "another client" in refused.notes[0]
                assert (waited.status, waited.stdout) == ("ok", "second\n")
            assert (await first.run("2", timeout=PATIENCE)).result == "2"

    asyncio.run(main())


CALLER = """
import sys, time
from agentlog_ipy.sync import SyncKernel
with SyncKernel(record=False) as kernel:
    print(kernel.kernel.link.facts.pid, flush=True)
    if sys.argv[1] == "idle":
        time.sleep(120)
    kernel.run("import time; time.sleep(120)" if sys.argv[1] == "busy" else "import asyncio; await asyncio.sleep(120)")
"""


@pytest.mark.parametrize("phase", ["idle", "busy", "awaiting"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_caller_that_goes_leaves_no_orphan(phase: str, number: int, tmp_path: Path) -> None:
    """Ctrl-C or SIGKILL while idle, in a cell, in an await: the kernel is gone within five seconds."""
    with subprocess.Popen(
        [sys.executable, "-c", CALLER, phase], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as caller:
        assert caller.stdout is not None
        kernel = psutil.Process(int(caller.stdout.readline()))
        while phase != "idle" and not _runs_cell(kernel):
            time.sleep(0.02)
        caller.send_signal(number)
        caller.communicate(timeout=PATIENCE)
        psutil.wait_procs([kernel], timeout=5 + SLACK)
        assert not kernel.is_running()


def _runs_cell(kernel: psutil.Process) -> bool:
    """The request has been read once the process has used the processor for it; a moment more does no harm."""
    try:
        return bool(kernel.cpu_percent(0.1) < 50)
    except psutil.NoSuchProcess:
        return True


def test_the_folder_of_a_killed_runner_is_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the next one that makes a folder; those of living runners and of kernels that are kept stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders._sweep.cache_clear()
    mine, kept, dead = folders.new_folder(keep=False), folders.new_folder(keep=True), folders.new_folder(keep=False)
    (dead / "owner").write_text("4000000 123")
    folders._sweep.cache_clear()
    folders.new_folder(keep=False)
    assert (mine.exists(), kept.exists(), dead.exists()) == (True, True, False)


def test_ctrl_c_while_the_kernel_starts_leaves_no_orphan(tmp_path: Path) -> None:
    """The half-started process is ended too."""
    code = "from agentlog_ipy.sync import SyncKernel\nprint('starting', flush=True)\nSyncKernel(record=False).start()\nprint('up', flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as caller:
        assert caller.stdout is not None
        caller.stdout.readline()
        children: list[psutil.Process] = []
        while caller.poll() is None and not children:
            children = psutil.Process(caller.pid).children(recursive=True)
        caller.send_signal(signal.SIGINT)
        caller.communicate(timeout=PATIENCE)
        _, left = psutil.wait_procs(children, timeout=5 + SLACK)
        assert not left
