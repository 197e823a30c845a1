"""Rules about missing and infinite values: the cell that made them, by shifting, looking up, taking a logarithm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agentlog.ancestry import Author, ancestors, assigning_lines, author, holder, values_before
from agentlog.events import Failure, Value
from agentlog.faults.verdict import Blame
from agentlog.situation import Situation
from agentlog.suspects import columns_taken, passed

if TYPE_CHECKING:
    from agentlog.past import Execution

_TOLD = re.compile(r"\bna\b|\bnans?\b|missing values?|\bnulls?\b|\bNaT\b|finite|\binfs?\b|infinit", re.I)
_TEXTS = re.compile(r"(['\"]).*?\1")
_MAKERS = {
    "gaps": re.compile(r"\.(?:shift|diff|pct_change|rolling|map|reindex|log\w*|exp|divide)\(|/"),
    "infinite values": re.compile(
        r"\b(?:np|numpy|math)\.(?:log\w*|exp|divide|power|reciprocal)\b|\.(?:pct_change|div|divide|rdiv)\(|/|\*\* *-"
    ),
}
_FILLERS = {
    "gaps": re.compile(r"\.(?:fillna|interpolate|ffill|bfill|dropna|nan_to_num)\("),
    "infinite values": re.compile(r"\bnan_to_num\(|\binf\b"),
}
_WHOLE = re.compile(r"\b(?:np|numpy|math)\.(?:log\w*|divide|reciprocal|sqrt)\b|\.(?:shift|diff|pct_change|reindex)\(")
"""What leaves gaps or infinite values in every column of a table at once."""
_JOINS = re.compile(r"\.(?:merge|join|append)\(|\bconcat\(")
"""What leaves gaps where the other side has no row: that is often meant, unless no row was found at all."""
_GENERATIONS = 4
"""Columns made from columns that are followed."""


def made_gaps(case: Situation, failure: Failure) -> Blame | None:
    """Gaps, or infinite values, that a cell made when it made the column."""
    if not _TOLD.search(failure.message):
        return None
    what = "infinite values" if _endless(failure) else "gaps"
    asked = _tables_asked(case, failure)
    given = passed(failure)
    for name in [*given, *_tables_behind(case, given), *asked]:
        value = case.described(name)
        labels = _labels(failure, name, value, asked.get(name), what)
        makers = [_seen(case, name, label) if what == "gaps" else None for label in labels]
        makers = [maker or _by_text(case, name, label, what) for maker, label in zip(makers, labels, strict=True)]
        if makers and makers[0] and all(makers):
            found, line = makers[0]
            return Blame(found.label, found.id, False, f"{labels[0]!r} of {name} got its {what} there: {line}")
    return None


def _tables_behind(case: Situation, names: list[str]) -> list[str]:
    """Of arrays, which have no labels: the tables that they were made from."""
    arrays = [name for name in names if (value := case.described(name)) is not None and value.type == "ndarray"]
    return [name for name in ancestors(case, arrays) if (value := case.described(name)) is not None and value.columns]


def _endless(failure: Failure) -> bool:
    """Did the message speak of infinite values alone, or did the evidence see some?"""
    facts = (fact.text for one in failure.evidence for fact in one.facts)
    return "contains infinity" in failure.message or any(re.search(r"\d infinite\b", text) for text in facts)


def _tables_asked(case: Situation, failure: Failure) -> dict[str, str]:
    """Table -> the one column of it that the failing expression takes, also by a name that holds the label."""
    text = failure.expression.text if failure.expression else ""
    found = dict(columns_taken(text))
    for name, word in re.findall(r"([^\W\d]\w*)\[([^\W\d]\w*)\]", text):
        value = case.described(word)
        if value is not None and isinstance(value.value, str):
            found[name] = value.value
    return found


def _labels(failure: Failure, name: str, value: Value | None, asked: str | None, what: str) -> list[str]:
    """The columns of a table that have gaps, or the name of the one column that a series is; of a table that was asked for one, this."""
    if value is None:
        return []
    if value.type == "Series":
        return [str(value.facts["name"])] if "name" in value.facts and (value.nulls or what != "gaps") else []
    if what != "gaps":
        return _infinite(failure, name)
    return [column.name for column in value.columns if column.nulls and asked in (None, column.name)]


def _infinite(failure: Failure, name: str) -> list[str]:
    """The columns that the evidence saw infinite values in."""
    facts = [fact.text for one in failure.evidence for fact in one.facts if fact.about == name]
    told = [text.partition(": ")[2] for text in facts if text.startswith("infinite values in")]
    return [part.rpartition(" ")[0] for text in told for part in text.split(", ")]


def _seen(case: Situation, name: str, label: str) -> tuple[Execution, str] | None:
    """The cell after which the column has gaps, and its line, where it had none before it, or was not there."""

    def holed(value: Value) -> bool:
        series = not value.columns and value.facts.get("name") == label
        return series or any(column.name == label and column.nulls for column in value.columns)

    found = author(case, name, holed)
    if found is None or found.raw:
        return None
    before = [column.nulls for value in values_before(case, found) for column in value.columns if column.name == label]
    line = _writing_line(found, label)
    meant = _JOINS.search(line) and not _all_missing(found.value, label)
    return (found.execution, line) if not meant and all(nulls == 0 for nulls in before) else None


def _writing_line(found: Author, label: str) -> str:
    """The line of the cell that sets the column, else the one that binds the whole."""
    lines = assigning_lines(found.execution.source, found.name)
    whole = re.compile(rf"{re.escape(found.name)}\s*=(?!=)")
    return next((line for pattern in (_writing(label), whole) for line in lines if pattern.search(line)), found.line)


def _writing(label: str) -> re.Pattern[str]:
    return re.compile(rf"\[\s*(['\"]){re.escape(label)}\1\s*\]\s*=(?!=)")


def _all_missing(value: Value, label: str) -> bool:
    rows = value.shape[0] if value.shape else None
    return any(column.name == label and column.nulls == rows for column in value.columns)


def _by_text(case: Situation, name: str, label: str, what: str, generation: int = 0) -> tuple[Execution, str] | None:
    """The earlier cell, and its line, that made the column, or one that it was made from, by an operation that leaves such values."""
    whole = holder(case, name, None, lambda value: any(column.name == label for column in value.columns))
    if whole is not None and _WHOLE.search(_TEXTS.sub("''", whole.line)):
        return whole.execution, whole.line
    for run in reversed(case.earlier):
        lines = [line.strip() for line in run.source.splitlines() if _writing(label).search(line)] if run.status == "ok" else []
        made = next((line for line in lines if _MAKERS[what].search(_TEXTS.sub("''", line.partition("=")[2]))), None)
        if made:
            return run, made
        if any(_FILLERS[what].search(line) for line in lines):
            return None
        for source in (source for line in lines for _, source in columns_taken(line.partition("=")[2])):
            found = _by_text(case, name, source, what, generation + 1) if source != label and generation < _GENERATIONS else None
            if found is not None:
                return found
    return None
