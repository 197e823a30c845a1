"""The differences of two aligned runs, pair by pair, as plain facts: each with its kind, its weight and its words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from agentlog.classes import dataclass
from agentlog.diffs.alignment import Pair
from agentlog.diffs.compare import marked, output_differences, value_difference, word_diff
from agentlog.diffs.sides import Entry, Side
from agentlog.magic_lines import plain_source

WEIGHTS = {
    "error": 100, "status": 95, "source": 80, "file": 78, "module": 76, "order": 70, "only": 65, "input": 62, "package": 60,
    "seed": 56, "environment": 55, "timezone": 54, "python": 50, "name": 45, "output": 40, "git": 35, "cwd": 20,
    "hash seed": 15, "host": 10, "cosmetic": 6, "duration": 5,
}  # fmt: skip
"""Kind of difference -> how much it says about why two runs part."""

CODE = ("source", "order", "only")
EFFECTS = ("error", "status", "name", "output")

_TIMED = re.compile(
    r"\btime\.(time|perf_counter|monotonic|process_time)|\b(now|today|utcnow)\(|uuid[14]\(|getpid|mkdtemp|mkstemp|tempfile|urandom|secrets\.|\bid\("
)
_SMALL = frozenset({"float", "int", "str", "datetime", "date", "timedelta", "Timestamp", "Timedelta", "UUID"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `a`, `b`: labels of the executions; `detail`: lines for larger budgets; `name`: variable, file, package."""

    kind: str
    text: str
    a: str | None = None
    b: str | None = None
    name: str | None = None
    detail: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    volatile: bool = False

    @property
    def weight(self) -> int:
        """How much it tells; what changes from run to run by itself tells little."""
        return WEIGHTS.get(self.kind, 30) // (4 if self.volatile else 1)


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
        yield from _files(a, b)
        yield from _random(a, b)
        for key in sorted(self._state[0].keys() & self._state[1].keys()):
            one, other = self._state[0][key], self._state[1][key]
            if one != other and key not in self._told:
                self._told.add(key)
                yield _around(key, one, other, a, b)
        yield from self._one_sided(a, b)

    def _one_sided(self, a: Entry, b: Entry) -> Iterator[Difference]:
        """Environment variables and edited modules that only one side has."""
        for key in sorted(self._state[0].keys() ^ self._state[1].keys()):
            if key.startswith(("env:", "edited:")) and key not in self._told and all(self._state):
                self._told.add(key)
                yield _around(key, self._state[0].get(key, "unset"), self._state[1].get(key, "unset"), a, b)

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
                said = f"changed only on the {'first' if name in a.values else 'second'} side"
            small = all(value is None or value.type in _SMALL for value in (one, other))
            if said:
                yield Difference("name", f"{name}: {said}", a.label, b.label, name, volatile=timed and small)
            if timed and small:
                self._volatile.add(name)


def _same_error(one: str, other: str) -> bool:
    from agentlog.diffs.compare import normal, same_text

    return same_text(normal(one), normal(other))


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0][:200]


def _only(entry: Entry, *, second: bool) -> Difference:
    from agentlog.notebook_cells import first_line

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
        words = word_diff(a.source.strip(), b.source.strip())
        lines = marked(words)
        kind = "cosmetic" if _same_code(a.source, b.source) else "source"
        text = (
            "only comments or blanks edited"
            if kind == "cosmetic"
            else f"edited: {lines[0].strip()[:160] if lines else 'source differs'}"
        )
        yield Difference(kind, text, a.label, b.label, detail=tuple(lines[:20]), words=tuple(words))


def _same_code(one: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(plain_source(one)[0])) == ast.dump(ast.parse(plain_source(other)[0])) and "%" not in one + other
    except (SyntaxError, ValueError):
        return False


def _duration(a: Entry, b: Entry) -> Iterator[Difference]:
    if a.ms is not None and b.ms is not None and abs(a.ms - b.ms) > 500 and max(a.ms, b.ms) > 2 * min(a.ms, b.ms):
        yield Difference("duration", f"{a.ms / 1000:.1f} s -> {b.ms / 1000:.1f} s", a.label, b.label)


# --- what stands around a cell --------------------------------------------------------------------------------


def _files(a: Entry, b: Entry) -> Iterator[Difference]:
    for key in sorted(key for key in a.around.keys() | b.around.keys() if key.startswith("file:")):
        one, other = a.around.get(key), b.around.get(key)
        path = key.removeprefix("file:")
        if one == other or (None in (one, other) and a.source.strip() != b.source.strip()):
            continue
        if one is None or other is None:
            if f"wrote:{path}" in a.around or f"wrote:{path}" in b.around or "unseen:files" in (a if one is None else b).around:
                continue
            text = f"file {path} was there only on the {'first' if one else 'second'} side"
        else:
            text = f"file {path} differs ({_sizes(one, other)})"
        yield Difference("file", text, a.label, b.label, path)


def _sizes(one: str, other: str) -> str:
    sizes = one.split(":")[0], other.split(":")[0]
    return f"{sizes[0]} -> {sizes[1]} bytes" if sizes[0] != sizes[1] else f"same size, {sizes[0]} bytes, other content"


def _random(a: Entry, b: Entry) -> Iterator[Difference]:
    for key in sorted(key for key in a.around.keys() & b.around.keys() if key.startswith("random:")):
        before, after = (mark.split(">") for mark in (a.around[key], b.around[key]))
        if before[-1] != after[-1] and before[0] != after[0]:
            name = key.removeprefix("random:")
            yield Difference(
                "seed", f"the state of the {name} random generator was different (no common seed)", a.label, b.label, name
            )


def _around(key: str, one: str, other: str, a: Entry, b: Entry) -> Difference:
    what, _, name = key.partition(":")
    labels = (a.label, b.label)
    if what == "env":
        how = (
            "set only on the second side"
            if one == "unset"
            else "set only on the first side"
            if other == "unset"
            else "has another value"
        )
        return Difference("environment", f"environment variable {name} {how}", *labels, name)
    if what == "package":
        return Difference("package", f"package {name}: {one} -> {other}", *labels, name)
    if what == "module":
        return Difference("module", f"local module {name} differs ({_sizes(one, other)})", *labels, name)
    if what == "edited":
        side = "second" if other not in ("", "unset") else "first"
        return Difference(
            "module", f"local module {name} was edited after it was imported, on the {side} side (stale import)", *labels, name
        )
    kind = {"timezone": "timezone", "hash_seed": "hash seed", "python": "python", "cwd": "cwd"}.get(what, "environment")
    said = {"timezone": "time zone", "hash_seed": "PYTHONHASHSEED", "python": "Python", "cwd": "working directory"}.get(
        what, what
    )
    return Difference(kind, f"{said}: {one} -> {other}", *labels, name or what)


def sides_differences(a: Side, b: Side) -> Iterator[Difference]:
    """What is different between the sessions as wholes: versions, host, git, files of the workspace."""
    for key in sorted(a.environment.keys() & b.environment.keys()):
        one, other = a.environment[key], b.environment[key]
        if one != other:
            what, _, name = key.partition(":")
            kind = what if what in WEIGHTS else "environment"
            text = f"package {name}: {one} -> {other}" if name else f"{'Python' if what == 'python' else what}: {one} -> {other}"
            yield Difference(kind, text, name=name or what)
    yield from _workspace(a, b)
    if a.git.get("commit") != b.git.get("commit") and a.git and b.git:
        one, other = (str(side.git.get("commit", "none"))[:10] for side in (a, b))
        yield Difference("git", f"git commit {one} -> {other}", name="commit")
    if a.git_diff != b.git_diff and (a.git_diff or b.git_diff):
        yield Difference(
            "git", "uncommitted changes differ", name="diff", detail=tuple((b.git_diff or a.git_diff or "").splitlines()[:50])
        )


def _workspace(a: Side, b: Side) -> Iterator[Difference]:
    both: Mapping[str, str] = a.changed_files
    for path in sorted(both.keys() & b.changed_files.keys()):
        if both[path] != b.changed_files[path]:
            text = f"file {path} of the workspace differs ({_sizes(both[path], b.changed_files[path])})"
            yield Difference("file" if not path.endswith(".py") else "module", text, name=path)
