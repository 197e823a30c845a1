"""Names that no cell is suspected of having changed, looked at in turn: finds what threads, callbacks and extensions do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentlog.clock import clock
from agentlog.events import Change
from agentlog_ipy.watch.watched import PIECE, Watched

SPARE_MS = 1.5
"""Milliseconds of one turn."""


class Rotation:
    """Whose turn it is, and what was found until somebody takes it."""

    def __init__(self, states: dict[str, Watched]) -> None:
        self._states = states
        self._turn: list[str] = []
        self._found: list[Change] = []

    def take(self) -> list[Change]:
        """What was found since it was last taken."""
        found, self._found = self._found, []
        return found

    def run(self, namespace: Mapping[str, Any], deadline: float, execution: str | None) -> None:
        """Look at names until `deadline`. One whose last look took longer than there is time is passed over, not forgotten."""
        for _ in range(len(self._states)):
            now = clock.perf_counter()
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
            if state.cost + (PIECE if state.total else 0.0) > deadline - now:
                self._turn.insert(0, name)
                continue
            self._look(name, state, namespace[name], deadline, execution)

    def _look(self, name: str, state: Watched, value: object, deadline: float, execution: str | None) -> None:
        verdict = state.look(value, deadline)
        if verdict == "changed":
            self._found.append(changed(name, state, value, execution, since=state.looked))
        if verdict in ("same", "changed"):
            state.looked = execution
        elif verdict == "new" or (verdict == "partly" and len(state.pieces) < state.total):
            self._turn.append(name)  # not done with it


def changed(name: str, state: Watched, value: object, execution: str | None, since: str | None = None) -> Change:
    """`name` was seen to be changed in place, in `execution` or, where `since` is given, after that one."""
    old = state.facts
    state.writer = execution
    return Change(name, "mutated", old, state.describe(value), how="seen", since=since)
