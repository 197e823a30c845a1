"""Exceptions that nobody catches, seen by the interpreter's own hooks: main thread, threads, `__del__`, asyncio.

Each hook is chained: it reports, then calls the one that was there, so that what the user sees stays as it was.
`asyncio` is watched by its loops' `call_exception_handler`, which every loop of the standard library inherits: the
loop's own handler stays what the user made it. Loops written in C (uvloop) are not seen.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from agentlog import guard
from agentlog.hooks.patching import Patch

Report = Callable[[BaseException, str], None]
"""Takes an exception and where it surfaced: "uncaught" | "thread" | "unraisable" | "asyncio"."""


class ExceptionHooks:
    """The hooks of this process. `report` must be quick; what it raises is held back.

    uncaught    also hook sys.excepthook (IPython shows errors of cells itself: leave it off there)
    """

    def __init__(self, report: Report, *, uncaught: bool = True) -> None:
        self._report = report
        self._uncaught = uncaught
        self._patches: list[Patch] = []
        self._on = self._loops = False

    def attach(self) -> None:
        """Hook what is there now. asyncio only where it was imported: call `attach_asyncio` once it is."""
        self._on = True
        if self._uncaught:
            self._chain(sys, "excepthook", "uncaught", lambda kind, error, trace: error)
        self._chain(threading, "excepthook", "thread", lambda args: args.exc_value)
        self._chain(sys, "unraisablehook", "unraisable", lambda args: args.exc_value)
        self.attach_asyncio()

    def attach_asyncio(self) -> None:
        """Watch the event loops, if asyncio was imported. Idempotent."""
        events = sys.modules.get("asyncio.base_events")
        loop = getattr(events, "BaseEventLoop", None)
        if loop is not None and not self._loops:
            self._loops = True
            self._chain(loop, "call_exception_handler", "asyncio", lambda loop, context: context.get("exception"))

    def detach(self) -> None:
        """Put back what was there; where somebody hooked in after us, ours stays below theirs and only passes on."""
        self._on = self._loops = False
        while self._patches:
            self._patches.pop().undo()

    def _chain(self, owner: object, name: str, origin: str, error_of: Callable[..., BaseException | None]) -> None:
        def around(previous: Callable[..., Any]) -> Callable[..., Any]:
            def hook(*args: Any, **kwargs: Any) -> Any:
                if self._on:
                    self._tell(origin, error_of, args, kwargs)
                return previous(*args, **kwargs)

            return hook

        self._patches.append(Patch(owner, name, around))

    def _tell(self, origin: str, error_of: Callable[..., BaseException | None], args: Any, kwargs: Any) -> None:
        try:
            error = error_of(*args, **kwargs)
            if error is not None and not isinstance(error, SystemExit):
                self._report(error, origin)
        except Exception as fault:
            guard.note("exceptions", fault)
