"""Which execution of one run answers to which of the other: by cell id, by source, by order, and by likeness.

Repeated runs of one cell are matched in order: the first with the first. What is left in a gap between two matches is
paired where the sources are alike: those cells were edited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from agentlog.diffs.sides import Entry

LIKE = 0.5
"""Likeness of two sources from which they count as one cell, edited."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two executions that answer to each other, or one that nothing answers to. `moved`: in another order than the rest."""

    a: Entry | None
    b: Entry | None
    moved: bool = False


def align(first: Sequence[Entry], second: Sequence[Entry]) -> list[Pair]:
    """All executions of both sides, in the order of the second; those of the first alone stand where they ran."""
    keys_a, keys_b = _keys(first, second)
    matched: dict[int, int] = {}
    gaps: list[tuple[range, range]] = []
    for what, a, b, c, d in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if what == "equal":
            matched.update(zip(range(c, d), range(a, b), strict=True))
        else:
            gaps.append((range(a, b), range(c, d)))
    moved = _moved(keys_a, keys_b, matched)
    matched.update(moved)
    for left, right in gaps:
        matched.update(_alike(first, second, left, right, matched))
    return list(_in_order(first, second, matched, set(moved)))


def _keys(first: Sequence[Entry], second: Sequence[Entry]) -> tuple[list[str], list[str]]:
    """A key for each execution: its cell's id where both sides know ids, else its source; with its turn for repeats."""
    shared = {e.cell_id for e in first if e.cell_id} & {e.cell_id for e in second if e.cell_id}
    by_source = {e.source.strip(): e.cell_id for e in (*second, *first) if e.cell_id in shared}
    return _numbered(first, shared, by_source), _numbered(second, shared, by_source)


def _numbered(side: Sequence[Entry], shared: set[str], by_source: Mapping[str, str | None]) -> list[str]:
    turns: dict[str, int] = defaultdict(int)
    keys = []
    for entry in side:
        source = entry.source.strip()
        key = entry.cell_id if entry.cell_id in shared else by_source.get(source) or source
        turns[str(key)] += 1
        keys.append(f"{turns[str(key)]} {key}")
    return keys


def _moved(keys_a: list[str], keys_b: list[str], matched: dict[int, int]) -> dict[int, int]:
    taken = set(matched.values())
    places = {key: place for place, key in enumerate(keys_a) if place not in taken}
    return {c: places[key] for c, key in enumerate(keys_b) if c not in matched and key in places}


def _alike(first: Sequence[Entry], second: Sequence[Entry], left: range, right: range, matched: dict[int, int]) -> dict[int, int]:
    """Pairs of a gap: the one left over on each side, else the most alike in order."""
    taken = set(matched.values())
    free_a = [place for place in left if place not in taken]
    free_b = [place for place in right if place not in matched]
    if len(free_a) * len(free_b) > 10_000:
        return {}
    found: dict[int, int] = {}
    for c in free_b:
        best = max(free_a, key=lambda a: likeness(first[a].source, second[c].source), default=None)
        if best is not None and likeness(first[best].source, second[c].source) >= LIKE:
            found[c] = best
            free_a.remove(best)
    return found


def likeness(one: str, other: str) -> float:
    """0 to 1."""
    matcher = SequenceMatcher(None, one, other, autojunk=False) if len(one) * len(other) < 4_000_000 else None
    return matcher.ratio() if matcher is not None else float(one == other)


def _in_order(first: Sequence[Entry], second: Sequence[Entry], matched: dict[int, int], moved: set[int]) -> Iterator[Pair]:
    taken, done = set(matched.values()), 0
    for c, entry in enumerate(second):
        a = matched.get(c)
        if a is not None and c not in moved:
            yield from (Pair(first[place], None) for place in range(done, a) if place not in taken)
            done = max(done, a + 1)
        yield Pair(first[a] if a is not None else None, entry, c in moved)
    yield from (Pair(first[place], None) for place in range(done, len(first)) if place not in taken)
