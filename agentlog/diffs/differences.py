"""The differences of two aligned runs, pair by pair, as plain facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from agentlog.diffs.alignment import LIKE, Pair, likeness
from agentlog.diffs.compare import marked, normal, output_differences, same_text, value_difference, word_diff
from agentlog.diffs.difference import Difference
from agentlog.diffs.outside import around_difference, files_differences, random_differences
from agentlog.diffs.sides import Entry
from agentlog.magic_lines import plain_source
from agentlog.notebook_cells import first_line

_TIMED = re.compile(
    r"\btime\.(time|perf_counter|monotonic|process_time)|\b(now|today|utcnow)\(|uuid[14]\(|getpid|mkdtemp|mkstemp|tempfile|urandom|secrets\.|\bid\("
)
_LINES = 8
_SMALL = frozenset({"float", "int", "str", "datetime", "date", "timedelta", "Timestamp", "Timedelta", "UUID"})


class PairReader:
    """Goes through the pairs in order and tells what is different in each, remembering what may change by itself."""

    def __init__(self) -> None:
        self._volatile: set[str] = set()
        self._state: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self._told: set[str] = set()

    def read(self, pair: Pair) -> list[Difference]:
        """The differences of one pair; what it runs in first, then its code, then its effects."""
        if pair.a is None or pair.b is None:
            there = pair.b or pair.a
            assert there is not None
            self._note_state(pair)
            return [_only(there, second=pair.b is not None)]
        out = list(self._outside(pair.a, pair.b))
        out.extend(_code(pair))
        out.extend(self._effects(pair.a, pair.b))
        out.extend(_duration(pair.a, pair.b))
        return out

    def _note_state(self, pair: Pair) -> None:
        for state, entry in zip(self._state, (pair.a, pair.b), strict=True):
            if entry is not None:
                state.update(
                    {key: mark for key, mark in entry.around.items() if not key.startswith(("file:", "wrote:", "random:"))}
                )

    # --- what it runs in ---

    def _outside(self, a: Entry, b: Entry) -> Iterator[Difference]:
        self._note_state(Pair(a, b))
        yield from files_differences(a, b)
        yield from random_differences(a, b)
        for key in sorted(self._state[0].keys() & self._state[1].keys()):
            one, other = self._state[0][key], self._state[1][key]
            if one != other and key not in self._told:
                self._told.add(key)
                yield around_difference(key, one, other, a, b)
        yield from self._one_sided(a, b)

    def _one_sided(self, a: Entry, b: Entry) -> Iterator[Difference]:
        """Environment variables and edited modules that only one side has."""
        for key in sorted(self._state[0].keys() ^ self._state[1].keys()):
            if key.startswith(("env:", "edited:", "option:")) and key not in self._told and all(self._state):
                self._told.add(key)
                missing = "default" if key.startswith("option:") else "unset"
                yield around_difference(key, self._state[0].get(key, missing), self._state[1].get(key, missing), a, b)

    # --- effects ---

    def _effects(self, a: Entry, b: Entry) -> Iterator[Difference]:
        timed = bool(_TIMED.search(b.source)) or bool(b.reads & self._volatile)
        if a.status != b.status:
            yield Difference("status", f"{a.status} -> {b.status}", a.label, b.label)
        if a.error != b.error and not (a.error and b.error and _same_error(a.error, b.error)):
            yield Difference(
                "error", f"{_first_line(a.error) or 'no error'} -> {_first_line(b.error) or 'no error'}", a.label, b.label
            )
        yield from self._names(a, b, timed)
        if not (a.error or b.error):
            for text, detail in output_differences(a, b):
                yield Difference("output", text, a.label, b.label, detail=detail, volatile=timed)

    def _names(self, a: Entry, b: Entry, timed: bool) -> Iterator[Difference]:
        for name in sorted(a.values.keys() | b.values.keys()):
            one, other = a.values.get(name), b.values.get(name)
            if name in a.values and name in b.values:
                said = value_difference(one, other)
            elif a.error or b.error:
                continue  # one side did not come that far
            else:
                said = _one_side(a, b, first=name in a.values)
            small = all(value is None or value.type in _SMALL for value in (one, other))
            if said:
                yield Difference("name", f"{name}: {said}", a.label, b.label, name, volatile=timed and small)
            if timed and small:
                self._volatile.add(name)


def _one_side(a: Entry, b: Entry, *, first: bool) -> str:
    if a.label == b.label:
        return f"changed only on the {'first' if first else 'second'} side"
    return f"changed only by {a.label if first else b.label}"


def _same_error(one: str, other: str) -> bool:
    return same_text(normal(one), normal(other))


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0][:200]


def _only(entry: Entry, *, second: bool) -> Difference:
    side = "second" if second else "first"
    harmless = not entry.values and not entry.error and entry.status == "ok"
    text = f"`{first_line(entry.source)}` ran only on the {side} side"
    a, b = (None, entry.label) if second else (entry.label, None)
    detail = tuple(entry.source.splitlines()[:12])
    return Difference("only", text, a, b, detail=detail, volatile=harmless or entry.status == "not_run")


def _code(pair: Pair) -> Iterator[Difference]:
    a, b = pair.a, pair.b
    assert a is not None
    assert b is not None
    if pair.moved:
        yield Difference("order", f"{a.label} ran at another place: as {b.label}", a.label, b.label)
    if a.source.strip() != b.source.strip():
        yield _edited(a, b)


def _edited(a: Entry, b: Entry) -> Difference:
    """Word by word where the sources are alike, else one and the other."""
    if _same_code(a.source, b.source):
        return _marked("cosmetic", "only comments or blanks edited", a, b)
    if likeness(a.source, b.source) >= LIKE:
        return _marked("source", "", a, b)
    what = "rewritten" if a.cell_id and a.cell_id == b.cell_id else "another cell"
    lines = [f"{mark} {line}" for mark, entry in (("-", a), ("+", b)) for line in entry.source.strip().splitlines()[:_LINES]]
    text = f"{what}: `{first_line(a.source)}` -> `{first_line(b.source)}`"
    return Difference("source", text, a.label, b.label, detail=tuple(lines) if len(lines) > 2 else ())


def _marked(kind: str, text: str, a: Entry, b: Entry) -> Difference:
    words = word_diff(a.source.strip(), b.source.strip())
    lines = marked(words)
    said = text or f"edited: {lines[0].strip()[:160] if lines else 'source differs'}"
    detail = tuple(lines[:20]) if len(lines) > 1 or text else ()
    return Difference(kind, said, a.label, b.label, detail=detail, words=tuple(words))


def _same_code(one: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(plain_source(one)[0])) == ast.dump(ast.parse(plain_source(other)[0])) and "%" not in one + other
    except (SyntaxError, ValueError):
        return False


def _duration(a: Entry, b: Entry) -> Iterator[Difference]:
    """Only where both ended in the same way: one that failed did not do the same work."""
    if (
        a.status == b.status
        and a.ms is not None
        and b.ms is not None
        and abs(a.ms - b.ms) > 500
        and max(a.ms, b.ms) > 2 * min(a.ms, b.ms)
    ):
        yield Difference("duration", f"{a.ms / 1000:.1f} s -> {b.ms / 1000:.1f} s", a.label, b.label)
