"""Rules about one column of a table: its type, where it was another kind of thing, its name twice."""

from __future__ import annotations

import re

from agentlog.ancestry import Author, Holds, assigning_line, author, values_before
from agentlog.events import Failure, Value
from agentlog.faults.verdict import Blame, earlier
from agentlog.situation import Situation
from agentlog.suspects import columns_taken, offending_word, passed, suspects

_TYPES = re.compile(
    r"not supported between|unsupported operand|could not convert|can only concatenate|must be (?:a )?(?:real number|str|string|numeric)|accessor|"
    r"trying to merge on|Invalid comparison|agg function failed|no numeric|numeric types|has no attribute|Cannot (?:perform|compare|convert|interpolate)|"
    r"not JSON|expected str|dtype|\bInterval\b|\bPeriod\b|categor|not implemented for|isn't supported|not convertible",
    re.I,
)
_FRACTIONS = re.compile(
    r"[Uu]nknown label type|continuous is not supported|[Gg]ot '?continuous|classification metrics can't handle"
)
_ONE_COLUMN = re.compile(
    r"not 1-dimensional|'DataFrame' object has no attribute|duplicate|label .* is not unique|Columns must be same length"
)
_TEXTS = frozenset({"object", "str", "string", "category"})
_NUMBER = re.compile(r"\s*-?\d+(?:\.\d+)?\s*")
_CONVERTS = re.compile(r"\bastype\(|\bto_numeric\(|\b(?:int|float)\(")
_RANGES = ("period", "interval")
_NUMBERS = ("int", "uint", "float", "datetime64", "timedelta64", "Int", "Float")


def other_type(case: Situation, failure: Failure) -> Blame | None:
    """A column of texts or of mixed values that held numbers or dates until a cell wrote to it: that cell."""
    if failure.type not in ("TypeError", "ValueError", "AttributeError") or not _TYPES.search(failure.message):
        return None
    for name, label in columns_meant(case, failure):
        now = _dtype_of(case.described(name), label)
        found = author(case, name, _holding(label, now)) if _no_numbers(now) else None
        if found is not None and found.raw and _dates_asked(found.line, label):
            cell = found.execution
            return Blame(cell.label, cell.id, False, f"{label!r} stayed {now} there, in spite of parse_dates: {found.line}")
        before = _dtypes_before(case, found, label) if found is not None and not found.raw else set()
        if found is not None and any(dtype.startswith(_NUMBERS) for dtype in before) and not before & _TEXTS:
            return earlier(case, found, f"{label!r} of {{name}} became {now} there")
    return None


def half_converted(case: Situation, failure: Failure) -> Blame | None:
    """Texts that are numbers: the cell that worked on them as texts and left them texts."""
    if failure.type not in ("TypeError", "ValueError") or not _TYPES.search(failure.message):
        return None
    for name, label in columns_meant(case, failure):
        value = case.described(name)
        texts = [text for column in value.columns if column.name == label for text in column.sample] if value is not None else []
        numbers = [text for text in texts if isinstance(text, str) and _NUMBER.fullmatch(text)]
        writing = re.compile(rf"\[\s*(['\"]){re.escape(label)}\1\s*\]\s*=(?!=).*\.str\.")
        for run in reversed(case.earlier) if texts and len(numbers) == len(texts) else ():
            line = next((line.strip() for line in run.source.splitlines() if writing.search(line)), "")
            if line and run.status == "ok" and not _CONVERTS.search(line):
                return Blame(run.label, run.id, False, f"{label!r} of {name} was left a text there: {line}")
    return None


def _no_numbers(dtype: str | None) -> bool:
    return dtype is not None and (dtype in _TEXTS or dtype.startswith(_RANGES))


def _dates_asked(line: str, label: str) -> bool:
    return re.search(rf"parse_dates\s*=\s*\[[^\]]*['\"]{re.escape(label)}['\"]", line) is not None


def columns_meant(case: Situation, failure: Failure) -> list[tuple[str, str]]:
    """(table, column) of the failing expression, of what the evidence says of the content that did not fit, of the key of a merge."""
    text = failure.expression.text if failure.expression else ""
    facts = [(fact.about or "", fact.text) for one in failure.evidence for fact in one.facts]
    told = [(about, found[1]) for about, fact in facts if (found := re.search(r"is in column '([^']+)'", fact)) and about]
    key = re.search(r"for key '([^']+)'", failure.message)
    merged = [(name, key[1]) for name in suspects(failure) if key and _dtype_of(case.described(name), key[1])]
    return [*dict.fromkeys([*told, *merged, *columns_taken(text)])]


def _dtype_of(value: Value | None, label: str) -> str | None:
    return next((column.dtype for column in value.columns if column.name == label), None) if value is not None else None


def _holding(label: str, dtype: str | None) -> Holds:
    return lambda value: _dtype_of(value, label) == dtype


def _twice(label: str) -> Holds:
    return lambda value: [column.name for column in value.columns].count(label) > 1


def _dtypes_before(case: Situation, found: Author, label: str) -> set[str]:
    """The types that the column had, in what the cell made the table from."""
    return {dtype for value in values_before(case, found) if (dtype := _dtype_of(value, label)) is not None}


def mixed_columns(case: Situation, failure: Failure) -> Blame | None:
    """Columns of bool beside numbers, which together are objects to numpy: the cell that made them."""
    if "dtype of object" not in failure.message and "object dtype" not in failure.message:
        return None
    for name in passed(failure):
        value = case.described(name)
        kinds = {column.dtype for column in value.columns} if value else set()
        if "bool" in kinds and all(kind.startswith(("bool", "int", "uint", "float")) for kind in kinds):
            label = next(column.name for column in value.columns if column.dtype == "bool") if value else ""
            found = author(case, name, _holding(label, "bool"))
            return earlier(case, found, f"{label!r} of {{name}} became bool there")
    return None


def became_fractions(case: Situation, failure: Failure) -> Blame | None:
    """Labels that are fractions and were whole numbers or texts until a cell wrote to their column: that cell."""
    if not _FRACTIONS.search(failure.message):
        return None
    for name in reversed(passed(failure)):
        value = case.described(name)
        label = str(value.facts.get("name") or name) if value is not None else name
        if value is None or not (value.dtype or "").startswith("float") or len(value.shape or ()) != 1:
            continue
        found = author(case, name, _fractions_in(label))
        before = _dtypes_before(case, found, label) if found is not None else set()
        if found is not None and before and not any(dtype.startswith("float") for dtype in before):
            return earlier(case, found, f"{label!r} of {{name}} became {value.dtype} there")
    return None


def _fractions_in(label: str) -> Holds:
    """The labels themselves, or a table with them as a column."""
    return lambda value: ((_dtype_of(value, label) if value.columns else value.dtype) or "").startswith("float")


def same_columns_twice(case: Situation, failure: Failure) -> Blame | None:
    """Columns of one name, so that the name gives a table: the cell that put them beside each other."""
    label = offending_word(failure)
    text = failure.expression.text if failure.expression else ""
    if not _ONE_COLUMN.search(failure.message):
        return None
    for name in suspects(failure):
        value = case.described(name)
        names = [column.name for column in value.columns] if value is not None else []
        twice = [
            one for one in dict.fromkeys(names) if names.count(one) > 1 and (one == label or f"'{one}'" in text.replace('"', "'"))
        ]
        if twice:
            found = author(case, name, _twice(twice[0]))
            return earlier(case, found, f"{{name}} has {twice[0]!r} twice since there")
    return None


def same_labels_twice(case: Situation, failure: Failure) -> Blame | None:
    """Index labels that are there more than once: the cell that put tables together under their old labels."""
    facts = [fact for one in failure.evidence if one.collector == "duplicates" for fact in one.facts]
    twice = {fact.about for fact in facts if "index labels" in fact.text and "distinct" in fact.text}
    for name in [name for name in suspects(failure) if name in twice]:
        for version in case.versions(name):
            line = assigning_line(version.execution.source, name)
            if re.search(r"\breset_index\(|ignore_index\s*=\s*True", line):
                break
            if version.change.kind in ("made", "rebound") and re.search(
                r"\bconcat\(|\.append\(|\bset_index\(|replace\s*=\s*True", line
            ):
                cell = version.execution
                return Blame(cell.label, cell.id, False, f"{name} has labels twice since there: {line}")
    return None
