"""The one door in: every event of this process passes through `Recorder.record`.

It stamps the event, redacts it and hands it to the journal: `now=True` before it returns (starts, ends, errors),
else within 100 ms through a bounded queue whose losses are counted. Nothing here raises into the caller's program:
while the disk refuses, records wait in memory within a bound and are written when it accepts again.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from agentlog import guard
from agentlog.blobs import Blobs
from agentlog.clock import clock
from agentlog.events import Event, RecorderFaulted, SpanEnded, to_record
from agentlog.ids import new_id, timestamp
from agentlog.journal import Busy, Journal
from agentlog.redact import Redactor
from agentlog.settings import Limits, Settings

LINGER = 0.1
"""Seconds that queued records may wait for more of them."""
RETRY = 2.0
"""Seconds between two tries to write to a disk that refused."""
FORK_SECONDS = 2.0
"""Longest wait for the writer to finish before the process forks."""
GONE_SECONDS = 1.0
"""Longest wait until the system has let go of a writer that has ended."""
QUEUED_BLOB_BYTES = 64_000_000
"""Bytes of blobs that may wait; beyond it, or where the queue is full, the caller writes its own."""

Job = Callable[[], None]


class Recorder:
    """Writes the events of this process to one store. Safe under threads, fork, and signal handlers."""

    def __init__(self, settings: Settings, *, journal: Journal | None = None) -> None:
        self.folder: Path = settings.folder
        self.limits: Limits = settings.limits
        self.settings = settings
        self.session = ""
        self.parent: str | None = None
        self.session_of: Callable[[], str | None] = lambda: None
        self.execution_of: Callable[[], str | None] = lambda: None
        self.on_call: Callable[[SpanEnded], None] | None = None
        """is told of each model call (`allowance`)"""
        self.paused = False
        self.redactor = Redactor()
        self.journal = journal or Journal(settings.folder, settings.limits)
        self.blobs = Blobs(settings.folder)
        self._held: deque[dict[str, Any]] = deque(maxlen=settings.limits.memory_events)
        self._retry_at = 0.0
        self._counts = {"written": 0, "queued": 0, "dropped": 0}
        self._fresh()

    def _fresh(self) -> None:
        """State that a forked child must not share: the queue, the writer thread, the locks."""
        self._pid = os.getpid()
        self._queue: SimpleQueue[dict[str, Any] | Job] = SimpleQueue()  # unlike Queue and Event, safe in signal handlers
        self._hurry: SimpleQueue[None] = SimpleQueue()
        self._blob_bytes = 0
        self._writer: threading.Thread | None = None
        self._start = threading.Lock()
        self._catching_up = threading.Lock()
        self._forking = self._closed = False

    # --- the door -------------------------------------------------------------------------------------------------

    def record(self, event: Event, *, now: bool = False) -> Event:
        """Stamp `event` (id, time, session, execution where absent) and write it. Returns it; never raises."""
        if self.paused or self._closed:
            return event
        try:
            _stamp(event, self.session_of() or self.session, self.execution_of)
            record = to_record(event)
            if now:
                self._commit(record)
            else:
                self._enqueue(record)
        except Exception as error:
            guard.note("recorder", error)
        return event

    def record_plain(
        self, kind: str, said: dict[str, Any], *, execution: str | None = None, id: str | None = None, now: bool = False
    ) -> None:
        """As `record`, of what is plain data already (`said`: keys of `events`; None and False are left out): the short way of
        what comes often, log lines and the two ends of a cell. Never raises."""
        if self.paused or self._closed:
            return
        try:
            record: dict[str, Any] = {"e": kind, "s": self.session_of() or self.session}
            if execution is None:
                execution = self.execution_of()
            if execution is not None:
                record["x"] = execution
            record["i"], record["t"] = id or new_id(), timestamp()
            record.update({key: value for key, value in said.items() if value is not None and value is not False})
            if now:
                self._commit(record)
            else:
                self._enqueue(record)
        except Exception as error:
            guard.note("recorder", error)

    def later(self, job: Job) -> None:
        """Run `job` on the writer thread, in order with queued events: for work the caller should not wait for."""
        self._enqueue(job)

    def blob(self, body: bytes) -> str:
        """Keep `body` by content, written soon; returns its digest. For bodies that hold no text of the user's."""
        digest, size = hashlib.sha256(body).hexdigest(), len(body)

        def write() -> None:
            self._blob_bytes -= size
            self._put_blob(body)

        self._blob_bytes += size
        if self._blob_bytes > QUEUED_BLOB_BYTES or self._full():
            write()
        else:
            self.later(write)
        return digest

    def text_blob(self, text: str) -> str:
        """Keep the redacted `text` by content; returns its digest. Slow for megabytes: call it in a `later` job."""
        return self.blob(self.redactor.text(text).encode("utf-8", "replace"))

    # --- the life of the writer -------------------------------------------------------------------------------------

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything queued so far is written; False if that took longer than `timeout` seconds."""
        if threading.current_thread() is self._writer:
            return True
        reached = threading.Event()
        self._queue.put(reached.set)
        self._ensure_writer()
        self._hurry.put(None)
        if self._alive():
            reached.wait(timeout)
        else:
            self._drain_here()
        self._write_held(force=True)
        return reached.is_set()

    def close(self) -> None:
        """Write what waits, end the segment, stop the writer. Idempotent."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        self._stop_writer(1.0)
        with suppress(OSError):
            self.journal.close()

    def before_fork(self) -> None:
        """Have no thread of ours while the process forks: it would be a hazard, and Python warns of it."""
        self._forking = True
        self._stop_writer(FORK_SECONDS)

    def resume(self) -> None:
        """In the parent after a fork: go on with what was queued meanwhile."""
        self._forking = False
        if not self._queue.empty():
            self._ensure_writer()

    def after_fork(self) -> None:
        """In a forked child: a queue, a writer and a segment of its own; what waited belongs to the parent."""
        self._held.clear()
        self.journal = Journal(self.folder, self.limits)
        self._fresh()

    def held(self) -> list[dict[str, Any]]:
        """Records that wait in memory because the disk refuses them; readers in this process add them."""
        return list(self._held)

    def status(self) -> dict[str, Any]:
        """Where it writes, how much was written, waits or was dropped, and what went wrong."""
        return {
            "folder": str(self.folder),
            "session": self.session,
            "recording": not (self.paused or self._closed),
            "segment": str(self.journal.path) if self.journal.path else None,
            **self._counts,
            "waiting": self._queue.qsize(),
            "in_memory": len(self._held),
            "faults": guard.faults(),
        }

    # --- writing --------------------------------------------------------------------------------------------------

    def _commit(self, record: dict[str, Any]) -> None:
        record = self._redacted(record)
        if self._held and not self._write_held():
            self._hold(record)
            return
        try:
            self.journal.append(record)
            self._counts["written"] += 1
        except Busy:
            self._enqueue(record)
        except OSError as error:
            guard.note("journal", f"{error.strerror or error} ({self.folder}); records wait in memory")
            self._retry_at = clock.monotonic() + RETRY
            self._hold(record)

    def _redacted(self, record: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.redactor.record(record)
        except Exception as error:  # never write what was not looked through
            guard.note("redact", error)
            envelope: dict[str, Any] = {key: record[key] for key in ("e", "s", "x", "i", "t") if key in record}
            return {**envelope, "m": "[not recorded: redaction failed]"}

    def _hold(self, record: dict[str, Any]) -> None:
        if len(self._held) == self._held.maxlen:
            self._counts["dropped"] += 1
        self._held.append(record)

    def _write_held(self, *, force: bool = False) -> bool:
        """Write what waited in memory, if it is time to try again; True when nothing waits any more.

        One thread does so at a time; what others have to write meanwhile waits behind.
        """
        if not self._held:
            return True
        if (not force and clock.monotonic() < self._retry_at) or not self._catching_up.acquire(blocking=False):
            return False
        try:
            while self._held:
                record = self._held[0]
                self.journal.append(record)
                self._counts["written"] += 1
                if self._held and self._held[0] is record:  # else it had to make room for a newer one meanwhile
                    self._held.popleft()
        except (OSError, Busy):
            self._retry_at = clock.monotonic() + RETRY
        finally:
            self._catching_up.release()
        return not self._held

    def _put_blob(self, body: bytes) -> None:
        try:
            self.blobs.put(body)
        except OSError as error:
            guard.note("blobs", f"{error.strerror or error} ({self.folder})")

    # --- the queue ------------------------------------------------------------------------------------------------

    def _enqueue(self, item: dict[str, Any] | Job) -> None:
        if self._closed:
            return
        if self._full():
            self._counts["dropped"] += 1
            return
        self._counts["queued"] += 1
        self._queue.put(item)
        self._ensure_writer()

    def _full(self) -> bool:
        return self._queue.qsize() >= self.limits.queue

    def _alive(self) -> bool:
        writer = self._writer
        return writer is not None and writer.is_alive()

    def _stop_writer(self, patience: float) -> None:
        """Have the writer end after what is queued, and wait `patience` seconds for that."""
        writer = self._writer
        if writer is not None and writer.is_alive() and writer is not threading.current_thread():
            self._queue.put(_stop)
            self._hurry.put(None)
            writer.join(patience)
            until_gone(writer)

    def _ensure_writer(self) -> None:
        if self._writer is not None or self._forking or self._closed or not self._start.acquire(blocking=False):
            return
        try:
            self._writer = threading.Thread(target=self._write_queue, name="agentlog-writer", daemon=True)
            self._writer.start()
        except RuntimeError:  # the interpreter is ending: no new threads, so write here
            self._writer = None
            self._drain_here()
        finally:
            self._start.release()

    def _write_queue(self) -> None:
        with suppress(_Stop):
            while True:
                first = self._queue.get()
                with suppress(Empty):
                    self._hurry.get(timeout=LINGER)
                self._work(first)
                self._drain()
        self._writer = None
        if not (self._forking or self._closed):  # the fork did not wait for so long
            self.resume()

    def _drain(self) -> None:
        with suppress(Empty):
            while True:
                self._work(self._queue.get_nowait())
        self._report_losses()

    def _drain_here(self) -> None:
        """Drain on the caller's thread, where there is no writer."""
        with suppress(_Stop):
            self._drain()

    def _work(self, item: dict[str, Any] | Job) -> None:
        try:
            if callable(item):
                item()
            else:
                self._commit(item)
        except _Stop:
            raise
        except Exception as error:
            guard.note("writer", error)

    def _report_losses(self) -> None:
        dropped = self._counts["dropped"]
        if dropped and dropped != self._counts.get("reported", 0):
            self._counts["reported"] = dropped
            event = RecorderFaulted(part="queue", reason="more events than the queue or the memory may hold", dropped=dropped)
            _stamp(event, self.session, lambda: None)
            self._commit(to_record(event))


class _Stop(Exception):
    """The writer thread is to end; the next queued event starts another."""


def _stop() -> None:
    raise _Stop


def until_gone(thread: threading.Thread) -> None:
    """Wait until the system has no thread either. Python says that one has ended while it still frees its memory, without the
    interpreter's lock: a child of that moment finds the lock of `tracemalloc` taken for ever (before 3.13, which joins truly)."""
    task, until = f"/proc/self/task/{thread.native_id}", clock.monotonic() + GONE_SECONDS
    while not thread.is_alive() and os.path.exists(task) and clock.monotonic() < until:
        time.sleep(0.0001)


def _stamp(event: Event, session: str, execution_of: Callable[[], str | None]) -> None:
    """Fill in what the caller left open. The event is fresh and not shared yet, so frozen may be bent here, once."""
    fill = object.__setattr__
    if not event.id:
        fill(event, "id", new_id())
    if not event.time:
        fill(event, "time", timestamp())
    if not event.session:
        fill(event, "session", session)
    if event.execution is None:
        fill(event, "execution", execution_of())


# --- one per process ----------------------------------------------------------------------------------------------

_current: Recorder | None = None


def current() -> Recorder | None:
    """The recorder of this process, if it records."""
    return _current


def start(settings: Settings | None = None) -> Recorder:
    """The recorder of this process, made on first use."""
    global _current
    if _current is None:
        _current = Recorder(settings or Settings.from_environment())
        atexit.register(stop)
    return _current


def stop() -> None:
    """Close the recorder of this process. Idempotent."""
    global _current
    if _current is not None:
        _current.close()
        _current = None
        atexit.unregister(stop)


def _before_fork() -> None:
    if _current is not None:
        _current.before_fork()


def _after_fork_in_parent() -> None:
    if _current is not None:
        _current.resume()


def _after_fork_in_child() -> None:
    if _current is not None:
        _current.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
