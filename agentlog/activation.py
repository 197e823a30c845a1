"""Recording in any Python program: switched on by the environment, or by `enable()` in code.

`boot` is called by `agentlog.pth` at the start of every Python of this environment, and does nothing unless AGENTLOG
says so. Interpreters that run a kernel or IPython are left to their own start-up file: the IPython side takes over,
without a second session. Installers and helper processes of the standard library are not programs worth recording.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from agentlog import guard, recorder, session
from agentlog.clock import clock
from agentlog.events import ErrorRaised
from agentlog.frames import failure_of
from agentlog.guard import guarded
from agentlog.hooks.exceptions import ExceptionHooks
from agentlog.hooks.fatal import FaultFile
from agentlog.hooks.futures import FutureWatch
from agentlog.hooks.imports import forget_imports, when_imported
from agentlog.hooks.logs import LogWatch
from agentlog.hooks.processes import ProcessWatch
from agentlog.hooks.warns import WarningWatch
from agentlog.rates import rate
from agentlog.settings import Settings, parse_limits, switched_on

_NOT_PROGRAMS = frozenset(
    {"pip", "venv", "ensurepip", "virtualenv", "agentlog", "ipykernel_launcher", "ipykernel", "IPython", "jupyter"}
)
_NOT_SCRIPTS = re.compile(
    r"(?:(?:pip|ipython|jupyter|agentlog|papermill|uvx?|hatch)(?:[\d.]*|-[\w-]*)|__pip-runner__\.py)(?:\.exe)?", re.I
)
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


class ProcessRecording:
    """Everything of ours that hangs on a plain Python process."""

    def __init__(self, settings: Settings) -> None:
        self.recorder = recorder.start(settings)
        self._hooks = ExceptionHooks(self.report)
        self._parts: list[Attachable] = [
            FaultFile(self.recorder),
            self._hooks,
            LogWatch(self.recorder, self.report),
            WarningWatch(self.recorder),
            ProcessWatch(self.report, self._child_leaves),
            FutureWatch(self.report),
        ]
        self._failed = False
        self._last: tuple[int, str] = (0, "")
        self._pid = os.getpid()
        self._attached: list[Attachable] = []

    def attach(self) -> None:
        """Begin the session, then hang on each part; one that fails is noted and left out."""
        if not self.recorder.session:
            session.begin(self.recorder, life="process")
        for part in self._parts:
            _attach(part, self._attached)
        when_imported("asyncio.base_events", self._hooks.attach_asyncio)
        atexit.register(self._leave)

    def detach(self) -> None:
        """Take everything away again."""
        atexit.unregister(self._leave)
        forget_imports()
        while self._attached:
            _detach(self._attached.pop())

    @guarded("errors")
    def report(self, error: BaseException, origin: str) -> None:
        """Record an exception that surfaced at `origin`, while its objects live."""
        if origin == "logging" and self._last == (id(error), "asyncio"):
            return  # asyncio's own handler logs what it was just told
        self._last = (id(error), origin)
        self._failed = self._failed or origin in ("uncaught", "child")
        slot = rate.admit(self.recorder, error)
        if slot is None:
            return
        started = clock.perf_counter()
        failure = failure_of(error, limits=self.recorder.limits)
        slot.hash = failure.hash
        spent = round((clock.perf_counter() - started) * 1000, 3)
        message = failure.title
        level = "error" if origin != "future" else "warning"
        self.recorder.record(ErrorRaised(message=message, failure=failure, origin=origin, level=level, spent_ms=spent), now=True)

    def _leave(self) -> None:
        """The interpreter ends in order: was it by an exception that a later hook kept from us?"""
        last = getattr(sys, "last_value", None) if "_pytest.runner" not in sys.modules else None  # pytest sets it for each test
        if not self._failed and last is not None and not isinstance(last, SystemExit):
            self.report(last, "uncaught")
        self.detach()
        self._end()

    def _child_leaves(self) -> None:
        """A child of multiprocessing ends: its session where it has one (spawn), else what it wrote (fork)."""
        if os.getpid() == self._pid:
            self._end()
        else:
            recorder.stop()

    def _end(self) -> None:
        session.end(self.recorder, "failed" if self._failed else "exit")
        recorder.stop()


class Attachable(Protocol):
    """What can be hung on a process and taken away again."""

    def attach(self) -> None: ...

    def detach(self) -> None: ...


_process: ProcessRecording | None = None


def enable(**limits: float) -> bool:
    """Start recording in this process, as AGENTLOG=true would; True when it records now.

    In IPython and kernels it loads the extension. `limits`: fields of `settings.Limits`.
    """
    shell = _running_shell()
    if shell is not None:
        return _load_extension(shell)
    return _begin(_with_limits(Settings.from_environment(), limits))


def disable() -> None:
    """Stop recording in this process and take every hook away. Idempotent."""
    global _process
    shell = _running_shell()
    if shell is not None:
        _unload_extension(shell)
    if _process is not None:
        ours, _process = _process, None
        ours.detach()
        session.end(ours.recorder, "disabled")
        recorder.stop()


def is_enabled() -> bool:
    """Does this process record?"""
    door = recorder.current()
    return door is not None and not door.paused


def configure(*, budget: str | None = None, **limits: float) -> None:
    """Change limits of the running recorder: `configure(items=50)`; `budget`: see `allowance`. Raises UsageError for an unknown one."""
    door = recorder.current()
    if door is not None and budget is not None:
        from agentlog.costs.allowance import attach

        attach(door, budget)
    if door is not None:
        door.limits = _with_limits(door.settings, limits).limits


def release() -> None:
    """The IPython side takes over: give up the process's hooks, keep its recorder and session."""
    global _process
    if _process is not None:
        ours, _process = _process, None
        ours.detach()


def boot() -> None:
    """What `agentlog.pth` calls when AGENTLOG is on. Never raises: a Python that cannot start is worse than any loss."""
    try:
        if switched_on() and is_program(getattr(sys, "orig_argv", sys.argv)):
            _begin(Settings.from_environment())
    except Exception as error:
        guard.note("boot", error)


def is_program(words: list[str]) -> bool:
    """Is `words` (sys.orig_argv) a program of the user's that plain recording should cover?"""
    rest = words[1:]
    for number, word in enumerate(rest):
        following = rest[number + 1] if number + 1 < len(rest) else ""
        if word == "-m":
            return following.split(".")[0] not in _NOT_PROGRAMS
        if word == "-c":
            return not any(helper in following for helper in _HELPERS)
        if not word.startswith("-"):
            return _NOT_SCRIPTS.fullmatch(Path(word).name) is None
    return False


def _begin(settings: Settings) -> bool:
    global _process
    if recorder.current() is None:
        import agentlog.verbs  # noqa: F401  (a signal handler that logs must not meet it half imported)

        _process = ProcessRecording(replace(settings, enabled=True))
        _process.attach()
    return True


def _with_limits(settings: Settings, limits: dict[str, float]) -> Settings:
    text = ",".join(f"{name}={number}" for name, number in limits.items())
    return replace(settings, limits=parse_limits(text, settings.limits))


def _running_shell() -> object | None:
    ipython = sys.modules.get("IPython")
    find = getattr(ipython, "get_ipython", None)
    return find() if find is not None else None


def _load_extension(shell: object) -> bool:
    from importlib import import_module

    import_module("agentlog_ipy.extension").load(shell)
    return True


def _unload_extension(shell: object) -> None:
    from importlib import import_module

    import_module("agentlog_ipy.extension").unload(shell)


@guarded("attach")
def _attach(part: Attachable, attached: list[Attachable]) -> None:
    attached.append(part)
    part.attach()


@guarded("detach")
def _detach(part: Attachable) -> None:
    part.detach()
