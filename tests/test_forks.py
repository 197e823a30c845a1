"""A fork at any moment: no thread of ours beside it, and no lock that the child finds taken for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.events import StreamWritten
from agentlog.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

ALONE = """
import os
threads = []
os.register_at_fork(before=lambda: threads.append(len(os.listdir("/proc/self/task"))))  # comes after those that are registered later
from agentlog import recorder
from agentlog.events import Logged
door = recorder.start(); door.session = "s"
out = None
if %r == "outputs":
    from agentlog_ipy.outputs import Outputs
    out = Outputs(door); out.attach(); slot = out.expect("request", "x")
for number in range(60):
    if out is None:
        door.record(Logged(message="the writer starts"))
    else:
        out.put("stream", slot, {"name": "stdout", "text": f"{number}\\n"})
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print(set(threads))
if out is not None:
    out.detach()
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks into /proc")
@pytest.mark.parametrize("whose", ["recorder", "outputs"])
def test_no_thread_of_ours_is_there_when_a_process_forks(whose: str, store_folder: Path) -> None:
    """Also for the system: a thread that Python calls ended still frees memory, under a lock of tracemalloc's that no child gets.
    What was put out is written all the same, in order."""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", ALONE % whose], capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("{1}\n", "")
    if whose == "outputs":
        store = Store.open(store_folder)
        texts = [event.text for event in store.events() if isinstance(event, StreamWritten)]
        store.close()
        assert "".join(texts) == "".join(f"{number}\n" for number in range(60))


HELD = """
import os, signal, threading, time
{setting}
held, over = threading.Event(), threading.Event()

def hold():
    with {lock}:
        held.set(); over.wait()

holder = threading.Thread(target=hold); holder.start(); held.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(60)  # a child that waits for ever is told from one that ends
    {act}
    os._exit(7)
over.set()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
holder.join()
"""
DOOR = "from agentlog import recorder; door = recorder.start(); door.session = 's'; from agentlog.events import Logged"
LOCKS = {
    "journal": (DOOR, "door.journal._lock", "door.record(Logged(message='x'), now=True)"),
    "ids": ("from agentlog import ids", "ids._lock", "ids.new_id()"),
    "faults": ("from agentlog import guard", "guard._lock", "guard.note('part', 'reason')"),
    "rates": (f"{DOOR}; from agentlog import verbs, rates", "rates.rate._lock", "verbs.log_error('it failed', ValueError('x'))"),
    "tasks": (f"{DOOR}; from agentlog import tasks", "tasks._open.lock", "tasks.start_session('coder')"),
    "capture": ("from agentlog import capture", "capture._lock", "capture.capture_output().__enter__()"),
    "outputs": (f"{DOOR}; from agentlog_ipy.outputs import Outputs; out = Outputs(door)", "out._lock", "out.drain()"),
    "end of outputs": (f"{DOOR}; from agentlog_ipy.outputs import Outputs; out = Outputs(door)", "out._lock", "out.detach()"),
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_that_another_thread_holds_does_not_stop_the_child(name: str, store_folder: Path) -> None:
    """It has one of its own."""
    setting, lock, act = LOCKS[name]
    code = HELD.format(setting=setting, lock=lock, act=act)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("7\n", "")
