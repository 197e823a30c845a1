"""`outline(value)`: what a value is at one moment, to be compared with what it is at another.

It holds a digest of the structure and of everything small, the parts the value is made of (by id, to recognise
aliases), and its large `Leaf`s, which are digested chunk by chunk as far as the time goes. Coverage never depends on the
clock: two outlines of the same object can always be compared. The known holes are in docs/limits-of-change.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from agentlog_ipy.fingerprints import (  # noqa: F401  each fills the tables of `walk`
    arrays,
    containers,
    drawings,
    frames,
    functions,
    iterators,
    stdlib,
    streams,
    tables,
    tensors,
)
from agentlog_ipy.fingerprints.walk import Leaf, Walk, digest_of

_PARTS, _SPANS = 20_000, 256


@dataclass(slots=True)
class Outline:
    """What a value was at one moment.

    structure  digest of all that is small, and of a sample of what is large
    leaves     the large parts; held only while the look lasts
    parts      ids of the mutable objects it is made of
    spans      memory (start, end) of its arrays
    complete   False where some items were only sampled; `looked_at` says so in words
    portable   the digest means the same in another process
    """

    structure: int
    leaves: list[Leaf] = field(default_factory=list)
    parts: frozenset[int] = frozenset()
    spans: tuple[tuple[int, int], ...] = ()
    complete: bool = True
    portable: bool = True
    looked_at: str = ""

    def chunks(self) -> int:
        """Pieces still to be digested for a full comparison."""
        return sum(leaf.chunks for leaf in self.leaves)

    def pieces(self) -> Iterator[tuple[Leaf, int]]:
        """(leaf, number in the leaf) of every piece, in order."""
        return ((leaf, chunk) for leaf in self.leaves for chunk in range(leaf.chunks))


def outline(value: object, deadline: float = float("inf")) -> Outline:
    """The outline of `value`. Raises OutOfTime after `deadline` (clock.perf_counter()), or what a hostile object raises."""
    walk = Walk(deadline)
    walk.visit(value, 0)
    return Outline(
        digest_of(walk.tokens),
        walk.leaves,
        frozenset(walk.memo) if len(walk.memo) <= _PARTS else frozenset(islice(walk.memo, _PARTS)),
        tuple(walk.spans[:_SPANS]),
        walk.missed == 0,
        walk.portable,
        walk.looked_at,
    )
