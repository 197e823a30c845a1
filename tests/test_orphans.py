"""What a kernel started ends with its runner, however that ends; what was meant to outlive it does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agentlog_ipy.orphans import Helper, end_group

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PATIENCE = 60.0

FAMILY = """
import json, multiprocessing, os, subprocess, time
sleeper = ["sleep", "600"]
started = {
    "child": subprocess.Popen(sleeper).pid,
    "grandchild": int(subprocess.run(["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True).stdout),
    "shell": int(get_ipython().getoutput("sleep 600 >/dev/null 2>&1 & echo $!")[0]),
    "nohup": subprocess.Popen(["nohup", *sleeper], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid,
    "setsid": subprocess.Popen(sleeper, start_new_session=True).pid,
}
forked = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
forked.start()
started["forked"] = forked.pid
while open(f"/proc/{started['nohup']}/comm").read() != "sleep\\n": time.sleep(0.01)
print(json.dumps(started))
"""
MEANT_TO_STAY = {"nohup", "setsid"}

RUNNER = """
import sys, time
from agentlog_ipy.sync import SyncKernel
with SyncKernel(record=False) as kernel:
    print(kernel.run(sys.argv[1], timeout=60).stdout, end="", flush=True)
    if sys.argv[2] == "dead kernel":
        print(kernel.run("import os; os._exit(3)").status, flush=True)
    if sys.argv[2] == "sleeps":
        time.sleep(600)
    if sys.argv[2] == "busy":
        print("busy", flush=True)
        kernel.run("import time; time.sleep(600)")
"""


@pytest.fixture
def family() -> Iterator[dict[str, psutil.Process]]:
    """Processes of a test, none of which outlives it."""
    found: dict[str, psutil.Process] = {}
    yield found
    for process in found.values():
        if process.is_running():
            process.kill()


def _runner(folder: Path, family: dict[str, psutil.Process], way: str) -> subprocess.Popen[str]:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, FAMILY, way], stdout=subprocess.PIPE, text=True, cwd=folder)
    assert runner.stdout is not None
    family |= {name: psutil.Process(pid) for name, pid in json.loads(runner.stdout.readline()).items()}
    return runner


@pytest.mark.parametrize("way", ["sleeps", "busy", "closes", "dead kernel"])
def test_the_children_of_the_kernel_end_with_the_runner(way: str, tmp_path: Path, family: dict[str, psutil.Process]) -> None:
    """Killed while idle or in a cell, closed in order, or after the kernel had died: children, grandchildren and forks end;
    what has a session of its own goes on, as does what ignores SIGHUP (but in order a kernel takes its whole group with it)."""
    with _runner(tmp_path, family, way) as runner:
        if way in ("sleeps", "busy"):
            runner.send_signal(signal.SIGKILL)
        runner.communicate(timeout=PATIENCE)
    doomed = [process for name, process in family.items() if name not in MEANT_TO_STAY]
    assert not psutil.wait_procs(doomed, timeout=PATIENCE)[1]
    stay = MEANT_TO_STAY if way in ("sleeps", "busy") else {"setsid"}
    assert {name for name, process in family.items() if process.is_running()} == stay


def _sleeper(*, ignore: bool = False) -> subprocess.Popen[bytes]:
    """A process that leads a group of its own; it ignores SIGHUP when this returns, if it is to."""
    words = "import signal, time\n" + ("signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" if ignore else "")
    command = [sys.executable, "-c", f"{words}print(1, flush=True)\ntime.sleep(600)"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.parametrize("ignore", [False, True])
@pytest.mark.parametrize("spare", [False, True])
def test_a_group_is_ended(ignore: bool, spare: bool) -> None:
    """Without `spare` whoever ignores SIGHUP ends too: a runner that was itself started by nohup gave that to all."""
    with _sleeper(ignore=ignore) as process:
        end_group(process.pid, spare)
        if ignore and spare:
            assert process.poll() is None
            process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_the_helper_lives_as_long_as_there_are_groups() -> None:
    """One process for all of them, none when the last has ended; one that was killed is started again."""
    helper, before = Helper(), set(psutil.Process().children())
    with _sleeper() as first, _sleeper() as second, _sleeper() as third:
        helper.watch(first.pid)
        helper.watch(second.pid)
        ours = {first.pid, second.pid, third.pid}
        (running,) = {one for one in psutil.Process().children() if one.pid not in ours} - before
        running.kill()
        assert helper._process is not None
        helper._process.wait(PATIENCE)
        helper.watch(third.pid)
        helper.end(first.pid)
        assert (first.wait(PATIENCE), second.poll(), third.poll()) == (-signal.SIGKILL, None, None)
        helper.end(second.pid)
        helper.end(third.pid)
        assert (second.wait(PATIENCE), third.wait(PATIENCE)) == (-signal.SIGKILL, -signal.SIGKILL)
    assert set(psutil.Process().children()) <= before


def test_a_forked_child_neither_holds_nor_ends_the_groups() -> None:
    """The pipe ends with the process that made it, whatever forks of it live on."""
    helper = Helper()
    with _sleeper() as process:
        helper.watch(process.pid)
        pid = os.fork()
        if pid == 0:
            helper.forked()
            helper.end(process.pid)
            os._exit(0)
        os.waitpid(pid, 0)
        assert process.poll() is None
        helper.end(process.pid)
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_a_number_that_belongs_to_somebody_else_is_left_alone() -> None:
    """Process numbers are used again: who began at another time is not the one we watched."""
    with _sleeper() as stranger:
        code = (
            "import sys; sys.argv[1:] = ['1']; from agentlog_ipy import orphans\n"
            "fields = orphans._fields; began = iter([['0'] * 30])\n"
            "orphans._fields = lambda pid: next(began, None) or fields(pid)\norphans.main()"
        )
        subprocess.run([sys.executable, "-c", code], input=f"+{stranger.pid}\n", text=True, check=True, timeout=PATIENCE)
        assert stranger.poll() is None
        stranger.kill()
