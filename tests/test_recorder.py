"""The one door in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agentlog import guard, recorder
from agentlog.events import ExecutionStarted, Logged
from agentlog.recorder import Recorder
from agentlog.settings import Limits, Settings


@pytest.fixture
def door(store_folder: Path) -> Any:
    """A recorder of the test's own."""
    made = Recorder(Settings(folder=store_folder))
    made.session = "session-1"
    yield made
    made.close()


def records(folder: Path) -> list[dict[str, Any]]:
    """Every record of the store, segment by segment in the order it was written."""
    return [json.loads(line) for file in sorted((folder / "journal").glob("*.jsonl")) for line in file.read_text().splitlines()]


def messages(folder: Path) -> list[str]:
    return [record["m"] for record in records(folder) if record["e"] == "log"]


def test_what_is_urgent_is_on_disk_before_the_call_returns(door: Recorder, store_folder: Path) -> None:
    """A started cell is in the journal while its code has not run yet; stamped with id, time and session."""
    event = door.record(ExecutionStarted(execution="x1", source="1/0"), now=True)
    last = records(store_folder)[-1]
    assert (last["e"], last["x"], last["source"], last["s"]) == ("cell.start", "x1", "1/0", "session-1")
    assert (last["i"], last["t"]) == (event.id, event.time)


def test_the_rest_is_written_soon_and_in_order(door: Recorder, store_folder: Path) -> None:
    """Queued events keep their order, and flush waits for them."""
    for number in range(500):
        door.record(Logged(message=str(number)))
    assert door.flush(60)
    assert messages(store_folder) == [str(number) for number in range(500)]


def test_many_threads_lose_nothing(door: Recorder, store_folder: Path) -> None:
    """50 threads, 2,000 events: all there, each thread's in its order."""

    def work(name: int) -> None:
        for number in range(40):
            door.record(Logged(message=f"{name}:{number}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert door.flush(60)
    written = messages(store_folder)
    assert len(written) == 2000
    for name in range(50):
        assert [text for text in written if text.startswith(f"{name}:")] == [f"{name}:{number}" for number in range(40)]


def test_losses_are_counted_and_said(store_folder: Path) -> None:
    """A full queue drops, never blocks, and the journal says how many were dropped."""
    door = Recorder(Settings(folder=store_folder, limits=Limits(queue=10)))
    door.session = "s"
    held = threading.Event()
    door.later(held.wait)  # type: ignore[arg-type]
    for number in range(50):
        door.record(Logged(message=str(number)))
    held.set()
    assert door.flush(60)
    dropped = door.status()["dropped"]
    door.close()
    assert dropped >= 39
    fault = next(record for record in records(store_folder) if record["e"] == "fault")
    assert fault["dropped"] == dropped


@pytest.mark.usefixtures("expect_faults")
def test_a_disk_that_refuses_is_waited_for(door: Recorder, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records wait in memory while the disk is full, status says so, and nothing is lost when it has room again."""
    true_append = door.journal.append

    def full(record: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(door.journal, "append", full)
    door.record(Logged(message="one"), now=True)
    door.record(Logged(message="two"), now=True)
    assert door.status()["in_memory"] == 2
    assert [record["m"] for record in door.held()] == ["one", "two"]
    assert "No space left on device" in guard.faults()[0].reason
    monkeypatch.setattr(door.journal, "append", true_append)
    door.flush()
    assert door.status()["in_memory"] == 0
    assert messages(store_folder) == ["one", "two"]


@pytest.mark.usefixtures("expect_faults")
def test_threads_that_find_the_disk_again_write_each_record_once(door: Recorder, store_folder: Path) -> None:
    """Both see that something waited in memory; one writes it, what the other brings follows."""
    waiting = [{"e": "log", "s": "s", "m": f"held {number}"} for number in range(3)]
    door._held.extend(waiting)
    true_append, begun, go_on = door.journal.append, threading.Event(), threading.Event()

    def slow(record: dict[str, Any]) -> None:
        if not begun.is_set():
            begun.set()
            go_on.wait(60)
        true_append(record)

    door.journal.append = slow  # type: ignore[method-assign]
    first = threading.Thread(target=door.record, args=(Logged(message="first"),), kwargs={"now": True})
    first.start()
    assert begun.wait(60)
    door.record(Logged(message="second"), now=True)
    go_on.set()
    first.join(60)
    door.flush()
    assert messages(store_folder) == ["held 0", "held 1", "held 2", "second", "first"]


@pytest.mark.usefixtures("expect_faults")
def test_what_waits_in_memory_stays_there_while_the_journal_is_in_the_middle_of_a_write(
    door: Recorder, store_folder: Path
) -> None:
    """As a signal handler finds it that interrupted a write: neither what waited nor what it records is lost."""
    door._held.append({"e": "log", "s": "s", "m": "held"})
    door.journal._writing = True
    door.record(Logged(message="by the handler"), now=True)
    door.journal._writing = False
    door.flush()
    assert messages(store_folder) == ["held", "by the handler"]


def test_a_blob_for_which_the_queue_has_no_room_is_written_by_the_caller(store_folder: Path) -> None:
    """The event that names it is of no use without it; and what waits is counted as before."""
    door = Recorder(Settings(folder=store_folder, limits=Limits(queue=1)))
    door.session = "s"
    held, begun = threading.Event(), threading.Event()
    door.later(lambda: (begun.set(), held.wait(60)))  # type: ignore[arg-type,return-value]
    door._hurry.put(None)
    assert begun.wait(60)
    door.record(Logged(message="fills the queue"))
    digest = door.blob(b"a picture")
    assert door.blobs.get(digest) == b"a picture"
    assert door._blob_bytes == 0
    held.set()
    door.close()


def test_a_closed_recorder_starts_no_thread(door: Recorder) -> None:
    """Also where somebody waits for what it had to write."""
    door.record(Logged(message="last"))
    door.close()
    assert door.flush()
    assert "agentlog-writer" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.usefixtures("expect_faults")
def test_what_could_not_be_looked_through_is_not_written(
    door: Recorder, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When redaction fails, only the envelope reaches the disk."""
    monkeypatch.setattr(door.redactor, "record", lambda record: 1 / 0)
    door.record(Logged(message="hunter2 is my password"), now=True)
    assert b"hunter2" not in b"".join(file.read_bytes() for file in (store_folder / "journal").iterdir())
    assert records(store_folder)[-1]["m"] == "[not recorded: redaction failed]"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_writes_a_segment_of_its_own(store_folder: Path) -> None:
    """Parent and child both record after a fork; nothing is written twice, nothing is mixed."""
    code = """
import os
from agentlog import recorder
from agentlog.events import Logged
door = recorder.start(); door.session = "s"
door.record(Logged(message="before"))
pid = os.fork()
door.record(Logged(message="child" if pid == 0 else "parent"))
if pid == 0:
    door.flush(); os._exit(0)
os.waitpid(pid, 0)
"""
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", code], check=True, timeout=60)
    assert sorted(messages(store_folder)) == ["before", "child", "parent"]
    assert len(list((store_folder / "journal").glob("*.jsonl"))) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_that_does_not_wait_for_a_busy_writer_leaves_it_at_work(
    door: Recorder, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that was too busy to stop for the fork writes on afterwards, what was queued meanwhile too."""
    monkeypatch.setattr(recorder, "FORK_SECONDS", 0.0)
    begun, go_on, written = threading.Event(), threading.Event(), threading.Event()
    door.later(lambda: (begun.set(), go_on.wait(60)))  # type: ignore[arg-type,return-value]
    door._hurry.put(None)
    assert begun.wait(60)
    door.before_fork()
    door.record(Logged(message="while it forks"))
    door.resume()
    go_on.set()
    door.record(Logged(message="after the fork"))
    door.later(written.set)
    assert written.wait(60)
    assert messages(store_folder) == ["while it forks", "after the fork"]


def test_everything_is_written_at_exit(store_folder: Path) -> None:
    """A program that ends right after its last log line loses nothing, and its segment is closed in order."""
    code = "from agentlog import recorder; from agentlog.events import Logged; d = recorder.start(); d.session = 's'; d.record(Logged(message='last'))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert messages(store_folder) == ["last"]
    assert records(store_folder)[-1]["e"] == "segment.end"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
def test_a_signal_handler_may_record(store_folder: Path) -> None:
    """A handler that interrupts a write does not deadlock and its events are kept."""
    code = """
import signal
from agentlog import recorder
from agentlog.events import Logged
door = recorder.start(); door.session = "s"
seen = []
def handler(*_):
    seen.append(1)
    door.record(Logged(message="signal"), now=True)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
while len(seen) < 100:
    door.record(Logged(message="main"), now=True)
signal.setitimer(signal.ITIMER_REAL, 0)
door.flush()
print(len(seen))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert messages(store_folder).count("signal") == int(done.stdout)


def test_one_recorder_per_process(store_folder: Path) -> None:
    """start() is idempotent; stop() closes it."""
    assert recorder.start() is recorder.start()
    assert recorder.current() is recorder.start()
    recorder.stop()
    assert recorder.current() is None
