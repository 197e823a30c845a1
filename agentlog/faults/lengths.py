"""Rules about lengths that do not go together, and rows that are there twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from agentlog.ancestry import Author, ancestors, assigning_lines, author, parents, version_before
from agentlog.events import Failure
from agentlog.faults.parts import choosing, is_rows, parted
from agentlog.faults.verdict import Blame, earlier, here, made
from agentlog.situation import Situation
from agentlog.suspects import fitting_relative, length, of_length, size_now, suspects

if TYPE_CHECKING:
    from agentlog.past import Execution

_LENGTHS = re.compile(
    r"inconsistent numbers of samples|must match exactly|does not match (?:length of )?index|length mismatch|length of values|same length|same first dimension|same size|not aligned|could not be broadcast|size mismatch|different lengths|cardinality is ambiguous|mismatch in its core dimension|to match target batch_size",
    re.I,
)
_NUMBER = re.compile(r"(?<![\w.])\d{1,9}(?![\w.])")
_BESIDE = re.compile(r"\bconcat\(.*axis *= *(?:1|'columns'|\"columns\")|\.join\(")
_BELOW = re.compile(r"\bconcat\(|\.append\(|\.extend\(|\+=")
_TWICE = re.compile(r"duplicate|not unique|must be unique", re.I)


def other_length(case: Situation, failure: Failure) -> Blame | None:
    """Lengths that do not go together: the latest cell that set one of them, unless a name of the same family would fit."""
    left_out = parted(failure, is_rows) | (choosing(failure) if "boolean" not in failure.message else set())
    whole = [name for name in suspects(failure) if name not in left_out]
    sizes = {name: size for name in whole if (size := size_now(case, name)) is not None}
    if not _LENGTHS.search(failure.message) and not _sizes_told(failure, sizes):
        return None
    if len(set(sizes.values())) < 2 or any(fitting_relative(case, name, sizes) for name in sizes):
        return None
    found = [author(case, name, of_length(size)) for name, size in sizes.items()]
    known = [one for one in found if one is not None and not one.raw]
    latest = max(known, key=lambda one: one.execution.id, default=None)
    return (
        _of_some_rows(case, sizes)
        or (_misaligned(case, latest) if latest else None)
        or earlier(case, latest, "{name} got its length there")
    )


def _sizes_told(failure: Failure, sizes: Mapping[str, int]) -> bool:
    """Does a message, in whatever words, name the different lengths of two of the names?"""
    told = {int(number) for number in _NUMBER.findall(failure.message)}
    return (
        failure.type in ("ValueError", "IndexError", "TypeError")
        and len({size for size in sizes.values() if size > 1} & told) > 1
    )


def _of_some_rows(case: Situation, sizes: Mapping[str, int]) -> Blame | None:
    """Was one made from some of the rows of the other, which is as it was then? Who puts the two together has to say which rows."""
    for part, size in sizes.items():
        for whole in ancestors(case, [part]):
            now, then = version_before(case, whole, None), version_before(case, part, None)
            older = now is not None and then is not None and now.execution.id < then.execution.id
            sized = then is not None and re.search(rf"\b{whole}\.shape|\blen\({whole}\)", then.execution.source)
            if sizes.get(whole, 0) > size and older and not sized:
                return here(case, f"{part} was made from {size} of the {sizes[whole]} rows of {whole}")
    return None


def _misaligned(case: Situation, found: Author) -> Blame | None:
    """Tables of one length side by side that gave more rows: the cell that made one of them with row labels of its own."""
    if not _BESIDE.search(found.line):
        return None
    sources = {
        name: value for name in parents(found.execution.source, found.name) if (value := case.value_before(name, found.execution))
    }
    tables = {name: value for name, value in sources.items() if value.columns}
    counted = [name for name, value in tables.items() if (value.index or "RangeIndex").startswith("RangeIndex")]
    same = len({length(value) for value in tables.values()}) == 1
    if not same or len(tables) < 2 or len(counted) != 1 or found.value.shape is None:
        return None
    rows = length(tables[counted[0]])
    return made(
        case,
        counted[0],
        f"{counted[0]} got row labels of its own there, so that {found.name} has {found.value.shape[0]} rows, not {rows}",
    )


def put_together_twice(case: Situation, failure: Failure) -> Blame | None:
    """Rows that are there twice, because a second cell put the same thing to the same name: that cell."""
    if not _TWICE.search(failure.message):
        return None
    names = suspects(failure)
    for name in [*names, *ancestors(case, names)]:
        put: set[str] = set()
        for run, line in reversed(list(_puts(case, name))):
            sources = {source for source in parents(run.source, name) if source != name and source in case.values}
            if sources & put:
                return Blame(run.label, run.id, False, f"{min(sources & put)} was put to {name} a second time there: {line}")
            put |= sources
    return None


def _puts(case: Situation, name: str) -> Iterator[tuple[Execution, str]]:
    """The executions that put something to what `name` was, newest first, and their lines."""
    for version in case.versions(name):
        source = version.execution.source
        line = next((line for line in assigning_lines(source, name) if _BELOW.search(line)), "")
        if line and name in parents(source, name):
            yield version.execution, line
