"""What cells print and display, taken from the taps and written by a thread of its own.

A tap only appends to a queue: a cell's output never waits for us. The worker gathers for a moment, then passes streams
through `Stream` and displays through `displayed`. Displays are barriers: text before one is written before it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from agentlog.clock import clock
from agentlog.events import StreamWritten
from agentlog.guard import guarded
from agentlog.ids import timestamp
from agentlog.processes import this_process
from agentlog.recorder import FORK_SECONDS, Recorder
from agentlog_ipy.background import Background
from agentlog_ipy.displays import displayed
from agentlog_ipy.streams import Piece, Stream

LINGER = 0.1
"""Seconds that output may wait for more of it."""
STALLED = 1.0
"""Seconds after which what is unfinished (a prompt, a hang, a progress bar) is written as it stands; twice as long each time
while it goes on,"""
LONGEST = 60.0
"""but never longer than this."""
MOST_WAITING = 100_000_000
"""Characters that may have come since the worker last looked; of more the first are only counted."""
REMEMBERED = 2_000
"""Cells that late output can still be told to belong to."""


@dataclass(slots=True, eq=False)
class Slot:
    """Outputs of one cell. `spoke`: anything came; `over`: its outputs are complete, what comes now is late.

    late, when: of the output that is being written; due: when what is unfinished is to be written as it stands (None: it is);
    patience: seconds from its first change to then.
    """

    execution: str | None
    spoke: bool = False
    over: bool = False
    late: bool = False
    when: float = 0.0
    due: float | None = None
    patience: float = field(default_factory=lambda: STALLED)
    streams: dict[str, Stream] = field(default_factory=dict)


Item = tuple[str, Slot, bool, Any, float]
"""("stream" | a message type | "end", whose, late, content, when it came)"""


class Outputs:
    """The queue between the taps and the store."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._loose = Slot(None)
        self._items: deque[Item] = deque()
        self._waiting = 0
        self._open: set[Slot] = set()
        self._fresh()

    def _fresh(self) -> None:
        """What a forked child must not share."""
        self._pid = this_process()
        self._lock = threading.Lock()
        self._worker = Background("agentlog-outputs", self._turn, self._until_due, linger=LINGER)

    def attach(self) -> None:
        """The worker starts with the first output."""
        global _attached
        _attached = self

    def detach(self) -> None:
        """Write what waits and stop the worker."""
        global _attached
        _attached = None
        self._if_forked()
        self._worker.stop(5)
        for slot in [*self._slots.values(), self._loose]:
            self._put("end", slot, None)
        self.drain()

    def before_fork(self) -> None:
        """Have no thread of ours while the process forks: it would be a hazard, and Python warns of it."""
        self._worker.stop(FORK_SECONDS)

    def resume(self) -> None:
        """In the parent after a fork."""
        self._worker.resume()
        if self._items or self._open:
            self._worker.wake()

    # --- the taps' side ---------------------------------------------------------------------------------------------

    def expect(self, request: str, execution: str) -> Slot:
        """Outputs that answer `request` belong to `execution` from now on."""
        slot = self._slots[request] = Slot(execution)
        while len(self._slots) > REMEMBERED:
            self._slots.popitem(last=False)
        return slot

    def slot(self, request: str | None) -> Slot:
        """Whose outputs answer `request`; those of nobody are kept with the session."""
        return self._slots.get(request or "", self._loose)

    def put(self, kind: str, slot: Slot, content: Any) -> None:
        """Take an output. Costs microseconds, never waits."""
        self._if_forked()
        if kind == "stream" and not isinstance(content.get("text"), str):
            return  # somebody's own message, and none that a front end could show
        slot.spoke = True
        self._put(kind, slot, content)
        self._worker.wake()

    def over(self, slot: Slot) -> None:
        """The outputs of the cell are complete."""
        slot.over = True
        if slot.spoke:
            self._put("end", slot, None)
            self._worker.wake()

    def _if_forked(self) -> None:
        """In a forked child what waits is the parent's to write, and its lock may be held for ever."""
        if self._pid != this_process():
            self._items.clear()
            self._open.clear()
            self._fresh()

    def _put(self, kind: str, slot: Slot, content: Any) -> None:
        self._items.append((kind, slot, slot.over, content, clock.time()))

    # --- the worker's side --------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Write everything that waits, but for lines that are still being written."""
        self._if_forked()
        with self._lock:
            items: list[Item] = []
            while self._items:
                items.append(self._items.popleft())
            self._waiting = sum(len(content["text"]) for kind, _, _, content, _ in items if kind == "stream")
            for item in _without_overtaken(items):
                self._take(*item)
            for slot in list(self._open):
                self._settle(slot, whole=False)

    @guarded("outputs")
    def _take(self, kind: str, slot: Slot, late: bool, content: Any, when: float) -> None:
        slot.late, slot.when = late, when
        if kind == "stream":
            self._open.add(slot)
            if slot.due is None:
                slot.due = clock.monotonic() + slot.patience
            self._feed(slot, content["name"], content["text"])
        elif kind == "end":
            slot.late = False  # what waited was written before
            self._end(slot)
        else:
            self._settle(slot, whole=True)
            event = displayed(kind, content, self._recorder, execution=slot.execution, late=late)
            if event is not None:
                self._recorder.record(replace(event, time=timestamp(when)), now=True)

    def _feed(self, slot: Slot, name: str, text: str) -> None:
        """To the stream `name` of the cell; finished lines of its other stream come first."""
        for other in slot.streams.values():
            if other.name != name:
                self._write(slot, other, other.settle(whole=False))
        if name not in slot.streams:
            slot.streams[name] = Stream(name, self._recorder.limits, self._recorder.redactor)
        slot.streams[name].feed(text, keep=self._waiting < MOST_WAITING)
        self._waiting -= len(text)

    def _settle(self, slot: Slot, *, whole: bool) -> None:
        for stream in slot.streams.values():
            self._write(slot, stream, stream.settle(whole=whole))
        if not slot.over and not any(stream.unfinished for stream in slot.streams.values()):
            self._open.discard(slot)
            slot.due, slot.patience = None, STALLED

    def _show(self, slot: Slot) -> None:
        slot.due, slot.patience = None, min(2 * slot.patience, LONGEST)
        for stream in slot.streams.values():
            text = stream.show()
            if text is not None:
                self._write(slot, stream, [(text, None)], unfinished=True)

    def _end(self, slot: Slot) -> None:
        for stream in slot.streams.values():
            self._write(slot, stream, stream.end())
        slot.streams.clear()
        slot.spoke, slot.due, slot.patience = False, None, STALLED
        self._open.discard(slot)

    def _write(self, slot: Slot, stream: Stream, pieces: Iterable[Piece], *, unfinished: bool = False) -> None:
        for text, whole in pieces:
            event = StreamWritten(
                execution=slot.execution,
                time=timestamp(slot.when),
                name=stream.name,
                text=text,
                blob=self._recorder.text_blob(whole) if whole is not None else None,
                size=len(whole) if whole is not None else None,
                late=slot.late,
                unfinished=unfinished,
            )
            self._recorder.record(event, now=True)

    # --- the worker -----------------------------------------------------------------------------------------------------

    @guarded("outputs")
    def _turn(self, came: bool) -> None:
        if came:
            self.drain()
        self._show_due()

    def _until_due(self) -> float | None:
        """Seconds until something is due; None: nothing is."""
        with self._lock:
            due = [slot.due for slot in self._open if slot.due is not None]
        return max(0.0, min(due) - clock.monotonic()) if due else None

    def _show_due(self) -> None:
        with self._lock:
            now = clock.monotonic()
            for slot in [slot for slot in self._open if slot.due is not None and slot.due <= now]:
                if slot.over:
                    self._end(slot)
                else:
                    self._show(slot)


def _without_overtaken(items: list[Item]) -> list[Item]:
    """Without displays that were cleared or updated before anybody could have looked: an animation is its last state."""
    kept: list[Item] = []
    cleared: set[Slot] = set()
    updated: set[tuple[Slot, str]] = set()
    for item in reversed(items):
        kind, slot, _, content, _ = item
        if kind == "clear_output":
            if slot in cleared:
                continue
            cleared.add(slot)
        elif kind in ("display_data", "update_display_data"):
            name = (content.get("transient") or {}).get("display_id")
            if slot in cleared or (kind == "update_display_data" and name and (slot, name) in updated):
                continue
            if name:
                updated.add((slot, name))
        kept.append(item)
    kept.reverse()
    return kept


# --- a fork -----------------------------------------------------------------------------------------------------------

_attached: Outputs | None = None
"""Those of this process."""


def _before_fork() -> None:
    if _attached is not None:
        _attached.before_fork()


def _after_fork_in_parent() -> None:
    if _attached is not None:
        _attached.resume()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)
