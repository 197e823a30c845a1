"""Cells: an event before the code of each runs, and its errors and its end when it is done.

The hooks are IPython's `pre_run_cell` and `post_run_cell`. What is known about them and must not be forgotten:

- The number of a cell is certain only afterwards, and only where it is stored in the history.
- Cells nest (`%%capture`, `get_ipython().run_cell`), overlap on threads (subshells), and may end without a beginning
  (the cell that loads us, empty cells). So: one stack a thread, matched by the identity of `info`.
- An error that IPython displayed while the cell counted as ok is seen by `sys.last_value` having changed.
- A hook that raises can cost the user the reply. None of ours does.
"""

from __future__ import annotations

import _thread
import functools
import sys
import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

import IPython

from agentlog.clock import clock
from agentlog.describe import schema
from agentlog.events import ErrorRaised, ExecutionEnded, ExecutionStarted, Failure, Status, plain
from agentlog.frames import failure_of
from agentlog.guard import guarded
from agentlog.ids import new_id
from agentlog.processes import this_process
from agentlog.recorder import Recorder
from agentlog.stack import CellSource
from agentlog_ipy.cell import Cell, interrupted, is_own, task_if_async
from agentlog_ipy.memory import Memory
from agentlog_ipy.sources import TIMED, Sources, timed
from agentlog_ipy.whereabouts import Asked, Whereabouts

QUICK = 1.0
"""Milliseconds in which a cell cannot fill enough memory to be worth the two system calls of a look at it."""
COUNTED_BEFORE_HOOK = IPython.version_info[:2] >= (9, 8)
"""IPython 9.8 and later count a cell before `pre_run_cell`, earlier ones after it."""


class CellWatch:
    """The two hooks, and which file of code belongs to which execution."""

    def __init__(self, shell: Any, recorder: Recorder, whereabouts: Whereabouts) -> None:
        self.shell = shell
        self.recorder = recorder
        self.whereabouts = whereabouts
        self.kernel = getattr(shell, "kernel", None)
        self.sources = Sources(getattr(shell.compile, "_filename_map", {}))
        self.memory = Memory()
        self.recording = True
        self.started: list[Callable[[Cell], None]] = []
        self.ended: list[Callable[[Cell, Status], None]] = []
        self._threads = threading.local()
        self._numbers = count(1)
        self._named_by: str | None = None
        self._counts: deque[int] = deque(maxlen=500)
        self._latest: Cell | None = None
        self._pid = this_process()
        self._outer: Cell | None = None
        self._recorded, self._recorded_at = 0, 0.0
        self._recorded_by: Cell | None = None
        self._shown_before = id(_last_shown())
        self._hooks = {"pre_run_cell": _held(self.before), "post_run_cell": _held(self.after)}

    def attach(self) -> None:
        """Register the hooks; a cell that is running now (it loads us) is recorded from here."""
        for event, hook in self._hooks.items():
            self.shell.events.register(event, hook)
        if code := self.whereabouts.running_code():
            self._begin(None, code, True, self.whereabouts.asked(), self._stack())

    def detach(self) -> None:
        """Take the hooks away; cells that still run (the one that unloads us) end here."""
        for event, hook in self._hooks.items():
            if hook in self.shell.events.callbacks[event]:
                self.shell.events.unregister(event, hook)
        for cell in reversed(self._stack()):
            self._end(cell, "ok")
        self._stack().clear()
        self.memory.close()

    def current(self) -> Cell | None:
        """The innermost cell that runs on this thread."""
        stack = self._stack()
        return stack[-1] if stack else None

    def counts(self) -> list[int]:
        """Numbers of the cells that ran, newest first."""
        return list(reversed(self._counts))

    # --- the hooks ------------------------------------------------------------------------------------------------

    def before(self, info: Any) -> None:
        """`pre_run_cell`: the start is in the journal when this returns."""
        if not self.recording:
            return
        self._if_forked()
        stack, asked = self._stack(), self.whereabouts.asked(info)
        if stack and asked.request is not None and stack[-1].request != asked.request:
            self._lost(stack)
        if stack:
            self.sources.claim(stack[-1])
        self._begin(info, info.raw_cell, bool(info.store_history), asked, stack)

    def after(self, result: Any) -> None:
        """`post_run_cell`: error and end are in the journal when this returns. The cell's time ends here, before ours begins."""
        ended = clock.perf_counter()
        self._if_forked()
        stack = self._stack()
        if result is None:
            if stack and stack[-1].request == self.whereabouts.request() and stack[-1].request is not None:
                self._lost(stack)
            return
        cell = _began(stack, result.info)
        if cell is None:
            if not self.recording or self._outer is not None or not result.info.raw_cell.strip():
                return
            info = result.info
            cell = self._begin(info, info.raw_cell, bool(info.store_history), self.whereabouts.asked(info), stack)
        while stack and stack.pop() is not cell:
            pass
        cell.count = result.execution_count if cell.stored else None
        self.sources.claim(cell)
        if cell.count is not None and not cell.own:
            self._counts.append(cell.count)
        error = result.error_before_exec if result.error_before_exec is not None else result.error_in_exec
        self._end(cell, self._verdict(cell, error), result.result, ended)

    def latest(self) -> Cell | None:
        """The cell that runs on any thread, or ran last."""
        return self.current() or self._latest

    def _if_forked(self) -> None:
        """In a forked child the cells that were running are the parent's to end; ours run within them."""
        if self._pid != this_process():
            self._pid = this_process()
            self._outer = self.current() or self._outer
            self._threads = threading.local()

    # --- steps ------------------------------------------------------------------------------------------------------

    def _identity(self, asked: Asked) -> str:
        """The runner may have named the execution that its message asks for; nested cells and others get their own."""
        if asked.execution is None or asked.request == self._named_by:
            return new_id()
        self._named_by = asked.request
        return asked.execution

    def _begin(self, info: Any, source: str, stored: bool, asked: Asked, stack: list[Cell]) -> Cell:
        cell = Cell(
            self._identity(asked),
            source,
            info,
            asked.request,
            stored,
            stack[-1] if stack else self._outer,
            next(self._numbers),
            is_own(source),
        )
        stack.append(cell)
        self._latest = cell
        cell.last_value = id(_last_shown())
        cell.task = task_if_async()
        cell.count = self._expected_count() if stored else None
        cell.notebook = asked.notebook
        said = {
            "number": cell.number,
            "count": cell.count,
            "cell_id": asked.cell_id,
            "source": _cut(source, self.recorder.limits.source_chars),
            "notebook": cell.notebook,
            "request": asked.request,
            "within": cell.within.execution if cell.within else None,
            "own": cell.own,
            "internal": not stored and cell.within is None and self.kernel is not None,
            "thread": cell.thread,
            "rss": self.memory.resident,
        }
        self.recorder.record_plain(ExecutionStarted.kind, said, execution=cell.execution, id=cell.execution, now=True)
        for listener in self.started:
            listener(cell)
        cell.started = clock.perf_counter()
        return cell

    def _end(self, cell: Cell, status: Status, result: object = None, ended: float | None = None) -> None:
        spent = ((ended or clock.perf_counter()) - cell.started) * 1000
        peak = self.memory.look() if spent >= QUICK else None
        described = plain(schema(result)) if result is not None and not cell.own else None
        said = {
            "status": status,
            "count": cell.count,
            "ms": round(spent, 3),
            "rss": self.memory.resident,
            "peak": peak,
            "result": described,
        }
        self.recorder.record_plain(ExecutionEnded.kind, said, execution=cell.execution, now=True)
        cell.info = cell.task = None
        for listener in self.ended:
            listener(cell, status)

    def _lost(self, stack: list[Cell]) -> None:
        """Their ends never came: something stopped IPython itself."""
        while stack:
            self._end(stack.pop(), "interrupted")

    def _verdict(self, cell: Cell, error: BaseException | None) -> Status:
        if error is not None:
            self._raised(cell, error, "cell")
            return "interrupted" if interrupted(cell, error) else "error"
        shown = _last_shown()
        if shown is not None and id(shown) != cell.last_value and not self._is_anothers(shown, cell):
            self._raised(cell, shown, "shown")
            return "error_shown"
        return "ok"

    def _is_anothers(self, shown: BaseException, cell: Cell) -> bool:
        """Was it recorded since `cell` began as the error of one that runs beside it, in a subshell, and not within it?"""
        by = self._recorded_by if id(shown) == self._recorded and self._recorded_at > cell.started else None
        inner = by
        while inner is not None and inner is not cell:
            inner = inner.within
        return by is not None and inner is None

    def _raised(self, cell: Cell, error: BaseException, origin: str) -> None:
        """Record `error`; an outer cell that shows the error of an inner one gets the same description."""
        known = cell.failure if cell.seen == id(error) else None
        failure = self.record_error(error, origin, cell, known)
        if cell.within is not None:
            cell.within.seen, cell.within.failure = id(error), failure

    def record_error(self, error: BaseException, origin: str, cell: Cell | None, known: Failure | None = None) -> Failure:
        """Describe `error` while its objects live, and write it at once, as one of `cell` (None: of the session)."""
        begun = clock.perf_counter()
        failure = known or failure_of(error, cell_of=self.cell_of, namespace=self.shell.user_ns, limits=self.recorder.limits)
        spent = (clock.perf_counter() - begun) * 1000
        event = ErrorRaised(
            execution=cell.execution if cell else None,
            message=f"{failure.type}: {failure.message}",
            failure=failure,
            origin=origin,
            spent_ms=round(spent, 3),
        )
        self.recorder.record(event, now=True)
        self._recorded, self._recorded_by, self._recorded_at = id(error), cell, clock.perf_counter()
        return failure

    def record_left_over(self) -> None:
        """An error that IPython showed outside any cell (`ipython script.py`), if there is one."""
        shown = _last_shown()
        if shown is None or isinstance(shown, SystemExit) or not self.recording:
            return
        if id(shown) not in (self._recorded, self._shown_before):
            self.record_error(shown, "uncaught", None)

    def cell_of(self, file: str) -> CellSource | None:
        """The cell whose code was compiled under the name `file`."""
        running = self.latest()  # on a thread of the cell's own, no cell is current
        if running is not None:
            self.sources.claim(running)
            if file in TIMED:
                return timed(running)
        return self.sources.cell_of(file)

    def _expected_count(self) -> int:
        return int(self.shell.execution_count) - (1 if COUNTED_BEFORE_HOOK else 0)

    def _stack(self) -> list[Cell]:
        try:
            return self._threads.stack
        except AttributeError:
            self._threads.stack = []
            return self._threads.stack


def _began(stack: list[Cell], info: Any) -> Cell | None:
    """The innermost cell of `stack` that began with `info`; the one that loads us began without one."""
    for cell in reversed(stack):
        if cell.info is info or (cell.info is None and cell.source == info.raw_cell):
            return cell
    return None


def _cut(source: str, limit: int) -> str:
    return source if len(source) <= limit else f"{source[:limit]}\n# ... {len(source) - limit} characters cut"


def _held(hook: Callable[[Any], None]) -> Callable[[Any], None]:
    """The hook, holding back whatever it raises. An interrupt that hits us instead of the cell is sent once more."""
    safe = guarded("cells")(hook)

    @functools.wraps(hook)
    def called(argument: Any) -> None:
        try:
            safe(argument)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            threading.Timer(0.02, _thread.interrupt_main).start()

    return called


def _last_shown() -> Any:
    """The error that was displayed last. Before the first there is no such name: `getattr` makes an error of that and drops it,
    which takes 2 us up to Python 3.11."""
    return sys.__dict__.get("last_value")
