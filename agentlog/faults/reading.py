"""Rules about files that were read in another way than they were written: the cell that read them is at fault."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from agentlog.ancestry import author
from agentlog.events import Failure, Value
from agentlog.faults.columns import columns_meant
from agentlog.faults.labels import missed
from agentlog.faults.verdict import Blame, named
from agentlog.situation import Situation
from agentlog.suspects import suspects

_SEPARATORS = re.compile(r"[;\t|,]")
_DATUM = re.compile(r"-?\d+(?:[.,]\d+)*(?:\.\d+)?|Unnamed: \d+")
_DECIMAL = re.compile(r"-?\d+(?:,\d+)?")


def read_unsplit(case: Situation, failure: Failure) -> Blame | None:
    """A table of one column, whose name holds the one that was asked for: it was read with another separator."""
    label = missed(failure)
    for name in suspects(failure) if label else ():
        labels = _labels(case, name)
        if len(labels) == 1 and label != labels[0] and label in [part.strip() for part in _SEPARATORS.split(labels[0])]:
            return _read(case, name, lambda value: len(value.columns) == 1, "{name} was read there as one column")
    return None


def read_without_header(case: Situation, failure: Failure) -> Blame | None:
    """A table most of whose labels are numbers: its first row of data was read as the header."""
    label = missed(failure)
    for name in suspects(failure) if label and not _DATUM.fullmatch(label) else ():
        labels = _labels(case, name)
        data = [label for label in labels if _DATUM.fullmatch(label)]
        if len(labels) > 1 and 2 * len(data) >= len(labels) and not _counts_up(data):
            return _read(case, name, lambda value: bool(value.columns), "the first row of {name} was read there as its labels")
    return None


def _counts_up(labels: list[str]) -> bool:
    """Are they a header of numbers all the same, as years are?"""
    numbers = [int(label) for label in labels if label.isdecimal()]
    return len(numbers) == len(labels) and all(before < after for before, after in pairwise(numbers))


def read_other_decimals(case: Situation, failure: Failure) -> Blame | None:
    """A column of texts like '2,6' in a file whose separator is a semicolon: commas are its decimal points."""
    for name, label in [*columns_meant(case, failure), *_columns_listed(case, failure)]:
        texts = _texts(case, failure, name, label)
        if any("," in text for text in texts) and all(_DECIMAL.fullmatch(text) for text in texts):
            found = _read(case, name, lambda value: bool(value.columns), f"{label!r} of {{name}} was read there as texts")
            return found if found is not None and re.search(r"['\"];['\"]", found.reason) else None
    return None


def _columns_listed(case: Situation, failure: Failure) -> list[tuple[str, str]]:
    """(table, column) for each column that the failing expression speaks of in a list."""
    text = failure.expression.text if failure.expression else ""
    known = [(name, value) for name in suspects(failure) if (value := case.described(name)) is not None]
    return [
        (name, column.name)
        for name, value in known
        for column in value.columns
        if re.search(rf"(['\"]){re.escape(column.name)}\1", text)
    ]


def _texts(case: Situation, failure: Failure, name: str, label: str) -> list[str]:
    """Texts that were seen in the column, by itself or as one of its table's."""
    values = [operand.value for operand in failure.expression.operands] if failure.expression else []
    seen = [row[0] for value in values if value.facts.get("name") == label for row in value.head]
    value = case.described(name)
    seen += [text for column in value.columns if column.name == label for text in column.sample] if value is not None else []
    told = [line for one in failure.evidence for fact in one.facts for line in fact.detail if line.startswith(f"{label}: ")]
    seen += [text for line in told for text in re.findall(r"'([^']+)'", line.partition("not numbers: ")[2])]
    return [text for text in seen if isinstance(text, str)]


def _labels(case: Situation, name: str) -> list[str]:
    value = case.described(name)
    return [column.name for column in value.columns] if value is not None else []


def _read(case: Situation, name: str, holds: Callable[[Value], bool], what: str) -> Blame | None:
    """Blame for the cell that read the table from a file, None where it did not come from one."""
    found = author(case, name, holds)
    if found is None or not found.raw:
        return None
    cell = found.execution
    return Blame(cell.label, cell.id, False, f"{named(what, found)}: {found.line}")
