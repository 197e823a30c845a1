"""A thread that works when something came or is due; none is there while nothing came yet, or the process forks."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agentlog.recorder import until_gone


class Background:
    """Calls `turn(came)` on a thread of its own: `linger` seconds after a `wake` (came: True), and `due()` seconds after the last
    turn (False; None: nothing is due). Neither may raise."""

    def __init__(self, name: str, turn: Callable[[bool], None], due: Callable[[], float | None], *, linger: float) -> None:
        self._name, self._turn, self._due, self._linger = name, turn, due, linger
        self._came = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._may_run = True

    def wake(self) -> None:
        """Something came. Costs a microsecond while the thread is there."""
        if not self._came.is_set():
            self._came.set()
        if self._thread is None and self._may_run:
            self._start()

    def stop(self, patience: float) -> None:
        """Have no thread until `resume`: wait `patience` seconds for the turn that is being done."""
        self._may_run = False
        self._over.set()
        self._came.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(patience)
            until_gone(thread)

    def resume(self) -> None:
        """After `stop`: the next `wake` starts a thread again."""
        self._may_run = True

    def _start(self) -> None:
        self._over = threading.Event()
        thread = self._thread = threading.Thread(target=self._work, args=(self._over,), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending
            self._thread = None

    def _work(self, over: threading.Event) -> None:
        while not over.is_set():
            came = self._came.wait(self._due())
            if came:
                over.wait(self._linger)
                self._came.clear()
            self._turn(came)
