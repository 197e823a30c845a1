"""Children made by `multiprocessing`: their bootstrap prints an exception itself, no hook of the interpreter sees it.

The traceback it prints must show no frame of ours. Up to Python 3.12 the exception, on its way out of `run`, passes
`multiprocessing.util._exit_function`, called in a `finally`, where it can be looked at. From 3.13 that function runs
later, by `atexit`; there the child's `run` is wrapped, and the wrapper takes its own frame out of the traceback (a bare
`raise` keeps what the exception's `__traceback__` says). Then the child leaves by `os._exit`: what waits is written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from agentlog.hooks.imports import when_imported
from agentlog.hooks.patching import Patch

_MODULE = "multiprocessing.util"


class ProcessWatch:
    """Reports what a child's `run` raises (origin "child"), then calls `leave`: the child is about to end."""

    def __init__(self, report: Callable[[BaseException, str], None], leave: Callable[[], None]) -> None:
        self._report, self._leave = report, leave
        self._patches: list[Patch] = []

    def attach(self) -> None:
        """Begin, once the module is there."""
        when_imported(_MODULE, self._hook)

    def detach(self) -> None:
        """Report nothing any more."""
        while self._patches:
            self._patches.pop().undo()

    def _hook(self) -> None:
        self._patches.append(Patch(sys.modules[_MODULE], "_exit_function", self._around_exit))
        if sys.version_info >= (3, 13):
            self._patches.append(Patch(sys.modules["multiprocessing.process"].BaseProcess, "_bootstrap", self._around_bootstrap))

    def _around_exit(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def _exit_function(*args: Any, **kwargs: Any) -> Any:
            if self._patches and _in_child():
                self._ending(sys.exc_info()[1])
            return previous(*args, **kwargs)

        return _exit_function

    def _around_bootstrap(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def _bootstrap(process: Any, *args: Any, **kwargs: Any) -> Any:
            if self._patches:
                process.run = self._reporting(process.run)
            return previous(process, *args, **kwargs)

        return _bootstrap

    def _reporting(self, run: Callable[[], Any]) -> Callable[[], Any]:
        def reporting() -> Any:
            try:
                return run()
            except Exception as error:
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                self._report(error, "child")
                raise

        return reporting

    def _ending(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, SystemExit):
            self._report(error, "child")
        self._leave()


def _in_child() -> bool:
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None
