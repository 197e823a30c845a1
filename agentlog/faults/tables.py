"""Rules about tables and sizes: columns, gaps, content, dimensions, lengths."""

from __future__ import annotations

import re

from agentlog.ancestry import author
from agentlog.events import Failure
from agentlog.faults.verdict import Blame, earlier, of_property
from agentlog.situation import Situation
from agentlog.suspects import (
    fitting_relative,
    gap_maker,
    in_library,
    is_table,
    length,
    now,
    passed,
    same_columns,
    same_form,
    size_now,
    suspects,
)

_FEATURES = re.compile(
    r"feature names|features, but|has \d+ features|number of features|columns overlap|expecting \d+ features", re.I
)
_LENGTHS = re.compile(
    r"inconsistent numbers of samples|same length|same first dimension|same size|not aligned|could not be broadcast|size mismatch|different lengths",
    re.I,
)
_CONTENT = re.compile(r"could not convert string|contains NaN|NaN, infinity|dtypes? object|must be (?:all )?numeric", re.I)
_GAPS = re.compile(r"contains NaN|NaN, infinity|contains inf or nans|missing values", re.I)
_DTYPES = re.compile(r"dtype|scalar types?\b", re.I)
_TOLD = re.compile(r"(?:got:?|found|Found dtype|but got)\s+(?:torch\.)?(\w+?)(?:Tensor)?\b(?:\s*(?:and|!=)\s*(\w+))?")
_TENSORS = {"float": "float32", "double": "float64", "long": "int64", "int": "int32", "half": "float16", "byte": "uint8", "char": "int8",
            "short": "int16", "bool": "bool"}  # fmt: skip
"""What torch's messages call a dtype -> its name."""
_DIMENSIONS = re.compile(r"Expected \dD array|too many indices|must be \d-?d\b|1-dimensional|2-dimensional|should be a 1d", re.I)


def other_features(case: Situation, failure: Failure) -> Blame | None:
    """Columns that do not match: where the data that was passed got them."""
    if not _FEATURES.search(failure.message):
        return None
    return of_property(case, suspects(failure), is_table, same_columns, "{name} got these columns there")


def made_gaps(case: Situation, failure: Failure) -> Blame | None:
    """Gaps that a cell made when it made the column: by shifting, joining, looking up."""
    if not _GAPS.search(failure.message):
        return None
    for name in passed(failure):
        value = case.described(name)
        holed = [column.name for column in value.columns if column.nulls] if value else []
        makers = [gap_maker(case, name, label) for label in holed]
        if makers and makers[0] and all(makers):
            found, line = makers[0]
            return Blame(found.label, found.id, False, f"{holed[0]!r} of {name} got its gaps there: {line}")
    return None


def wrong_content(case: Situation, failure: Failure) -> Blame | None:
    """Text or gaps among numbers: where the columns were chosen."""
    if not _CONTENT.search(failure.message) or not in_library(failure):
        return None
    return of_property(case, passed(failure), is_table, same_columns, "{name} got these columns there")


def wrong_dimensions(case: Situation, failure: Failure) -> Blame | None:
    """One dimension too many or too few: where the data got this form."""
    if not _DIMENSIONS.search(failure.message) or not in_library(failure):
        return None
    few = "Expected 2D" in failure.message or "too many indices" in failure.message
    names = passed(failure)
    said = [name for name in names if now(case, name, lambda value: str(value.shape) in failure.message)]
    return of_property(
        case, said or names, lambda value: (len(value.shape or ()) == 1) is few, same_form, "{name} got this form there"
    )


def other_length(case: Situation, failure: Failure) -> Blame | None:
    """Lengths that do not go together: the latest cell that set one of them, unless a name of the same family would fit."""
    if not _LENGTHS.search(failure.message):
        return None
    sizes = {name: size for name in suspects(failure) if (size := size_now(case, name)) is not None}
    if len(set(sizes.values())) < 2 or any(fitting_relative(case, name, sizes) for name in sizes):
        return None
    found = [author(case, name, lambda value, size=size: length(value) == size) for name, size in sizes.items()]  # type: ignore[misc]
    known = [one for one in found if one is not None and not one.raw]
    return earlier(case, max(known, key=lambda one: one.execution.id, default=None), "{name} got its length there")


def other_dtype(case: Situation, failure: Failure) -> Blame | None:
    """A tensor of the dtype that the message complains of: the cell that made it a tensor of that dtype."""
    if failure.type not in ("RuntimeError", "TypeError", "NotImplementedError") or not _DTYPES.search(failure.message):
        return None
    told = _TOLD.search(failure.message)
    kinds = {_TENSORS.get(word.lower(), word) for word in told.groups() if word} if told else set()
    kinds = kinds - {"float32"} or kinds
    for name in suspects(failure):
        value = case.described(name)
        if value is not None and value.type == "Tensor" and value.dtype in kinds:
            kind = value.dtype
            found = author(case, name, lambda value: value.type == "Tensor" and value.dtype == kind)  # noqa: B023
            return earlier(case, found, f"{{name}} became a tensor of {kind} there")
    return None


def mixed_columns(case: Situation, failure: Failure) -> Blame | None:
    """Columns of bool beside numbers, which together are objects to numpy: the cell that made them."""
    if "dtype of object" not in failure.message and "object dtype" not in failure.message:
        return None
    for name in passed(failure):
        value = case.described(name)
        kinds = {column.dtype for column in value.columns} if value else set()
        if "bool" in kinds and all(kind.startswith(("bool", "int", "uint", "float")) for kind in kinds):
            label = next(column.name for column in value.columns if column.dtype == "bool") if value else ""
            found = author(case, name, lambda value: any(c.name == label and c.dtype == "bool" for c in value.columns))  # noqa: B023
            return earlier(case, found, f"{label!r} of {{name}} became bool there")
    return None
