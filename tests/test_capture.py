"""A tool's output is kept apart from the program's, per call."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading

import pytest

from agentlog.capture import capture_output


def test_streams_are_apart_and_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    """stdout and stderr of the block go to the capture, what comes after to the program."""
    before = sys.stdout
    with capture_output(descriptors=False) as out:
        print("one")
        print("two", file=sys.stderr)
    print("three")
    assert (out.stdout, out.stderr) == ("one\n", "two\n")
    assert sys.stdout is before
    assert capsys.readouterr().out == "three\n"


def test_captures_nest(capsys: pytest.CaptureFixture[str]) -> None:
    """The inner call's output is the inner call's."""
    with capture_output(descriptors=False) as outer:
        print("a")
        with capture_output(descriptors=False) as inner:
            print("b")
        print("c")
    assert (outer.stdout, inner.stdout) == ("a\nc\n", "b\n")


def test_tasks_keep_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Concurrent tasks capture side by side without mixing; a task that captures nothing prints as ever."""

    async def tool(name: str) -> str:
        with capture_output(descriptors=False) as out:
            for _ in range(3):
                print(name)
                await asyncio.sleep(0)
        return out.stdout

    async def bystander() -> None:
        for _ in range(3):
            print("bystander")
            await asyncio.sleep(0)

    async def all_of_them() -> list[str]:
        *texts, _ = await asyncio.gather(tool("a"), tool("b"), bystander())
        return texts

    assert asyncio.run(all_of_them()) == ["a\n" * 3, "b\n" * 3]
    assert capsys.readouterr().out == "bystander\n" * 3


PROGRAM = """
import os, subprocess, sys, threading
from agentlog.capture import capture_output
inside, done = threading.Event(), threading.Event()
def bystander():
    inside.wait()
    print("bystander", flush=True)
    done.set()
thread = threading.Thread(target=bystander); thread.start()
print("before")
with capture_output() as out:
    print("python")
    subprocess.run([sys.executable, "-c", "import sys; print('child'); print('child error', file=sys.stderr)"])
    os.write(1, b"raw\\n")
    inside.set(); done.wait()
    with capture_output() as second:
        print("second")
print("after")
thread.join()
assert sorted(out.stdout.split()) == ["child", "python", "raw"], out.stdout
assert out.stderr == "child error\\n", out.stderr
assert (out.complete, second.complete, second.stdout) == (True, False, "second\\n")
"""


def test_child_processes_and_raw_writes_are_taken_too() -> None:
    """File descriptors are redirected for one capture at a time; another thread's prints go where they went before."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "before\nbystander\nafter\n"


def test_descriptors_do_not_leak() -> None:
    """A hundred captures leave the process with the descriptors it had."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc on this system")
    with capture_output():
        pass
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        with capture_output():
            os.write(1, b"x")
    assert len(os.listdir("/proc/self/fd")) == before
    assert threading.active_count() < 10


def test_what_is_no_text_is_refused_as_without_a_capture() -> None:
    """The stream itself says so, and the block ends as if it had not been tried."""
    with capture_output(descriptors=False) as out:
        with pytest.raises(TypeError):
            sys.stdout.write(5)  # type: ignore[arg-type]
        print("goes on")
    assert out.stdout == "goes on\n"


def test_without_room_for_a_file_a_capture_has_what_python_writes_and_the_next_is_whole_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk: it says that it is not complete, and leaves nothing behind."""

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with capture_output() as first:
        print("by Python")
    assert (first.stdout, first.complete) == ("by Python\n", False)
    monkeypatch.undo()
    with capture_output() as second:
        os.write(1, b"by a child")
    assert (second.stdout, second.complete) == ("by a child", True)
