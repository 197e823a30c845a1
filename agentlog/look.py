"""How far one look at a value may go: levels, nodes, characters, time.

A `Look` travels with the walk. Room is counted in nodes: a container divides what it has among the children it shows,
and what one child leaves the next may use, so that a description stays small however its parts are nested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agentlog.clock import clock
from agentlog.events import Value
from agentlog.settings import Limits

ROOM = 360
"""Nodes in the description of one value."""


GRACE = 8
"""Parts that have their schema told even when the time is over."""


class Look:
    """One walk over one value. `levels`: how many are left below this one; `brief`: facts only, see `schema`;
    `counted`: cells up to which the missing values of a frame are counted even then."""

    __slots__ = ("brief", "counted", "deadline", "grace", "level", "levels", "limits", "path", "room", "walk")

    def __init__(
        self,
        limits: Limits,
        deadline: float,
        walk: Callable[[object, Look], Value],
        *,
        levels: int,
        room: int = ROOM,
        brief: bool = False,
        counted: int = 0,
    ) -> None:
        self.limits = limits
        self.deadline = deadline
        self.walk = walk
        self.levels = levels
        self.room = room
        self.brief = brief
        self.counted = counted
        self.level = 0
        self.grace = GRACE
        self.path: set[int] = set()

    def late(self) -> bool:
        """Is the time used up?"""
        return clock.perf_counter() >= self.deadline

    def milliseconds(self) -> float:
        """Time left, never below zero."""
        return max(0.0, (self.deadline - clock.perf_counter()) * 1000)

    @property
    def chars(self) -> int:
        """Longest text at this level: a quarter of the level above, but a line at least."""
        return max(80, self.limits.text_chars >> (2 * self.level))

    def shown(self, length: int) -> int:
        """How many of `length` children may be shown here."""
        if self.brief or self.levels <= 0:
            return 0
        return min(length, self.limits.items, self.room)

    def children(self, values: Sequence[object]) -> list[Value]:
        """Describe `values` one level down; each may use its share of room and time, and what the others left."""
        room, end = self.room - len(values), self.deadline
        self.level += 1
        self.levels -= 1
        described = []
        for done, value in enumerate(values):
            share = max(0, room // (len(values) - done))
            self.room = share
            if len(values) - done > 1:
                now = clock.perf_counter()
                self.deadline = now + (end - now) / min(8, len(values) - done)
            described.append(self.walk(value, self))
            room -= share - self.room
        self.level -= 1
        self.levels += 1
        self.room, self.deadline = max(0, room), end
        return described
