"""Processes are killed at random moments: nothing they were told was written is missing, and readers say where they died."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from agentlog.events import from_record
from agentlog.processes import is_alive, this_machine
from agentlog.segments import Segments
from agentlog.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked and killed by signal")

KILLS = 200
TOGETHER = 4
SEED = 20261121

NURSERY = """
import os, signal, sys
from agentlog import recorder, session
from agentlog.events import ErrorRaised, ExecutionEnded, ExecutionStarted, Failure, StreamWritten
from agentlog.ids import new_id
from agentlog.settings import Settings
from pathlib import Path

signal.signal(signal.SIGCHLD, signal.SIG_IGN)      # the dead are not kept


def write(cells, pipe):
    with open(pipe, "wb", buffering=0) as out:
        tell = lambda *words: out.write((" ".join(words) + "\\n").encode())
        mine = recorder.start(Settings(folder=Path(sys.argv[1])))
        own = session.begin(mine)
        tell("begun", str(os.getpid()), own)
        for number in range(1, cells + 1):
            execution = new_id()
            common = dict(session=own, execution=execution)
            started = mine.record(ExecutionStarted(number=number, count=number, source=f"step({number})", **common), now=True)
            tell("start", started.id, execution)
            mine.record(StreamWritten(text="x" * (number * 37 % 900) + "\\n", **common))
            if number % 5 == 0:
                failure = Failure("ValueError", "bad " + "y" * (number * 91 % 3000))
                tell("error", mine.record(ErrorRaised(failure=failure, **common), now=True).id, execution)
            ended = mine.record(ExecutionEnded(status="error" if number % 5 == 0 else "ok", count=number, ms=1.0, **common), now=True)
            tell("end", ended.id, execution)
        mine.close()
        tell("done")
    os._exit(0)


print("ready", flush=True)
for line in sys.stdin:
    cells, pipe = line.split()
    if os.fork() == 0:
        write(int(cells), pipe)
"""


class Writer:
    """A forked process that writes cells, and what it was told is written."""

    def __init__(self, nursery: IO[str], pipe: Path, cells: int) -> None:
        os.mkfifo(pipe)
        nursery.write(f"{cells} {pipe}\n")
        nursery.flush()
        self._out = open(pipe, encoding="ascii")  # noqa: SIM115 - closed by finish()
        _, pid, self.session = self._out.readline().split()
        self.pid = int(pid)
        self.acknowledged: list[tuple[str, str, str]] = []

    def hear(self, acknowledgements: int) -> None:
        """Wait for so many."""
        for _ in range(acknowledgements):
            self._note(self._out.readline())

    def finish(self) -> None:
        """Hear everything it said until it ended, and wait until it is gone: its files are closed a little before."""
        for line in self._out:
            self._note(line)
        self._out.close()
        until = time.monotonic() + 60
        while is_alive(self.pid, *this_machine(), None):
            assert time.monotonic() < until, "it does not end"
            time.sleep(0.001)

    def _note(self, line: str) -> None:
        words = line.split()
        if line.endswith("\n") and len(words) == 3:
            self.acknowledged.append((words[0], words[1], words[2]))


@pytest.fixture
def nursery(store_folder: Path) -> Iterator[IO[str]]:
    """A process that forks writers on demand: the 200 start in milliseconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(store_folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process.stdin
    process.stdin.close()
    process.stdout.close()
    process.wait(60)


def _damage(folder: Path, dice: random.Random) -> None:
    """The index is deleted, truncated or overwritten with noise."""
    index = folder / "index.sqlite"
    if not index.exists():
        return
    size = index.stat().st_size
    what = dice.choice(["delete", "truncate", "noise", "leave"])
    if what == "delete":
        index.unlink()
    elif what == "truncate":
        os.truncate(index, dice.randrange(size))
    elif what == "noise":
        with open(index, "r+b") as file:
            file.seek(dice.randrange(size))
            file.write(dice.randbytes(20_000))


def _check(store: Store, writers: list[Writer]) -> None:
    """Of every writer all that was acknowledged is there, in order; the cell in which it died is named, no other is."""
    for writer in writers:
        ids = [event.id for event in store.events(session=writer.session)]
        assert len(set(ids)) == len(ids)
        told = [identifier for _, identifier, _ in writer.acknowledged]
        present = set(ids)
        assert [identifier for identifier in told if identifier not in present] == []
        assert [identifier for identifier in ids if identifier in set(told)] == told
        executions = store.executions(writer.session)
        assert {one.status for one in executions[:-1]} <= {"ok", "error"}
        assert store.session(writer.session).how == "died"
        _check_last(store, writer, executions[-1].id if executions else None)


def _check_last(store: Store, writer: Writer, last: str | None) -> None:
    if not writer.acknowledged or last is None:
        assert not writer.acknowledged
        return
    kind, _, execution = writer.acknowledged[-1]
    found = store.execution(last)
    if kind in ("start", "error") and found.id == execution and found.status != "died":
        assert found.ended is not None  # it was killed after its end was written and before it heard of it
        return
    if found.status == "died":
        failure, death = store.last_failure(writer.session), store.death(found)
        assert failure is not None
        assert failure.id == found.id
        assert death is not None
        assert death.stack is None
        assert "SIGKILL" in (death.no_stack or "")


def test_two_hundred_kills_lose_nothing(store_folder: Path, nursery: IO[str], tmp_path: Path) -> None:
    """Writers are killed with SIGKILL at random moments, the index is damaged between reads: whatever a writer heard
    to be written is there and whole, the store opens every time, and the cell in which each died is named."""
    dice = random.Random(SEED)
    writers: list[Writer] = []
    for turn in range(KILLS // TOGETHER):
        some = [Writer(nursery, tmp_path / f"pipe-{turn}-{number}", 100_000) for number in range(TOGETHER)]
        for writer in some:
            writer.hear(dice.randrange(40))
            for _ in range(dice.randrange(2_000)):  # somewhere within a record
                pass
            os.kill(writer.pid, signal.SIGKILL)
        for writer in some:
            writer.finish()
        writers += some
        if turn % 10 == 9:
            store = Store.open(store_folder)
            _check(store, writers[-10 * TOGETHER :])
            store.close()
            _damage(store_folder, dice)
    store = Store.open(store_folder)
    _check(store, writers)
    assert store.status()["torn_lines"] == 0
    assert len(store.sessions()) == KILLS
    store.close()
    _no_half_line_but_the_last(store_folder)


def _no_half_line_but_the_last(folder: Path) -> None:
    segments = Segments(folder)
    for name in segments.files():
        end = 0
        for place, data in segments.chunks(name, 0):
            end = place + len(data)
            assert data.endswith(b"\n")
        assert b"\n" not in segments.read(name, end, segments.plain_size(name) - end)
    segments.close()


def test_eight_writers_at_once_lose_nothing(store_folder: Path, nursery: IO[str], tmp_path: Path) -> None:
    """Everything that eight processes record at the same time is there, once, in order per process, while it is read."""
    writers = [Writer(nursery, tmp_path / f"pipe-{number}", 150) for number in range(8)]
    store = Store.open(store_folder)
    for writer in writers:
        writer.hear(100)
        assert len(store.executions(writer.session)) > 40
    for writer in writers:
        writer.finish()
    for writer in writers:
        told = [identifier for _, identifier, _ in writer.acknowledged]
        assert len(told) == 150 * 2 + 30
        events = list(store.events(session=writer.session))
        heard = set(told)
        assert [event.id for event in events if event.id in heard] == told
        assert sum(event.kind == "stream" for event in events) == 150
        assert [one.count for one in store.executions(writer.session)] == list(range(1, 151))
        assert {one.status for one in store.executions(writer.session)} == {"ok", "error"}
    store.close()


# --- real kernels ---------------------------------------------------------------------------------------------------

CRASHES = {
    "os._exit": ("import os; os._exit(3)", None),
    "segfault": ("import ctypes; ctypes.string_at(0)", "Segmentation fault"),
    "abort": ("import os; os.abort()", "Aborted"),
    "sigkill": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", None),
}


@pytest.mark.parametrize("crash", CRASHES)
def test_a_kernel_that_dies_leaves_its_last_cell(store_folder: Path, tmp_path: Path, crash: str) -> None:
    """A real kernel, with nothing but %load_ext, dies in its cell: readers name the cell, what it printed, and show the
    Python stack where the signal allows one."""
    pytest.importorskip("ipykernel")
    code, said = CRASHES[crash]
    _run_until_dead(tmp_path, ["%load_ext agentlog", "x = 41", f"print('about to go', flush=True)\n{code}"])
    store = Store.open(store_folder)
    assert store.session().how == "died"
    last = store.last_failure()
    assert last is not None
    assert (last.status, last.count) == ("died", 3)
    assert code in last.source
    assert [one.status for one in store.executions()][-2:] == ["ok", "died"]
    death = store.death(last)
    assert death is not None
    if said is None:
        assert death.stack is None
        assert "none" in (death.no_stack or "")
    else:
        assert said in death.how
        assert (death.stack or "").startswith("most recent call first:")
        assert (death.stack or "").endswith(f"\n  In[3] line 2: {code}")
    store.close()


def _run_until_dead(folder: Path, cells: list[str]) -> None:
    """Run `cells` in a fresh kernel started in `folder`; the last one ends it."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=120)
        for cell in cells[:-1]:
            reply = client.execute_interactive(cell, timeout=120, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", reply["content"]
        client.execute(cells[-1])
        process = manager.provisioner.process
        process.wait(120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_every_line_of_a_killed_journal_is_an_event(store_folder: Path, nursery: IO[str], tmp_path: Path) -> None:
    """What is in the segment of a killed process is read back by the model, line by line."""
    from agentlog.gather import parse_line

    writer = Writer(nursery, tmp_path / "pipe", 100_000)
    writer.hear(25)
    os.kill(writer.pid, signal.SIGKILL)
    writer.finish()
    segments = Segments(store_folder)
    kinds = []
    for name in segments.files():
        for _, data in segments.chunks(name, 0):
            records = [parse_line(line) for line in data.splitlines()]
            assert None not in records
            kinds += [from_record(record).kind for record in records if record]
    segments.close()
    assert {"session.start", "cell.start", "cell.end"} <= set(kinds)
