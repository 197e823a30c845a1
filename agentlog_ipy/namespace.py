"""What a cell did to the user's names, found after it ran: nothing is traced, rewritten or replaced.

Each name has a `Watched` state. After a cell one pass over the namespace finds what was made, rebound and deleted. What
may have been changed in place is compared by content: the names the cell's text or the functions it calls can change,
and every other name that shares a part or memory with one of them, cheapest first, within the time allowed. What could
not be compared in full is `unknown`, or `mutated` "by source" where the text says so. All other names are looked at in
turn in spare time (`rotate`), which finds what threads, callbacks and extensions do; such a change has `since`.

A large object is only read where that can tell something: not where its text says that it changes and there is nothing to
compare with, and not twice. What is missing for the next comparison is read when nobody waits (`catch_up`).
"""

from __future__ import annotations

import threading
from collections.abc import Set
from typing import Any

from agentlog.clock import clock
from agentlog.events import NamespaceChanged
from agentlog.guard import guarded
from agentlog.settings import Limits
from agentlog.static import CellNames, analyse
from agentlog_ipy.watch.candidates import candidates
from agentlog_ipy.watch.looks import Around, Look, allowed
from agentlog_ipy.watch.names_seen import NamesSeen
from agentlog_ipy.watch.reach import Reached, dropped, reach
from agentlog_ipy.watch.rotation import SPARE_MS, Rotation
from agentlog_ipy.watch.surroundings import Surroundings
from agentlog_ipy.watch.watched import Watched

_LONG = 0.002
"""Seconds: a name that the text says is changed is not read before the cell where that takes longer."""
_FRUITLESS = 5
"""Turns in a row without anything read that end reading: on a busy machine one may be over before it has begun."""


class NamespaceWatch:
    """Watches one shell's `user_ns`. `before(source)` and `after(source, execution)` stand around each cell."""

    def __init__(self, shell: Any, limits: Limits = Limits()) -> None:  # noqa: B008
        self._shell = shell
        self._limits = limits
        self._lock = threading.RLock()
        self._names = NamesSeen(shell)
        self._states = {name: Watched(value, None) for name, value in self._names.look()[0]}
        self._rotation = Rotation(self._states)
        self._surroundings = Surroundings()
        self._last: str | None = None
        self._told = False
        self._fruitless = 0
        self._around: Around | None = None

    @guarded("namespace")
    def before(self, source: str) -> None:
        """Make sure that what this cell may change in place can be compared afterwards. Costs nothing for most cells."""
        start = clock.perf_counter()
        with self._lock:
            names = analyse(source)
            reached, suspects = Reached(), frozenset[str]()
            if not names.trivial:
                reached = reach(self._shell.user_ns, names.loads | dropped(self._shell.user_ns, names))
                suspects = candidates(names, reached, self._states, self._shell.user_ns)
                self._measure(suspects, names, start + allowed(self._limits) / 2)
                self._surroundings.before(names, reached)
        began = clock.perf_counter()
        self._around = Around(reached, suspects, began, began - start)

    @guarded("namespace", NamespaceChanged(complete=False))
    def after(self, source: str, execution: str, *, ok: bool = True) -> NamespaceChanged:
        """What the cell `source` did. `ok`: it ran to its end, so that its in-place statements did run."""
        start = clock.perf_counter()
        with self._lock:
            names = analyse(source)
            around, self._around, self._fruitless = self._around or Around(), None, 0
            look = Look(self._shell.user_ns, self._states, names, execution, ok, self._limits, start, around)
            look.changes += self._rotation.take()
            bound, present = self._names.look()
            look.run(bound, present)
            if not names.trivial:
                look.changes += self._spare_time(look, execution)
            surroundings = self._surroundings_of(names, look.reached, max(look.deadline, clock.perf_counter() + 0.005))
            self._last = execution
            return look.result(surroundings, clock.perf_counter() - start + around.spent)

    @guarded("namespace")
    def rotate(self, budget_ms: float = SPARE_MS) -> NamespaceChanged | None:
        """Look at names nobody suspects, each in its turn, for `budget_ms`. What is found belongs to the last execution
        or one before it (`Change.since`); None where nothing was."""
        with self._lock:
            self._rotation.run(self._shell.user_ns, clock.perf_counter() + budget_ms / 1000, self._last)
            found = tuple(self._rotation.take())
            return NamespaceChanged(execution=self._last, changes=found) if found else None

    @guarded("namespace", False)
    def catch_up(self, budget_ms: float = SPARE_MS) -> bool:
        """Read for `budget_ms` what the next comparisons need, while nobody waits. Is it worth to go on?"""
        deadline = clock.perf_counter() + budget_ms / 1000
        with self._lock:
            todo = [(name, state) for name, state in self._states.items() if not state.has_baseline]
            todo.sort(key=lambda one: (one[1].cost > budget_ms / 1000, one[1].total))
            before = sum(state.known for _, state in todo)
            self._take_baselines(todo, deadline)
            self._fruitless = 0 if sum(state.known for _, state in todo) > before else self._fruitless + 1
            return self._fruitless < _FRUITLESS and any(not state.has_baseline for _, state in todo)

    def _measure(self, suspects: Set[str], names: CellNames, deadline: float) -> None:
        """Take the missing baselines of the candidates, but of those where it takes long and the text says that they change."""
        states = [(name, self._states[name]) for name in suspects if not self._states[name].has_baseline]
        todo = [(name, state) for name, state in states if name not in names.certain or state.seconds_to_baseline() <= _LONG]
        self._take_baselines(sorted(todo, key=lambda one: one[1].total), deadline)

    def _take_baselines(self, todo: list[tuple[str, Watched]], deadline: float) -> None:
        namespace = self._shell.user_ns
        for name, state in todo:
            if clock.perf_counter() >= deadline:
                return
            if name in namespace and state.is_object(namespace[name]) and not state.too_costly(deadline):
                state.measure(namespace[name], deadline)

    def _spare_time(self, look: Look, execution: str) -> list[Any]:
        self._rotation.run(self._shell.user_ns, min(look.deadline, clock.perf_counter() + look.spare()), execution)
        return self._rotation.take()

    @guarded("surroundings", {})
    def _surroundings_of(self, names: CellNames, reached: Reached, deadline: float) -> dict[str, str]:
        if names.trivial and self._told:
            return {}
        self._told = True
        return self._surroundings.after(names, reached, self._shell.user_ns, deadline)
