"""Work that a cell's reply need not wait for: what the cell changed in the namespace, what it imported.

In a kernel it is done when the loop of the kernel is free again after the cell's last message, at the latest before
the next cell; elsewhere at the end of the cell.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

from agentlog import session as sessions
from agentlog import workspace
from agentlog.clock import clock
from agentlog.events import NamespaceChanged, Status
from agentlog.guard import guarded
from agentlog.recorder import Recorder
from agentlog.static import analyse
from agentlog_ipy.cell import Cell
from agentlog_ipy.namespace import NamespaceWatch

REST = 0.1
"""Seconds without another cell after which there is time to look around."""
BREATH = 0.003
"""Seconds between two turns of reading what the next comparisons need: a message that came is answered first."""
_AT_ONCE = 200
"""Changes of a cell that are written before the next one."""
PAUSE = 0.0005
"""Seconds between a cell's last message and our work, for the threads that send the message."""


class Afterwards:
    """Looks at the namespace around each outermost cell of the main thread."""

    def __init__(self, shell: Any, recorder: Recorder, notebook: str | None) -> None:
        self._shell = shell
        self._recorder = recorder
        self._watch = NamespaceWatch(shell, recorder.limits)
        self._loop = getattr(getattr(shell, "kernel", None), "io_loop", None)
        self._owed: Cell | None = None
        self._latest: Cell | None = None
        self._ok = self._looking = True
        self._resting: tuple[Cell, float] | None = None
        self._modules = len(sys.modules)
        self._packages = sessions.packages_loaded()
        self._notebook = notebook
        self._look_after: str | None = None

    def attach(self) -> None:
        """Nothing to hang on: cells and tap call."""

    def detach(self) -> None:
        """Settle what is owed; what was planned for later finds that nothing is."""
        self.settle()
        self._latest = self._resting = None

    @guarded("namespace")
    def resume(self) -> None:
        """Recording goes on after a pause: what came meanwhile is nobody's doing that was seen."""
        self._owed, self._watch = None, NamespaceWatch(self._shell, self._recorder.limits)

    @guarded("namespace")
    def started(self, cell: Cell) -> None:
        """Before a cell runs: settle what is owed, look at the namespace. A cell like `pass` needs no look."""
        if _looked_at(cell):
            self._latest = cell
            if self._owed is not None:
                self.settle()
            self._looking = not analyse(cell.source).trivial
            if self._looking:
                self._watch.before(cell.source)

    @guarded("namespace")
    def ended(self, cell: Cell, status: Status) -> None:
        """After a cell ran: there is something to do, now or soon."""
        if not self._looking or not _looked_at(cell):
            return
        self._owed, self._ok = cell, status == "ok"
        if self._loop is None:
            self.settle()

    def idle(self) -> None:
        """The cell's last message was sent."""
        if self._owed is not None and self._loop is not None:
            self._loop.call_later(PAUSE, self.settle)
            if self._resting is None:
                self._loop.call_later(REST, self._rested)
            self._resting = self._owed, clock.monotonic()

    @guarded("namespace")
    def _rested(self) -> None:
        """Once for all cells that came since: a timer for each would be a turn of the loop for each."""
        if self._resting is None or self._loop is None:
            return
        cell, since = self._resting
        left = since + REST - clock.monotonic()
        if left > 0:
            self._loop.call_later(left, self._rested)
            return
        self._resting = None
        self._look_around(cell)

    @guarded("namespace")
    def _look_around(self, cell: Cell) -> None:
        """Nobody asked for anything for a while: look at names that no cell is suspected of having changed."""
        if self._owed is None and self._latest is cell:
            found = self._watch.rotate()
            if found is not None:
                self._recorder.record(found)
            self._catch_up(cell)

    @guarded("namespace")
    def _catch_up(self, cell: Cell) -> None:
        """Read the large objects that the next cells may be compared with, a turn at a time, until somebody wants something."""
        loop = self._loop
        if loop is not None and self._owed is None and self._latest is cell and self._watch.catch_up():
            loop.call_later(BREATH, lambda: self._catch_up(cell))

    @guarded("namespace")
    def settle(self) -> None:
        """Do what is owed for the cell that ran last."""
        cell, self._owed = self._owed, None
        if cell is None:
            return
        changed = self._watch.after(cell.source, cell.execution, ok=self._ok)
        if changed.changes or changed.reads or changed.writes or changed.surroundings or not changed.complete:
            self._record(changed)
        self._learn(cell.notebook)
        if not self._ok or self._look_after is None:
            self._look_after = cell.execution
            self._recorder.later(lambda: self._look_at_workspace(cell.execution))

    def _record(self, changed: NamespaceChanged) -> None:
        """At once, for a context asked for right after the next cell must know it; of thousands of names the first."""
        first = replace(changed, changes=changed.changes[:_AT_ONCE]) if len(changed.changes) > _AT_ONCE else changed
        self._recorder.record(first, now=True)
        for start in range(_AT_ONCE, len(changed.changes), _AT_ONCE):
            self._recorder.record(
                NamespaceChanged(execution=changed.execution, changes=changed.changes[start : start + _AT_ONCE])
            )

    def _look_at_workspace(self, execution: str) -> None:
        """On the writer's thread, after the first cell and after each that failed: what git says is not committed. Of cells
        that fail faster than git answers, the last one's look is everyone's."""
        if execution != self._look_after:
            return
        seen = workspace.look(os.getcwd())
        if seen is not None:
            self._recorder.record(replace(seen, execution=execution))

    def _learn(self, notebook: str | None) -> None:
        """Packages imported since, and the notebook's path once it is known or has changed."""
        fresh = notebook if notebook != self._notebook else None
        if fresh is not None or len(sys.modules) != self._modules:
            self._modules, self._notebook = len(sys.modules), notebook
            self._recorder.later(lambda: self._record_learned(fresh))

    def _record_learned(self, notebook: str | None) -> None:
        self._packages = sessions.learn(self._recorder, self._packages, notebook=notebook)


def _looked_at(cell: Cell) -> bool:
    return cell.within is None and not cell.own and cell.thread is None
