"""A service that fails a thousand times a second: the first errors of a kind in a minute are stored in full, the rest counted.

What is "of a kind" is decided before the error is described, by its type and the line that raised it: describing is what
costs. How many were only counted is written once a minute, and when the session ends.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass

from agentlog import peek
from agentlog.clock import clock
from agentlog.events import Logged
from agentlog.notes import described
from agentlog.recorder import Recorder
from agentlog.stack import traceback_of

MINUTE = 60.0
KINDS = 1_000
"""Kinds of errors that are counted at a time; beyond it the ones seen least recently are forgotten."""

Key = tuple[str, str, int]


@dataclass(slots=True)
class Slot:
    """One kind of error in the current minute. `hash`: of the one stored last."""

    key: Key
    since: float
    stored: int = 0
    counted: int = 0
    hash: str | None = None


class ErrorRate:
    """Counts the errors of one process."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked child does: what was counted is the parent's to say, and its lock may be held for ever."""
        self._slots: OrderedDict[Key, Slot] = OrderedDict()
        self._lock = threading.RLock()

    def admit(self, door: Recorder, error: BaseException) -> Slot | None:
        """The slot of `error` if it is to be stored in full, with its hash set by the caller then; None: it was counted."""
        limit, now = door.limits.errors_per_minute, clock.monotonic()
        with self._lock:
            slot = self._slot(door, key_of(error), now)
            if limit and slot.stored >= limit:
                slot.counted += 1
                return None
            slot.stored += 1
            return slot

    def report(self, door: Recorder, before: float | None = None) -> None:
        """Write how many were only counted, of minutes that began before the moment `before` (None: of all)."""
        with self._lock:
            over = [slot for slot in self._slots.values() if before is None or slot.since < before]
            for slot in over:
                del self._slots[slot.key]
        for slot in over:
            if slot.counted:
                _say(door, slot)

    def _slot(self, door: Recorder, key: Key, now: float) -> Slot:
        slot = self._slots.get(key)
        if slot is None or now - slot.since > MINUTE:
            self.report(door, now - MINUTE)
            slot = self._slots[key] = Slot(key, now)
            while len(self._slots) > KINDS:
                _, oldest = self._slots.popitem(last=False)
                if oldest.counted:
                    _say(door, oldest)
        self._slots.move_to_end(key)
        return slot


def key_of(error: BaseException) -> Key:
    """Type, file and line of where it was raised."""
    trace = traceback_of(error)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    kind = peek.class_name(type(error))
    return (kind, trace.tb_frame.f_code.co_filename, trace.tb_lineno or 0) if trace is not None else (kind, "", 0)


def _say(door: Recorder, slot: Slot) -> None:
    kind, file, line = slot.key
    where = f" at {file.rsplit('/', 1)[-1]}:{line}" if file else ""
    door.record(
        Logged(
            level="error",
            message=f"{kind}{where}: {slot.counted} more within a minute, counted and not stored in full",
            tags=("repeated",),
            data=described({"count": slot.counted, "hash": slot.hash}),
            file=file or None,
            line=line or None,
        )
    )


rate = ErrorRate()
"""The one of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=rate.forget)
