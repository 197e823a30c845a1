"""Rules about tables and sizes: columns, gaps, content, dimensions, lengths."""

from __future__ import annotations

import re

from agentlog.ancestry import Holds, author, parents
from agentlog.events import Failure, Value
from agentlog.faults.verdict import Blame, earlier, of_property
from agentlog.situation import Situation
from agentlog.suspects import (
    fitting_relative,
    gap_maker,
    in_library,
    is_table,
    length,
    now,
    offending_word,
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
    r"inconsistent numbers of samples|same length|same first dimension|same size|not aligned|could not be broadcast|size mismatch|different lengths|cardinality is ambiguous|mismatch in its core dimension|to match target batch_size",
    re.I,
)
_CONTENT = re.compile(r"could not convert string|contains NaN|NaN, infinity|dtypes? object|must be (?:all )?numeric", re.I)
_GAPS = re.compile(r"contains NaN|contains infinity|NaN, infinity|contains inf or nans|missing values", re.I)
_DTYPES = re.compile(r"dtype|scalar types?\b", re.I)
_TOLD = re.compile(r"(?:got:?|found|Found dtype|but got)\s+(?:torch\.)?(\w+?)(?:Tensor)?\b(?:\s*(?:and|!=)\s*(\w+))?")
_BUILT = re.compile(
    r"shapes cannot be multiplied|to have \d+ channels|incompatible with|expected axis|expected (?:min_)?(?:ndim|shape)|input\.size\(-1\) must be|"
    r"size mismatch|Given (?:groups|normalized_shape)|[Ee]xpected \d+D|Matrix size-incompatible|Dimensions must be equal"
)
_TENSORS = {"float": "float32", "double": "float64", "long": "int64", "int": "int32", "half": "float16", "byte": "uint8", "char": "int8",
            "short": "int16", "bool": "bool"}  # fmt: skip
"""What torch's messages call a dtype -> its name."""
_DIMENSIONS = re.compile(r"Expected \dD array|too many indices|must be \d-?d\b|1-dimensional|2-dimensional|should be a 1d", re.I)


def other_features(case: Situation, failure: Failure) -> Blame | None:
    """Columns that do not match: where the data that was passed got them."""
    if not _FEATURES.search(failure.message):
        return None
    found = of_property(case, suspects(failure), is_table, same_columns, "{name} got these columns there")
    return found if found is None or _was_made(case, found) else None


def _was_made(case: Situation, found: Blame) -> bool:
    """Did the cell make its tables from others? Data that begins there has the columns that it has: the model may be what is wrong."""
    cell = case.by_id[found.execution]
    namespace = case.namespace(cell)
    names = [change.name for change in namespace.changes if change.new is not None and change.new.shape] if namespace else []
    before = [case.value_before(name, cell) for made in names for name in (made, *parents(cell.source, made))]
    return any(value is not None and bool(value.shape) for value in before)


def made_gaps(case: Situation, failure: Failure) -> Blame | None:
    """Gaps that a cell made when it made the column: by shifting, joining, looking up."""
    if not _GAPS.search(failure.message):
        return None
    for name in passed(failure):
        value = case.described(name)
        holed = [column.name for column in value.columns if column.nulls] if value else []
        holed = _infinite(failure, name) if "contains infinity" in failure.message else holed
        makers = [gap_maker(case, name, label) for label in holed]
        if makers and makers[0] and all(makers):
            found, line = makers[0]
            what = "infinite values" if "contains infinity" in failure.message else "gaps"
            return Blame(found.label, found.id, False, f"{holed[0]!r} of {name} got its {what} there: {line}")
    return None


def _infinite(failure: Failure, name: str) -> list[str]:
    """The columns that the evidence saw infinite values in."""
    facts = [fact.text for one in failure.evidence for fact in one.facts if fact.about == name]
    told = [text.partition(": ")[2] for text in facts if text.startswith("infinite values in")]
    return [part.rpartition(" ")[0] for text in told for part in text.split(", ")]


def wrong_content(case: Situation, failure: Failure) -> Blame | None:
    """Text or gaps among numbers: the cell that wrote the column last, or where the columns were chosen when nobody had written it."""
    if not _CONTENT.search(failure.message) or not in_library(failure):
        return None
    seen = {fact.about for one in failure.evidence if one.collector == "unusable_content" for fact in one.facts}
    names = [name for name in passed(failure) if name in seen] or passed(failure)
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
    return Blame(cell.label, cell.id, False, f"{told[1]!r} was written there last") if cell is not None else None


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
    names = passed(failure)[-1:] if "target" in failure.message else suspects(failure)
    found = [author(case, name, _tensor_of(kind)) for name in names if (kind := _tensor_kind(case, name)) in kinds]
    cells = {one.execution.id: one for one in found if one is not None}
    one = next(iter(cells.values())) if len(cells) == 1 else None
    return earlier(case, one, f"{{name}} became a tensor of {one.value.dtype} there") if one is not None else None


def _tensor_kind(case: Situation, name: str) -> str | None:
    value = case.described(name)
    return value.dtype if value is not None and value.type == "Tensor" else None


def _tensor_of(kind: str | None) -> Holds:
    return lambda value: value.type == "Tensor" and value.dtype == kind


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


def built_for(case: Situation, failure: Failure) -> Blame | None:
    """A network whose layers were made for another size than it is given: the later of the cells that made the two what they are."""
    if not _BUILT.search(failure.message) or not in_library(failure) or "state_dict" in failure.message:
        return None
    names = suspects(failure)
    model = next((n for n in names if (value := case.described(n)) and {"layers", "in_features"} & set(value.facts)), None)
    made = next((v for v in case.versions(model) if v.change.kind in ("made", "rebound")), None) if model else None
    if made is None or model is None or _other_axis(failure.message):
        return None
    given = [n for n in names if n != model and (value := case.described(n)) and value.shape is not None]
    author_of = author(case, given[0], _same_width(case.described(given[0]))) if given else None
    if author_of is not None and not author_of.raw and author_of.execution.id > made.execution.id:
        return earlier(case, author_of, "{name} got its shape there")
    return Blame(made.execution.label, made.execution.id, False, f"{model} was built there, for other sizes")


def _other_axis(message: str) -> bool:
    """Is the number of channels that the layer wants there, on another axis of what it was given? Then it is the data that lies wrong."""
    told = re.search(r"expected input\[([\d, ]+)\] to have (\d+) channels", message)
    return told is not None and told[2] in told[1].replace(" ", "").split(",")[2:]


def _same_width(value: Value | None) -> Holds:
    width = value.shape[1:] if value is not None and value.shape else ()
    return lambda other: bool(other.shape) and other.shape is not None and other.shape[1:] == width


def read_unsplit(case: Situation, failure: Failure) -> Blame | None:
    """A table of one column, whose name holds the one that was asked for: the cell that read it, with another separator."""
    label = offending_word(failure) if failure.type == "KeyError" else None
    for name in suspects(failure) if label else ():
        value = case.described(name)
        only = value.columns[0].name if value is not None and len(value.columns) == 1 else ""
        if label in [part.strip() for part in re.split(r"[;\t|,]", only)] and label != only:
            found = author(case, name, lambda value: [column.name for column in value.columns] == [only])  # noqa: B023
            cell = found.execution if found is not None else None
            if cell is not None:
                return Blame(cell.label, cell.id, False, f"{name} was read there as one column: {found.line}")  # type: ignore[union-attr]
    return None
