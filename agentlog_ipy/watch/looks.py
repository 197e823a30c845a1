"""One look at the namespace after one cell: what was bound, deleted, changed in place, within the time allowed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from agentlog.clock import clock, crowd
from agentlog.events import Change, NamespaceChanged, Value
from agentlog.settings import Limits
from agentlog.static import CellNames
from agentlog_ipy.watch.candidates import candidates
from agentlog_ipy.watch.reach import Reached, reach
from agentlog_ipy.watch.rotation import SPARE_MS, changed
from agentlog_ipy.watch.watched import Verdict, Watched

_SPARE_SHARE, _LEAST_SPARE_MS = 0.005, 0.03
_LONGEST = 1.5
"""Seconds that a look may take after the longest cell."""
_VERSIONS = 200
_MOST_UNKNOWN = 200
"""Names said to be unknown; of more, that the look was not complete says it."""
_CROWDED = 3.0
"""Times `namespace_ms` that a look may take by the clock at most, on a machine where others compute."""
_COMPARING = 0.8
"""Of the time allowed, what comparing may take: to say what was found takes time too."""


def allowed(limits: Limits) -> float:
    """Seconds by the clock that a look may take after a short cell."""
    return limits.namespace_ms / 1000 * min(crowd(), _CROWDED)


@dataclass(frozen=True, slots=True)
class Around:
    """What was found before the cell ran; `began`, `spent`: seconds (clock.perf_counter())."""

    reached: Reached | None = None
    suspects: frozenset[str] = frozenset()
    began: float = 0.0
    spent: float = 0.0


@dataclass(slots=True)
class Look:
    """`run`, then `result`. `states` are brought up to date; `ok`: the cell ran to its end."""

    namespace: Mapping[str, Any]
    states: dict[str, Watched]
    names: CellNames
    execution: str
    ok: bool
    limits: Limits
    start: float
    around: Around
    changes: list[Change] = field(default_factory=list)
    complete: bool = True
    unknown: int = 0
    own: float = 0.0
    deadline: float = 0.0
    reached: Reached = field(default_factory=Reached)
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.own = self.start - self.around.began if self.around.began else 0.0
        share = min(self.limits.namespace_share * self.own, _LONGEST)
        self.deadline = self.start + max(_COMPARING * max(allowed(self.limits), share) - self.around.spent, 0.001)

    def run(self, bound: list[tuple[str, Any]], present: Set[str] | None) -> None:
        """`bound`: names that stand for another object now; `present`: all there are, where some are gone."""
        used = self._uses_what_it_bound(bound)
        if not self.names.trivial:
            known = self.around.reached if not used else None
            self.reached = known if known is not None else reach(self.namespace, self.names.loads)
            self.versions = self._versions()
        fresh = {name for name, value in bound if self._is_another(name, value)}
        for name, value in bound:
            if name in fresh:
                self._bound(name, value)
        if present is not None:
            self._gone(present)
        if not self.names.trivial:
            self._compare(fresh, used)

    def _uses_what_it_bound(self, bound: list[tuple[str, Any]]) -> bool:
        """Was anything bound that the cell, or a function it calls, also reads? Then what was found before it ran is old."""
        reads = self.around.reached.reads if self.around.reached is not None else frozenset()
        return any(name in self.names.loads or name in reads for name, _ in bound)

    def _versions(self) -> dict[str, str]:
        """Which execution last wrote what this cell read: as it was before the cell changed anything."""
        states = self.states
        read = (self.names.reads | self.reached.reads) & states.keys()
        return {name: writer for name in sorted(read)[:_VERSIONS] if (writer := states[name].writer) is not None}

    def _is_another(self, name: str, value: object) -> bool:
        state = self.states.get(name)
        return state is None or not state.is_object(value)

    def _bound(self, name: str, value: Any) -> None:
        state = self.states.get(name)
        old = state.facts if state is not None else None
        if state is None:
            state = self.states[name] = Watched(value, self.execution)
            kind = "made"
        else:
            state.adopt(value)
            state.writer = state.looked = self.execution
            kind = "rebound"
        self.changes.append(Change(name, kind, old, self._first_look(state, value)))  # type: ignore[arg-type]

    def _first_look(self, state: Watched, value: Any) -> Value:
        now = clock.perf_counter()
        if now >= self.deadline and not state.fixed:
            return state.name_type(value)
        state.look(value, now + (self.deadline - now) / 4, pieces=False)
        return state.describe(value)

    def _gone(self, present: Set[str]) -> None:
        for name in [name for name in self.states if name not in present]:
            self.changes.append(Change(name, "deleted", self.states.pop(name).facts))

    def _compare(self, fresh: Set[str], used: bool) -> None:
        """Look for changes in place among the candidates, cheapest first."""
        states, suspects = self.states, self.around.suspects
        if used or self.around.reached is None:
            suspects |= candidates(self.names, self.reached, states, self.namespace)
        todo = sorted((name for name in suspects if self._same(name, fresh)), key=lambda name: (states[name].total, name))
        for name in todo:
            self._judge(name, states[name], self.namespace[name], self._verdict(name, states[name], self.namespace[name]))
        for name in self.names.writes - suspects:
            if self._same(name, fresh):
                self._same_id(name, states[name], self.namespace[name])

    def _same(self, name: str, fresh: Set[str]) -> bool:
        """Does the name stand for the same object as before, as far as its id tells?"""
        state = self.states.get(name)
        return state is not None and name not in fresh and name in self.namespace and state.is_object(self.namespace[name])

    def _verdict(self, name: str, state: Watched, value: object) -> Verdict:
        now = clock.perf_counter()
        share = self.deadline if state.total <= 1 else now + (self.deadline - now) / 2
        if now >= self.deadline or state.too_costly(share):
            return state.not_looked_at()
        # where the text says that it changed and there is nothing to compare with, reading it would tell nothing
        return state.look(value, share, pieces=state.has_baseline or name not in self.names.certain)

    def _judge(self, name: str, state: Watched, value: object, verdict: Verdict) -> None:
        if verdict == "changed":
            self._note(changed(name, state, value, self.execution), state)
        elif verdict == "same":
            state.looked = self.execution
        elif name in self.names.certain and self.ok:
            self._note(Change(name, "mutated", state.facts, state.describe(value), how="source"), state)
            state.pieces.clear()  # they are of what it was before
        else:
            self.complete = False
            self.unknown += 1
            if self.unknown <= _MOST_UNKNOWN:
                self.changes.append(Change(name, "unknown", state.facts, how=state.looked_at or "looked at for the first time"))

    def _note(self, change: Change, state: Watched) -> None:
        self.changes.append(change)
        state.writer = state.looked = self.execution

    def _same_id(self, name: str, state: Watched, value: object) -> None:
        """A name the cell assigned that has the same id as before: the same object again, or a new one in its place."""
        if not state.fixed and state.look(value, self.deadline) == "changed":
            old = state.facts
            self._note(Change(name, "rebound", old, state.describe(value)), state)

    def spare(self) -> float:
        """Seconds that may be spent on names nobody suspects."""
        return max(_LEAST_SPARE_MS / 1000, min(SPARE_MS / 1000, _SPARE_SHARE * self.own))

    def result(self, surroundings: dict[str, str], seconds: float) -> NamespaceChanged:
        """The event. `seconds`: what the looks before and after the cell took."""
        return NamespaceChanged(
            execution=self.execution,
            changes=tuple(self.changes),
            reads=tuple(sorted(self.names.reads)),
            writes=tuple(sorted(self.names.writes)),
            lazy=tuple(sorted(self.reached.reads)),
            versions=self.versions,
            complete=self.complete,
            ms=round(seconds * 1000, 3),
            surroundings=surroundings,
        )
