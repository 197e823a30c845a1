"""The state kept of one name of the namespace: which object it was, what it looked like. Never the object itself."""

from __future__ import annotations

import time
import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from agentlog.describe import describe, schema
from agentlog.events import Value
from agentlog_ipy import fingerprint_arrays, fingerprint_kinds  # noqa: F401  they fill the tables of `fingerprint`
from agentlog_ipy.fingerprint import SCALAR_IDS, Leaf, Outline, OutOfTime, outline

Verdict = Literal["new", "same", "changed", "partly"]
"""new: nothing to compare with yet; partly: no difference in what could be looked at."""

_BOXES = frozenset(map(id, (dict, list, tuple, set)))
_COUNTED = 100_000
"""Cells of a frame up to which its missing values are counted."""
CHEAP = 0.0003
_FEW = 16
"""Entries up to which a container's own are described too."""
_FIXED = SCALAR_IDS | {id(types.ModuleType), id(range)}


class Watched:
    """What is remembered of the object behind one name.

    writer     execution that last made, rebound or changed it; None: older than the watch
    looked     execution after which it was last looked at in full
    cost       seconds its outline took
    looked_at  what the last look that was not full saw
    """

    __slots__ = (
        "complete", "cost", "cursor", "facts", "fixed", "kind", "looked", "looked_at", "oid", "parts", "pieces", "portable", "spans",
        "structure", "total", "writer",
    )  # fmt: skip

    def __init__(self, value: object, writer: str | None) -> None:
        self.writer = writer
        self.looked: str | None = writer
        self.facts: Value | None = None
        self.adopt(value)

    def adopt(self, value: object) -> None:
        """Another object stands behind the name now."""
        self.oid, self.kind = id(value), id(type(value))
        self.fixed = self.kind in _FIXED
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
    def cheap(self) -> bool:
        """Is it looked at in full in less than `CHEAP` seconds?"""
        return not self.fixed and self.structure is not None and not self.total and self.complete and self.cost < CHEAP

    @property
    def has_baseline(self) -> bool:
        """Could a full comparison be made?"""
        return self.fixed or (self.structure is not None and len(self.pieces) == self.total)

    def look(self, value: object, deadline: float, *, pieces: bool = True) -> Verdict:
        """Compare with the last look, and remember this one. `pieces`: also go through the large parts."""
        if self.fixed:
            return "same"
        start = time.perf_counter()
        try:
            now = outline(value, deadline)
        except OutOfTime:
            self.cost = max(2 * self.cost, time.perf_counter() - start)
            return self._partly("nothing: out of time")
        except Exception:  # a hostile or half-built object: its identity is all there is
            return self._partly("its identity")
        self.cost = time.perf_counter() - start
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
        return "same" if now.complete and not now.leaves else "partly"

    def measure(self, value: object, deadline: float) -> None:
        """Digest the large parts that have no digest yet, as far as the time goes."""
        if self.has_baseline:
            return
        if self.structure is None:
            self.look(value, deadline)
        if self.total and self.structure is not None and time.perf_counter() < deadline:
            self.look(value, deadline)

    def _look_at_pieces(self, now: Outline, deadline: float) -> Verdict:
        """Go through the large parts from where the last look stopped."""
        verdict: Verdict = "same"
        done = 0
        for number, leaf, chunk in self._from_cursor(now):
            if time.perf_counter() >= deadline:
                break
            digest = leaf.digest(chunk)
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
            facts = replace(facts, facts={**facts.facts, key: f"{self.structure & 0xFFFFFFFF:08x}"})
        self.facts = facts
        return facts


def _facts(value: object) -> Value:
    """Form, not content: the entries of small containers, the missing values of small frames."""
    if id(type(value)) in _BOXES and len(value) <= _FEW:  # type: ignore[arg-type]
        return describe(value, depth=1)
    facts = schema(value)
    if not facts.columns or facts.shape is None or facts.shape[0] * len(facts.columns) > _COUNTED:
        return facts
    full = describe(value, depth=0, deadline=time.perf_counter() + 0.003)
    nulls = {column.name: column.nulls for column in full.columns}
    return replace(facts, columns=tuple(replace(column, nulls=nulls.get(column.name)) for column in facts.columns))
