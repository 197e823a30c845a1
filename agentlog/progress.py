"""One line on stderr while something takes long, where a person looks at it; gone when it is done.

Only the command line turns it on: inside somebody's program nothing is said.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType

from agentlog.clock import clock

PATIENCE = 0.7
"""Seconds after which the line appears."""
EVERY = 0.1
"""Seconds between two looks of it."""
WIDTH = 24

enabled = False


class Progress:
    """`with Progress("reading", total) as done: done.add(n)`; both in the same unit."""

    def __init__(self, what: str, total: float) -> None:
        self._what, self._total, self._done = what, total, 0.0
        self._next = clock.monotonic() + PATIENCE
        self._shown = False
        self._on = enabled and total > 0 and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def add(self, amount: float) -> None:
        """So much more is done."""
        self._done += amount
        if self._on and clock.monotonic() >= self._next:
            self._show()

    def _show(self) -> None:
        share = min(self._done / self._total, 1.0)
        bar = "#" * round(WIDTH * share)
        sys.stderr.write(f"\r\x1b[K{self._what} [{bar:.<{WIDTH}}] {share:4.0%}")
        sys.stderr.flush()
        self._shown, self._next = True, clock.monotonic() + EVERY
