"""What a cell did to the user's names, found after it ran: nothing is traced, rewritten or replaced.

Each name has a `Watched` state. After a cell one pass over the namespace finds what was made, rebound and deleted. What
may have been changed in place is compared by content: the names the cell's text or the functions it calls can change,
and every other name that shares a part or memory with one of them, cheapest first, within the time allowed. What could
not be compared in full is `unknown`, or `mutated` "by source" where the text says so. All other names are looked at in
turn in spare time (`rotate`), which finds what threads, callbacks and extensions do; such a change has `since`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from agentlog.events import Change, NamespaceChanged
from agentlog.guard import guarded
from agentlog.settings import Limits
from agentlog.static import CellNames, analyse
from agentlog_ipy.reach import Reached, leaves_arguments_alone, reach
from agentlog_ipy.surroundings import Surroundings
from agentlog_ipy.watched import Verdict, Watched

_INTERNAL = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_[iod]h|_exit_code|_sh|_dh|__\w+__|In|Out|exit|quit|get_ipython|open")
_SPARE_MS, _SPARE_SHARE, _LEAST_SPARE_MS = 1.5, 0.005, 0.03
_PIECE = 0.0005  # seconds that a piece of a large array takes
_VERSIONS = 200


class NamespaceWatch:
    """Watches one shell's `user_ns`. `before(source)` and `after(source, execution)` stand around each cell."""

    def __init__(self, shell: Any, limits: Limits = Limits()) -> None:  # noqa: B008
        self._shell = shell
        self._limits = limits
        self._lock = threading.RLock()
        self._states: dict[str, Watched] = {}
        self._internal: dict[str, bool] = {}
        self._pending: list[Change] = []
        self._turn: list[str] = []
        self._last: str | None = None
        self._candidates: frozenset[str] = frozenset()
        self._surroundings = Surroundings()
        self._told = False
        self._began = 0.0
        self._spent = 0.0
        for name, value in self._visible():
            self._states[name] = Watched(value, None)

    @guarded("namespace")
    def before(self, source: str) -> None:
        """Make sure that what this cell may change in place can be compared afterwards. Costs nothing for most cells."""
        start = time.perf_counter()
        with self._lock:
            self._candidates = frozenset()
            names = analyse(source)
            if not names.trivial:
                reached = self._reach(names)
                self._candidates = self._may_change(names, reached)
                self._measure(start + self._limits.namespace_ms / 2000)
                self._surroundings.before(names, reached)
        self._began = time.perf_counter()
        self._spent = self._began - start

    @guarded("namespace", NamespaceChanged(complete=False))
    def after(self, source: str, execution: str, *, ok: bool = True) -> NamespaceChanged:
        """What the cell `source` did. `ok`: it ran to its end, so that its in-place statements did run."""
        with self._lock:
            return _Look(self, analyse(source), execution, ok).result()

    @guarded("namespace")
    def rotate(self, budget_ms: float = _SPARE_MS) -> NamespaceChanged | None:
        """Look at names nobody suspects, each in its turn, for `budget_ms`. What is found belongs to the last execution
        or one before it (`Change.since`); None where nothing was."""
        with self._lock:
            self._rotate(time.perf_counter() + budget_ms / 1000, self._last)
            if not self._pending:
                return None
            found, self._pending = tuple(self._pending), []
            return NamespaceChanged(execution=self._last, changes=found)

    # --- shared with _Look ---

    def _visible(self) -> list[tuple[str, Any]]:
        """(name, value) of the user's own names."""
        namespace, hidden, internal = self._shell.user_ns, self._shell.user_ns_hidden, self._internal
        out = []
        for name, value in _items(namespace):
            if name not in internal:
                internal[name] = type(name) is not str or _INTERNAL.fullmatch(name) is not None
            if not internal[name] and not (name in hidden and hidden[name] is value):
                out.append((name, value))
        return out

    def _reach(self, names: CellNames) -> Reached:
        return reach(self._shell.user_ns, names.loads)

    def _may_change(self, names: CellNames, reached: Reached) -> frozenset[str]:
        """Names whose object this cell may change in place, aliases included."""
        states = self._states
        if names.dynamic or names.star or reached.dynamic or not names.valid:
            return frozenset(name for name, state in states.items() if not state.fixed)
        namespace = self._shell.user_ns
        loud = {name for function, name in names.passed if not leaves_arguments_alone(namespace, function)}
        quiet = {name for _, name in names.passed} - loud
        may = names.mutates | (names.may_mutate - quiet) | reached.changes
        direct = {name for name in may if name in states and not states[name].fixed}
        direct |= {
            name for name in names.loads if name in states and states[name].cheap
        }  # reading may change: d[k] of a defaultdict
        return frozenset(direct | _aliases(direct, states))

    @guarded("surroundings", {})
    def _around(self, names: CellNames, reached: Reached, deadline: float) -> dict[str, str]:
        if names.trivial and self._told:
            return {}
        self._told = True
        return self._surroundings.after(names, reached, self._shell.user_ns, deadline)

    def _measure(self, deadline: float) -> None:
        """Take the missing baselines of the candidates."""
        namespace, states = self._shell.user_ns, self._states
        for name in sorted(self._candidates, key=lambda name: states[name].total):
            state = states[name]
            if time.perf_counter() >= deadline:
                return
            if name in namespace and state.is_object(namespace[name]):
                state.measure(namespace[name], deadline)

    def _rotate(self, deadline: float, execution: str | None) -> None:
        """Look at names in turn. One whose last look took longer than there is time is passed over, not forgotten."""
        namespace = self._shell.user_ns
        for _ in range(len(self._states)):
            now = time.perf_counter()
            if now >= deadline:
                return
            if not self._turn:
                self._turn = [name for name, state in self._states.items() if not state.fixed]
                if not self._turn:
                    return
            name = self._turn.pop()
            state = self._states.get(name)
            if state is None or state.fixed or name not in namespace or not state.is_object(namespace[name]):
                continue
            if state.cost + (_PIECE if state.total else 0.0) > deadline - now:
                self._turn.insert(0, name)
                continue
            verdict = state.look(namespace[name], deadline)
            if verdict == "changed":
                self._pending.append(_changed(name, state, namespace[name], execution, since=state.looked))
            if verdict in ("same", "changed"):
                state.looked = execution
            elif verdict == "new" or (verdict == "partly" and len(state.pieces) < state.total):
                self._turn.append(name)  # not done with it


class _Look:
    """One look after one cell."""

    def __init__(self, watch: NamespaceWatch, names: CellNames, execution: str, ok: bool) -> None:
        self.watch, self.names, self.execution, self.ok = watch, names, execution, ok
        self.start = time.perf_counter()
        own = self.start - watch._began if watch._began else 0.0
        limits = watch._limits
        self.own = own
        self.deadline = self.start + max(limits.namespace_ms / 1000 - watch._spent, min(limits.namespace_share * own, 1.5), 0.001)
        self.changes: list[Change] = []
        self.complete = True

    def result(self) -> NamespaceChanged:
        watch = self.watch
        self.changes.extend(watch._pending)
        watch._pending = []
        reached = Reached() if self.names.trivial else watch._reach(self.names)
        versions = self._versions(reached)
        same = self._names_pass()
        if not self.names.trivial:
            self._compare(same, reached)
            self._spare_time()
        around = watch._around(self.names, reached, max(self.deadline, time.perf_counter() + 0.005))
        watch._last, watch._candidates, spent, watch._spent, watch._began = self.execution, frozenset(), watch._spent, 0.0, 0.0
        return NamespaceChanged(
            execution=self.execution,
            changes=tuple(self.changes),
            reads=tuple(sorted(self.names.reads)),
            writes=tuple(sorted(self.names.writes)),
            lazy=tuple(sorted(reached.reads)),
            versions=versions,
            complete=self.complete,
            ms=round((time.perf_counter() - self.start + spent) * 1000, 3),
            surroundings=around,
        )

    def _versions(self, reached: Reached) -> dict[str, str]:
        """Which execution last wrote what this cell read: as it was before the cell changed anything."""
        states = self.watch._states
        read = (self.names.reads | reached.reads) & states.keys() if not self.names.trivial else ()
        return {name: writer for name in sorted(read)[:_VERSIONS] if (writer := states[name].writer) is not None}

    def _names_pass(self) -> dict[str, Any]:
        """Record what was made, rebound and deleted; return the names that stand for the same object as before."""
        states, same = self.watch._states, {}
        visible = self.watch._visible()
        for name, value in visible:
            state = states.get(name)
            if state is not None and state.oid == id(value) and state.kind == id(type(value)):
                same[name] = value
            else:
                self._bound(name, value, state)
        if len(states) > len(visible):
            self._gone({name for name, _ in visible})
        return same

    def _bound(self, name: str, value: Any, state: Watched | None) -> None:
        old = state.facts if state is not None else None
        if state is None:
            state = self.watch._states[name] = Watched(value, self.execution)
            kind = "made"
        else:
            state.adopt(value)
            state.writer = state.looked = self.execution
            kind = "rebound"
        now = time.perf_counter()
        if now < self.deadline:
            state.look(value, now + (self.deadline - now) / 4, pieces=False)
        self.changes.append(Change(name, kind, old, state.describe(value)))  # type: ignore[arg-type]

    def _gone(self, present: set[str]) -> None:
        states = self.watch._states
        for name in [name for name in states if name not in present]:
            self.changes.append(Change(name, "deleted", states.pop(name).facts))

    def _compare(self, same: dict[str, Any], reached: Reached) -> None:
        """Look for changes in place among the candidates, cheapest first."""
        states = self.watch._states
        suspects = self.watch._candidates | self.watch._may_change(self.names, reached)
        todo = sorted((name for name in suspects if name in same), key=lambda name: (states[name].total, name))
        for name in todo:
            now = time.perf_counter()
            state, value = states[name], same[name]
            share = self.deadline if state.total <= 1 else now + (self.deadline - now) / 2
            verdict: Verdict = state.look(value, share) if now < self.deadline else state._partly("nothing: out of time")
            self._judge(name, state, value, verdict)
        for name in self.names.writes & same.keys() - suspects:
            self._same_id(name, states[name], same[name])

    def _judge(self, name: str, state: Watched, value: Any, verdict: Verdict) -> None:
        if verdict == "changed":
            self._note(_changed(name, state, value, self.execution), state)
        elif verdict == "same":
            state.looked = self.execution
        elif name in self.names.mutates and self.ok:
            self._note(Change(name, "mutated", state.facts, state.describe(value), how="source"), state)
        else:
            self.complete = False
            self.changes.append(Change(name, "unknown", state.facts, how=state.looked_at or "looked at for the first time"))

    def _note(self, change: Change, state: Watched) -> None:
        self.changes.append(change)
        state.writer = state.looked = self.execution

    def _same_id(self, name: str, state: Watched, value: Any) -> None:
        """A name the cell assigned that has the same id as before: the same object again, or a new one in its place."""
        if not state.fixed and state.look(value, self.deadline) == "changed":
            old = state.facts
            self._note(Change(name, "rebound", old, state.describe(value)), state)

    def _spare_time(self) -> None:
        spare = max(_LEAST_SPARE_MS / 1000, min(_SPARE_MS / 1000, _SPARE_SHARE * self.own))
        now = time.perf_counter()
        self.watch._rotate(min(self.deadline, now + spare), self.execution)
        self.changes.extend(self.watch._pending)
        self.watch._pending = []


def _changed(name: str, state: Watched, value: Any, execution: str | None, since: str | None = None) -> Change:
    old = state.facts
    state.writer = execution
    return Change(name, "mutated", old, state.describe(value), how="seen", since=since)


def _aliases(direct: Iterable[str], states: dict[str, Watched]) -> set[str]:
    """Names that share the object, a part or memory with one of `direct`."""
    parts: set[int] = set()
    spans: list[tuple[int, int]] = []
    for name in direct:
        parts.add(states[name].oid)
        parts |= states[name].parts
        spans.extend(states[name].spans)
    if not parts:
        return set()
    return {
        name for name, state in states.items() if not state.fixed and (_shares(state, parts) or _overlaps(state.spans, spans))
    }


def _shares(state: Watched, parts: set[int]) -> bool:
    return state.oid in parts or not parts.isdisjoint(state.parts)


def _overlaps(own: tuple[tuple[int, int], ...], others: list[tuple[int, int]]) -> bool:
    return any(low < end and start < high for low, high in own for start, end in others)


def _items(namespace: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """The items of a dict that a thread may be changing."""
    for _ in range(10):
        try:
            return iter(list(dict.items(namespace)))
        except RuntimeError:
            continue
    return iter(())
