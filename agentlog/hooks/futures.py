"""Exceptions that end up in a `concurrent.futures.Future`: a result that nobody asks for hides its error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from agentlog.hooks.imports import when_imported
from agentlog.hooks.patching import Patch

_MODULE = "concurrent.futures._base"


class FutureWatch:
    """Reports an exception at the moment a future of this process gets it (origin "future")."""

    def __init__(self, report: Callable[[BaseException, str], None]) -> None:
        self._report = report
        self._patch: Patch | None = None

    def attach(self) -> None:
        """Begin, once the module is there."""
        when_imported(_MODULE, self._hook)

    def detach(self) -> None:
        """Report nothing any more."""
        if self._patch is not None:
            self._patch.undo()
            self._patch = None

    def _hook(self) -> None:
        def around(previous: Callable[..., Any]) -> Callable[..., Any]:
            def set_exception(future: Any, exception: BaseException | None) -> Any:
                if exception is not None and self._patch is not None:
                    self._report(exception, "future")
                return previous(future, exception)

            return set_exception

        self._patch = Patch(sys.modules[_MODULE].Future, "set_exception", around)
