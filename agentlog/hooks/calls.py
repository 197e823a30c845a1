"""The last calls of the user's own functions: arguments and return values, described and bounded. Off by default.

    AGENTLOG_CALLS=mypackage,other python app.py            %agentlog calls on       (functions defined in cells)

By `sys.monitoring` where Python has it (3.12): code that is not asked for is told once and costs nothing afterwards. Else
by `sys.setprofile`, which every call and return of the program passes; not where another profiler is at work. Arguments
are described when a function starts, for it may change them; a call that raised has no return value and is not kept.
"""

from __future__ import annotations

import dis
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from agentlog import guard, peek
from agentlog.describe import describe
from agentlog.events import Value
from agentlog.settings import Limits
from agentlog.stack import empty_snapshot

VARIABLE = "AGENTLOG_CALLS"
SMALL = Limits(items=6, columns=12, depth=2, text_chars=160)
"""How much of an argument or return value is kept."""
FUNCTIONS = 300
"""Functions whose calls are kept, the latest called."""
EACH = 4
"""Calls kept of one function, the latest: a busy function does not push out the others."""
ARGUMENTS = 8
WAITING = 5_000
"""Calls that have started and not returned; beyond it those that raised are forgotten."""
_BITS = 128
"""An int with more of them is no small number."""
_TOOL = "agentlog"
_RETURNS = {dis.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in dis.opmap}

Known = Value | int | float | bool | None
"""A description, or a small number as it is."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that returned. `number` counts all calls that were seen, in the order in which they returned."""

    number: int
    module: str
    function: str
    arguments: tuple[tuple[str, Known], ...]
    omitted: int
    result: Known


class CallWatch:
    """Keeps the last calls of the functions of `packages` ("__main__" for a script and for cells)."""

    def __init__(self, packages: Iterable[str]) -> None:
        self.packages = tuple(dict.fromkeys(name.strip() for name in packages if name.strip()))
        self._kept: OrderedDict[int, tuple[CodeType, deque[Call]]] = OrderedDict()
        self._started: dict[int, tuple[CodeType, tuple[tuple[str, Known], ...], int]] = {}
        self._wanted: dict[int, tuple[CodeType, bool]] = {}
        self._number = 0
        self._detach: Callable[[], None] | None = None

    def attach(self) -> None:
        """Begin to watch. Raises nothing; where it cannot, that is noted."""
        self._detach = self._monitor() if sys.version_info >= (3, 12) else self._profile()

    def detach(self) -> None:
        """Watch nothing any more; what was kept can still be read."""
        if self._detach is not None:
            self._detach()
            self._detach = None

    @property
    def on(self) -> bool:
        return self._detach is not None

    def calls(self) -> list[Call]:
        """What is kept, the latest first."""
        return sorted((call for _, kept in list(self._kept.values()) for call in list(kept)), key=lambda call: -call.number)

    # --- the two ways to watch ------------------------------------------------------------------------------------

    def _monitor(self) -> Callable[[], None] | None:
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        free = next((number for number in (4, 3, 1) if monitoring.get_tool(number) is None), None)
        if free is None:
            guard.note("calls", "every tool id of sys.monitoring is taken")
            return None
        events = monitoring.events
        monitoring.use_tool_id(free, _TOOL)
        disable = monitoring.DISABLE

        def start(code: CodeType, _: int) -> object:
            frame = sys._getframe(1)
            if not self._is_wanted(frame, code):
                return disable
            self._begin(frame, code)
            empty_snapshot(frame)
            return None

        def end(code: CodeType, _: int, result: object) -> object:
            frame = sys._getframe(1)
            if not self._is_wanted(frame, code):
                return disable
            self._end(frame, code, result)
            return None

        monitoring.register_callback(free, events.PY_START, start)
        monitoring.register_callback(free, events.PY_RETURN, end)
        monitoring.set_events(free, events.PY_START | events.PY_RETURN)
        monitoring.restart_events()

        def stop() -> None:
            monitoring.set_events(free, 0)
            for event in (events.PY_START, events.PY_RETURN):
                monitoring.register_callback(free, event, None)
            monitoring.free_tool_id(free)

        return stop

    def _profile(self) -> Callable[[], None] | None:
        if sys.getprofile() is not None:
            guard.note("calls", "another profiler is at work (sys.getprofile)")
            return None

        def profile(frame: FrameType, event: str, result: object) -> None:
            if event == "call" and self._is_wanted(frame, frame.f_code):
                self._begin(frame, frame.f_code)
            elif event == "return" and id(frame) in self._started:
                if result is None and not _returned(frame):
                    self._started.pop(id(frame), None)
                self._end(frame, frame.f_code, result)

        before = getattr(threading, "_profile_hook", None)
        threading.setprofile(profile)
        sys.setprofile(profile)

        def stop() -> None:
            if sys.getprofile() is profile:
                sys.setprofile(None)
            if getattr(threading, "_profile_hook", None) is profile:
                threading.setprofile(before)

        return stop

    # --- keeping --------------------------------------------------------------------------------------------------

    def _is_wanted(self, frame: FrameType, code: CodeType) -> bool:
        known = self._wanted.get(id(code))
        if known is None:
            if len(self._wanted) > WAITING:
                self._wanted.clear()
            known = self._wanted[id(code)] = (code, self._asked_for(frame, code))
        return known[1]

    def _asked_for(self, frame: FrameType, code: CodeType) -> bool:
        name = frame.f_globals.get("__name__")
        if type(name) is not str or code.co_name.startswith("<") or name.partition(".")[0] in ("agentlog", "agentlog_ipy"):
            return False
        return any(name == package or name.startswith(f"{package}.") for package in self.packages)

    def _begin(self, frame: FrameType, code: CodeType) -> None:
        try:
            if len(self._started) > WAITING:
                self._started.clear()
            count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
            names = code.co_varnames[:count]
            local = frame.f_locals
            arguments = tuple((name, _known(local[name])) for name in names[:ARGUMENTS] if name in local)
            self._started[id(frame)] = code, arguments, max(0, count - ARGUMENTS)
        except Exception as error:
            _note(error)

    def _end(self, frame: FrameType, code: CodeType, result: object) -> None:
        try:
            started = self._started.pop(id(frame), None)
            if started is None or started[0] is not code:  # a frame that raised, whose place another one took
                return
            name = frame.f_globals.get("__name__")
            self._number += 1
            call = Call(self._number, str(name), getattr(code, "co_qualname", code.co_name), *started[1:], _known(result))
            kept = self._kept.get(id(code))
            if kept is None:
                kept = self._kept[id(code)] = (code, deque(maxlen=EACH))
                while len(self._kept) > FUNCTIONS:
                    self._kept.popitem(last=False)
            kept[1].append(call)
            self._kept.move_to_end(id(code))
        except Exception as error:
            _note(error)


def _known(value: object) -> Known:
    """A small number as it is, anything else described now: nothing of the user's is kept alive."""
    if value is None or peek.exactly(value, bool, float) or (type(value) is int and value.bit_length() <= _BITS):
        return value  # type: ignore[return-value]
    return describe(value, SMALL)


def as_value(known: Known) -> Value:
    """The description of what was kept."""
    return known if isinstance(known, Value) else describe(known, SMALL)


def _returned(frame: FrameType) -> bool:
    """Did a frame that "returns" None do so, rather than raise?"""
    code = frame.f_code.co_code
    return 0 <= frame.f_lasti < len(code) and code[frame.f_lasti] in _RETURNS


def _note(error: Exception) -> None:
    if not isinstance(error, RecursionError):  # the user's own depth
        guard.note("calls", error)


# --- one per process ----------------------------------------------------------------------------------------------

_watch: CallWatch | None = None


def watch(packages: Iterable[str]) -> CallWatch:
    """Watch `packages` from here on, instead of those before."""
    global _watch
    stop()
    _watch = CallWatch(packages)
    _watch.attach()
    return _watch


def stop() -> None:
    """Watch nothing any more. Idempotent."""
    if _watch is not None:
        _watch.detach()


def watched() -> CallWatch | None:
    """What watches, or watched last."""
    return _watch


def watch_if_asked() -> None:
    """Watch what AGENTLOG_CALLS names."""
    names = os.environ.get(VARIABLE, "")
    if names.strip():
        watch(names.split(","))
