"""The best within N tokens: how deep each item of an outline is said.

A greedy knapsack: always take the step (a first mention, or a deeper variant) with the most gain per token that
still fits. Costs come from the format that will be printed, so each format is cut by its own cost.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agentlog.outline import Cut, Entry, Item, Part, Section

FLOOR = 1.0
"""A step must give at least this much for a whole budget's worth of its tokens: small budgets take no odds and ends."""

_ROOM_FOR_GAP = 450
"""Tokens from which the gap says what was left out, not only how much: below, a fact is worth more."""
Cost = Callable[[str, str | None, str], float]
"""(section title, item name, text) -> tokens that saying it adds; with text "" what opening the section adds."""


@dataclass(slots=True)
class _Place:
    """Where an item stands in the outline, and how deep it is said so far (-1: not at all)."""

    title: str
    item: Item
    level: int = -1
    costs: dict[int, float] = field(default_factory=dict)

    def cost(self, level: int, cost: Cost) -> float:
        if level < 0:
            return 0.0
        if level not in self.costs:
            self.costs[level] = cost(self.title, self.item.name, self.item.variants[level].text)
        return self.costs[level]

    def gain(self, level: int) -> float:
        return self.item.variants[level].gain if level >= 0 else 0.0


def choose(sections: Sequence[Section], tokens: float, cost: Cost) -> tuple[list[Part], list[tuple[str, Item]]]:
    """(what is said, what is left out with its section's title), costing at most `tokens`."""
    places = [_Place(section.title, item) for section in sections for item in section.items]
    allocation = _Allocation(tokens, cost)
    for place in places:
        if place.item.first:
            allocation.force(place)
    allocation.fill(places)
    said = [Part(s.title, entries) for s in sections if (entries := _entries(s, places))]
    return said, [(place.title, place.item) for place in places if place.level < 0]


def _entries(section: Section, places: list[_Place]) -> tuple[Entry, ...]:
    mine = [place for place in places if place.title == section.title and place.level >= 0]
    return tuple(Entry(place.item.variants[place.level].text, place.item.name) for place in mine)


class _Allocation:
    """The tokens left, and the sections already opened."""

    def __init__(self, tokens: float, cost: Cost) -> None:
        self.left = tokens
        self.floor = FLOOR / max(tokens, 1.0)
        self.cost = cost
        self.opened: set[str] = set()

    def price(self, place: _Place, level: int) -> float:
        """What going from the present level to `level` costs."""
        opening = 0.0 if place.title in self.opened else self.cost(place.title, None, "")
        return place.cost(level, self.cost) - place.cost(place.level, self.cost) + opening

    def take(self, place: _Place, level: int) -> None:
        self.left -= self.price(place, level)
        self.opened.add(place.title)
        place.level = level

    def force(self, place: _Place) -> None:
        """Say the shortest variant if it fits at all."""
        if self.price(place, 0) <= self.left:
            self.take(place, 0)

    def step(self, place: _Place) -> tuple[float, int] | None:
        """(gain per token, level) of the best step from here that fits, or None."""
        best: tuple[float, int] | None = None
        for level in range(place.level + 1, len(place.item.variants)):
            price = self.price(place, level)
            if price <= self.left:
                ratio = (place.gain(level) - place.gain(place.level)) / max(price, 0.5)
                best = max(best or (ratio, level), (ratio, level))
        return best if best and best[0] >= self.floor else None

    def fill(self, places: list[_Place]) -> None:
        """Take steps while any fits. A step's ratio only falls as tokens run out, so a stale heap entry is weighed anew."""
        heap = [(-step[0], order) for order, place in enumerate(places) if (step := self.step(place))]
        heapq.heapify(heap)
        while heap:
            ratio, order = heapq.heappop(heap)
            step = self.step(places[order])
            if step is None:
                continue
            if -step[0] > ratio + 1e-12 and heap and -step[0] > heap[0][0]:
                heapq.heappush(heap, (-step[0], order))
                continue
            self.take(places[order], step[1])
            if (following := self.step(places[order])) is not None:
                heapq.heappush(heap, (-following[0], order))


def describe_gap(left_out: Sequence[tuple[str, Item]], how: str, short: bool = False) -> str:
    """What was left out, by section or (`short`) only how many, and how to get it."""
    if short and left_out:
        return f"left out: {len(left_out)}; {how}"
    counts: dict[str, int] = {}
    for title, _ in left_out:
        counts[title] = counts.get(title, 0) + 1
    what = ", ".join(f"{count} {title}" for title, count in counts.items())
    return f"left out: {what}; {how}" if what else ""


def cut(sections: Sequence[Section], tokens: float, cost: Cost, how: str) -> Cut:
    """The cut of `sections` to `tokens`, with a line for what it leaves out; the line shrinks where it does not fit."""
    parts, left_out = choose(sections, tokens, cost)
    if not left_out:
        return Cut(tuple(parts))
    short = tokens < _ROOM_FOR_GAP
    gap = describe_gap(left_out, how, short)
    parts, left_out = choose(sections, tokens - cost("gap", None, gap), cost)
    longer = describe_gap(left_out, how, short)
    return Cut(tuple(parts), longer if cost("gap", None, longer) <= cost("gap", None, gap) else gap if longer else how)
