"""Rules about tables and sizes: which columns, what is in them, dimensions, lengths."""

from __future__ import annotations

import ast
import re
from itertools import islice

from agentlog.ancestry import Holds, parents
from agentlog.events import Failure, Value
from agentlog.faults.parts import is_columns, parted
from agentlog.faults.verdict import Blame, of_property
from agentlog.situation import Situation
from agentlog.suspects import (
    FEATURES,
    in_library,
    is_table,
    names_given,
    now,
    passed,
    same_columns,
    same_form,
    suspects,
)

_ALIGNED = re.compile(r"not aligned|mismatch in its core dimension|matmul")
_CONTENT = re.compile(r"could not convert string|contains NaN|NaN, infinity|dtypes? object|must be (?:all )?numeric", re.I)
_ORDER = re.compile(r"monotonic|must be sorted|not sorted")
_DIMENSIONS = re.compile(r"Expected \dD array|too many indices|must be \d-?d\b|1-dimensional|2-dimensional|should be a 1d", re.I)


def other_features(case: Situation, failure: Failure) -> Blame | None:
    """Columns that do not match: where the data that was passed got them, unless the failing expression itself says which it takes."""
    if not FEATURES.search(failure.message) and not (_ALIGNED.search(failure.message) and in_library(failure)):
        return None
    chosen = parted(failure, lambda part: is_columns(part) or _holds_labels(case, part))
    names = [name for name in suspects(failure) if name not in chosen]
    found = of_property(case, names, is_table, same_columns, "{name} got these columns there")
    return found if found is None or _was_made(case, found) or _after_model(case, found, names) else None


def _after_model(case: Situation, found: Blame, names: list[str]) -> bool:
    """Was there a model among the names before the cell? Then the data was made for it."""
    models = [name for name in names if (value := case.described(name)) is not None and not value.shape]
    made = [version.execution.id for name in models for version in islice(case.versions(name), 1)]
    return bool(made) and max(made) < found.execution


def _holds_labels(case: Situation, part: ast.expr) -> bool:
    """Is it the name of a list of texts, as of columns?"""
    value = case.described(part.id) if isinstance(part, ast.Name) else None
    return value is not None and value.type in ("list", "Index") and all(isinstance(item.value, str) for item in value.items[:3])


def _was_made(case: Situation, found: Blame) -> bool:
    """Did the cell make its tables from others? Data that begins there has the columns that it has: the model may be what is wrong."""
    cell = case.by_id[found.execution]
    namespace = case.namespace(cell)
    names = [change.name for change in namespace.changes if change.new is not None and change.new.shape] if namespace else []
    before = [case.value_before(name, cell) for made in names for name in (made, *parents(cell.source, made))]
    return any(value is not None and bool(value.shape) for value in before)


def wrong_content(case: Situation, failure: Failure) -> Blame | None:
    """Text or gaps among numbers: the cell that wrote the column last, or where the columns were chosen when nobody had written it."""
    if not _CONTENT.search(failure.message) or not in_library(failure):
        return None
    seen = {fact.about for one in failure.evidence if one.collector == "unusable_content" for fact in one.facts}
    names = [name for name in passed(failure) if name in seen or not seen]
    chosen = of_property(case, names, is_table, same_columns, "what is in {name} was chosen there")
    return _last_writer(case, failure, chosen) or chosen


def _last_writer(case: Situation, failure: Failure, chosen: Blame | None) -> Blame | None:
    """The cell that last wrote the column in which the evidence saw text, before the columns were chosen."""
    facts = [fact.text for one in failure.evidence for fact in one.facts]
    told = next((found for text in facts if (found := re.search(r"is in column '([^']+)'", text))), None)
    if told is None or chosen is None:
        return None
    writing = re.compile(rf"\[\s*(['\"]){re.escape(told[1])}\1\s*\]\s*=(?!=)")
    cell = next((run for run in reversed(case.earlier) if run.id < chosen.execution and writing.search(run.source)), None)
    line = next((line.strip() for line in cell.source.splitlines() if writing.search(line)), "") if cell is not None else ""
    return Blame(cell.label, cell.id, False, f"{told[1]!r} was written there last: {line}") if cell is not None else None


def wrong_dimensions(case: Situation, failure: Failure) -> Blame | None:
    """One dimension too many or too few: where the data got this form."""
    if not _DIMENSIONS.search(failure.message) or not in_library(failure):
        return None
    few = "Expected 2D" in failure.message or "too many indices" in failure.message
    names = passed(failure)
    said = [name for name in names if now(case, name, lambda value: str(value.shape) in failure.message)]
    found = of_property(
        case, said or names, lambda value: (len(value.shape or ()) == 1) is few, same_form, "{name} got this form there"
    )
    return found if found is None or not _used_elsewhere(case, found, said or names) else None


def _used_elsewhere(case: Situation, found: Blame, names: list[str]) -> bool:
    """Did another cell hand what that cell made to a function, as it is? Then it was meant to be so. Cells that make `names` do not count."""
    made = case.by_id[found.execution].writes
    later = [run for run in case.earlier if run.id > found.execution and run.status == "ok" and not set(run.writes) & set(names)]
    return any(given in made for run in later for given in names_given(run.source))


def index_order(case: Situation, failure: Failure) -> Blame | None:
    """Labels of rows that are not in order: the cell that made them the labels."""
    if not _ORDER.search(failure.message):
        return None
    return of_property(case, suspects(failure), _labelled, _same_index, "the rows of {name} are in this order since there")


def _labelled(value: Value) -> bool:
    return value.index is not None and not value.index.startswith("RangeIndex")


def _same_index(value: Value) -> Holds:
    return lambda other: other.index == value.index
