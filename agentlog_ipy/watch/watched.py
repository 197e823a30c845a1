"""The state kept of one name of the namespace: which object it was, what it looked like. Never the object itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from agentlog import peek
from agentlog.clock import clock
from agentlog.describe import NOT_LOOKED_AT, describe, schema
from agentlog.events import Value
from agentlog_ipy.fingerprints.iterators import CONSUMED
from agentlog_ipy.fingerprints.outline import Outline, outline
from agentlog_ipy.fingerprints.walk import Leaf, OutOfTime
from agentlog_ipy.watch.natures import changes_when_read, is_fixed

Verdict = Literal["new", "same", "changed", "partly"]
"""new: nothing to compare with yet; partly: no difference in what could be looked at."""

PIECE = 0.0005
"""Seconds that a piece of a large part takes."""
ALGORITHM = "3"
"""Stands before every digest: those of another algorithm cannot be compared."""
_BOXES = frozenset(map(id, (dict, list, tuple, set)))
_COUNTED = 100_000
"""Cells of a frame up to which its missing values are counted."""
_FEW = 16
"""Entries up to which a container's own are described too."""
_CHEAP_PARTS, _CHEAP_SECONDS = 200, 0.002


class Watched:
    """What is remembered of the object behind one name.

    writer     execution that last made, rebound or changed it; None: older than the watch
    looked     execution after which it was last looked at in full
    cost       seconds of processor time its outline took
    looked_at  what the last look that was not full saw
    restless   reading it may change it
    """

    __slots__ = (
        "complete", "cost", "cursor", "facts", "fixed", "kind", "looked", "looked_at", "oid", "parts", "pieces", "portable",
        "restless", "spans", "structure", "total", "writer",
    )  # fmt: skip

    def __init__(self, value: object, writer: str | None) -> None:
        self.writer = writer
        self.looked: str | None = writer
        self.facts: Value | None = None
        self.adopt(value)

    def adopt(self, value: object) -> None:
        """Another object stands behind the name now."""
        self.oid, self.kind = id(value), id(type(value))
        self.fixed = is_fixed(value)
        self.restless = not self.fixed and changes_when_read(value)
        self.structure: int | None = None
        self.pieces: dict[int, int] = {}
        self.total = self.cursor = 0
        self.cost = 0.0
        self.parts: frozenset[int] = frozenset()
        self.spans: tuple[tuple[int, int], ...] = ()
        self.complete = self.portable = self.fixed
        self.looked_at = ""

    def is_object(self, value: object) -> bool:
        """Is `value` the object that was there at the last look (as far as its id tells)?"""
        return self.oid == id(value) and self.kind == id(type(value))

    @property
    def worth_a_look(self) -> bool:
        """May it change when it is read, and is it small enough to look each time? Never a matter of how fast the machine is."""
        if not self.restless or self.structure is None or self.total:
            return False
        if not self.complete and self.kind not in CONSUMED:
            return False
        return len(self.parts) <= _CHEAP_PARTS and (self.cost < _CHEAP_SECONDS or len(self.parts) <= _FEW)

    @property
    def has_baseline(self) -> bool:
        """Could a full comparison be made?"""
        return self.fixed or (self.structure is not None and len(self.pieces) == self.total)

    @property
    def known(self) -> int:
        """How much of the baseline there is, in pieces."""
        return len(self.pieces) + (self.structure is not None)

    def seconds_to_baseline(self) -> float:
        """About how long `measure` would take; as far as is known."""
        return 0.0 if self.has_baseline else self.cost + (self.total - len(self.pieces)) * PIECE

    def look(self, value: object, deadline: float, *, pieces: bool = True) -> Verdict:
        """Compare with the last look, and remember this one. `pieces`: also go through the large parts."""
        if self.fixed:
            return "same"
        start = clock.thread_time()
        try:
            now = outline(value, deadline)
        except OutOfTime:
            self.cost = max(2 * self.cost, clock.thread_time() - start)
            return self._partly("nothing: out of time")
        except Exception:  # a hostile or half-built object: its identity is all there is
            return self._partly("its identity")
        self.cost = clock.thread_time() - start
        before, self.structure = self.structure, now.structure
        self._remember(now)
        if before is None or before != now.structure:
            self.pieces, self.total = {}, now.chunks()
            return "new" if before is None else "changed"
        return self._look_at_pieces(now, deadline) if pieces and now.leaves else self._verdict(now)

    def _partly(self, looked_at: str) -> Verdict:
        self.looked_at = looked_at
        return "partly"

    def _remember(self, now: Outline) -> None:
        self.parts, self.spans, self.complete, self.portable = now.parts, now.spans, now.complete, now.portable
        self.looked_at = now.looked_at

    def _verdict(self, now: Outline) -> Verdict:
        if now.leaves:
            return self._partly("a sample of its content")
        return "same" if now.complete else "partly"

    def too_costly(self, deadline: float) -> bool:
        """Did its last look take longer than there is time until `deadline`?"""
        return self.cost > deadline - clock.perf_counter()

    def not_looked_at(self) -> Verdict:
        """There was no time."""
        return self._partly("nothing: out of time")

    def measure(self, value: object, deadline: float) -> None:
        """Digest the large parts that have no digest yet, as far as the time goes."""
        if self.has_baseline:
            return
        if self.structure is None:
            self.look(value, deadline)
        if self.total and self.structure is not None and clock.perf_counter() < deadline:
            self.look(value, deadline)

    def _look_at_pieces(self, now: Outline, deadline: float) -> Verdict:
        """Go through the large parts from where the last look stopped."""
        verdict: Verdict = "same"
        done = 0
        for number, leaf, chunk in self._from_cursor(now):
            if clock.perf_counter() >= deadline:
                break
            try:
                digest = leaf.digest(chunk)
            except Exception:  # a thread changes it meanwhile
                break
            known = self.pieces.get(number)
            self.pieces[number] = digest
            self.cursor = (number + 1) % self.total
            done += 1
            if known is None and verdict == "same":
                verdict = "partly"
            elif known is not None and known != digest:
                verdict = "changed"
        if verdict != "changed" and (done < self.total or not now.complete):
            self.looked_at = now.looked_at or f"{100 * done // max(1, self.total)} % of its content and a sample of the rest"
            return "partly"
        return verdict

    def _from_cursor(self, now: Outline) -> Iterator[tuple[int, Leaf, int]]:
        pieces = [(number, leaf, chunk) for number, (leaf, chunk) in enumerate(now.pieces())]
        start = self.cursor % max(1, len(pieces))
        return iter(pieces[start:] + pieces[:start])

    def describe(self, value: object) -> Value:
        """Facts about `value`, with a digest of its content where that means something in another process."""
        facts = _facts(value)
        if self.structure is not None and self.portable and not self.fixed:
            key = "sample" if self.total or not self.complete else "digest"
            facts = replace(facts, facts={**facts.facts, key: f"{ALGORITHM}-{self.structure & 0xFFFFFFFF:08x}"})
        self.facts = facts
        return facts

    def name_type(self, value: object) -> Value:
        """What `describe` says when the time is over."""
        self.facts = Value(type=peek.class_name(type(value)), cut=NOT_LOOKED_AT)
        return self.facts


def _facts(value: object) -> Value:
    """Form, not content: the entries of small containers, the missing values of small frames."""
    if id(type(value)) in _BOXES and len(value) <= _FEW:  # type: ignore[arg-type]
        return describe(value, depth=1)
    return schema(value, count_nulls=_COUNTED)
