"""Which cell is at fault: the crashed one, or an earlier one that made what it was given what it is.

The rules are tried in order; the first that decides, decides. Naming an earlier cell needs an observation: the
property that broke the call was seen to begin there. Data that was loaded as it is, is nobody's fault but the
crashed cell's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agentlog.ancestry import Author, Holds, author, holder, version_before
from agentlog.events import Failure, Value
from agentlog.frozen import dataclass
from agentlog.situation import Situation
from agentlog.suspects import (
    article,
    code,
    fitting_relative,
    from_another_type,
    gap_maker,
    in_library,
    is_empty,
    is_none,
    is_table,
    length,
    loser,
    names_parameter,
    now,
    offending_word,
    passed,
    same_columns,
    same_form,
    size_now,
    suspects,
)

_CODE = frozenset({"module", "function", "type", "builtin_function_or_method", "int", "float", "str", "bool"})
_EMPTY = re.compile(
    r"n_samples=0|0 sample\(s\)|zero-size|is an empty sequence|\bempty (?:sequence|train|array|DataFrame|data|range|list)|size 0\b|"
    r"No objects to concatenate|at least one (?:array|value|sample)|out[- ]of[- ](?:bounds|range)|non-empty|attempt to get arg(?:max|min)",
    re.I,
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
_DIMENSIONS = re.compile(r"Expected \dD array|too many indices|must be \d-?d\b|1-dimensional|2-dimensional|should be a 1d", re.I)
_NO_LABELS = re.compile(r"only integers, slices|indices must be integers|is not subscriptable")


@dataclass(frozen=True, slots=True)
class Blame:
    """`label`: the cell; `execution`: its id; `here`: it is the crashed one; `reason` in words, "" where there is none."""

    label: str
    execution: str
    here: bool
    reason: str


Rule = Callable[[Situation, Failure], "Blame | None"]


def blame(case: Situation) -> Blame | None:
    """The cell whose change makes the failing one work; None where nothing failed in a cell."""
    if case.execution is None or case.root is None:
        return None
    for rule in RULES:
        found = rule(case, case.root)
        if found is not None:
            return found
    return _here(case)


def _here(case: Situation, reason: str = "") -> Blame:
    assert case.execution is not None
    return Blame(case.execution.label, case.execution.id, True, reason)


def _earlier(case: Situation, found: Author | None, what: str) -> Blame | None:
    """Blame for an earlier cell, None where nobody or a loader is found."""
    if found is None or found.raw:
        return None
    line = f": {found.line}" if found.line else ""
    return Blame(found.execution.label, found.execution.id, False, f"{what.format(name=found.name)}{line}")


# --- the rules ------------------------------------------------------------------------------------------------


def own_function(case: Situation, failure: Failure) -> Blame | None:
    """Raised in a function that another cell defines: that cell, unless the offending word stands in the crashed one."""
    frame = case.innermost
    assert case.execution is not None
    if frame is None or frame.cell is None or frame.cell == case.execution.id or frame.count is None:
        return None
    defining = case.by_id.get(frame.cell)
    word = offending_word(failure)
    if word and word in case.execution.source and (defining is None or word not in defining.source):
        return _here(case, f"{word!r} is given there to {frame.function} of In[{frame.count}]")
    return Blame(f"In[{frame.count}]", frame.cell, False, f"line {frame.line} of {frame.function}, defined there")


def unbound_name(case: Situation, failure: Failure) -> Blame | None:
    """A name that a cell deleted, or would have bound had it not failed or gone another way: that cell. Else this one."""
    if failure.type not in ("NameError", "UnboundLocalError"):
        return None
    found = next((cause for cause in case.causes if cause.kind in ("deleted", "failed", "skipped branch")), None)
    execution = case.by_id.get(found.execution or "") if found else None
    if found is None or execution is None or execution is case.execution:
        return _here(case)
    return Blame(execution.label, execution.id, False, found.text)


def shadowed(case: Situation, failure: Failure) -> Blame | None:
    """Called what is no function any more: the cell that gave the name another meaning."""
    if failure.type != "TypeError" or "object is not callable" not in failure.message or failure.expression is None:
        return None
    called = re.match(r"[^\W\d]\w*(?=\()", failure.expression.text)
    value = case.described(called[0]) if called else None
    if called is None or value is None:
        return None
    kind = value.type
    found = holder(case, called[0], None, lambda value: value.type == kind)
    return _earlier(case, found, f"{{name}} became {article(kind)} there")


def made_none(case: Situation, failure: Failure) -> Blame | None:
    """`None` where an object was expected."""
    if "NoneType" not in failure.message:
        return None
    name = next((n for n in suspects(failure) if now(case, n, is_none)), None)
    return _earlier(case, author(case, name, is_none), "{name} became None there") if name else None


def changed_type(case: Situation, failure: Failure) -> Blame | None:
    """An attribute or a label that the object does not have, because a cell turned it into something else."""
    if failure.expression is None or not (failure.type == "AttributeError" or _NO_LABELS.search(failure.message)):
        return None
    base = re.match(r"([^\W\d]\w*)(?:\.|\[)", failure.expression.text)
    now = version_before(case, base[1], None) if base else None
    if base is None or now is None or now.value is None:
        return None
    kind = now.value.type
    found = author(case, base[1], lambda value: value.type == kind)
    if found is None or not from_another_type(case, found, kind):
        return None
    return _earlier(case, found, f"{{name}} became {article(kind)} there")


def lost_label(case: Situation, failure: Failure) -> Blame | None:
    """A column or key that was there until a cell took it away. Taking it away twice is the second one's fault."""
    label = offending_word(failure) if failure.type == "KeyError" else None
    if label is None or case.execution is None or re.search(r"\.drop\(|\bdel\b|\.pop\(", code(case)):
        return None
    for name in suspects(failure):
        lost = loser(case, name, label)
        if lost is not None and lost.execution.source != case.execution.source:
            return Blame(lost.execution.label, lost.execution.id, False, f"{name} lost {label!r} there")
    return None


def empty_input(case: Situation, failure: Failure) -> Blame | None:
    """Nothing in it: where it became empty."""
    if not _EMPTY.search(failure.message):
        return None
    return _of_property(case, suspects(failure), is_empty, lambda value: is_empty, "{name} became empty there")


def other_features(case: Situation, failure: Failure) -> Blame | None:
    """Columns that do not match: where the data that was passed got them."""
    if not _FEATURES.search(failure.message):
        return None
    return _of_property(case, suspects(failure), is_table, same_columns, "{name} got these columns there")


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
    return _of_property(case, passed(failure), is_table, same_columns, "{name} got these columns there")


def wrong_dimensions(case: Situation, failure: Failure) -> Blame | None:
    """One dimension too many or too few: where the data got this form."""
    if not _DIMENSIONS.search(failure.message) or not in_library(failure):
        return None
    few = "Expected 2D" in failure.message or "too many indices" in failure.message
    names = passed(failure)
    said = [name for name in names if now(case, name, lambda value: str(value.shape) in failure.message)]
    return _of_property(
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
    return _earlier(case, max(known, key=lambda one: one.execution.id, default=None), "{name} got its length there")


def configured(case: Situation, failure: Failure) -> Blame | None:
    """Parameters that do not go together, given when the object was made in an earlier cell."""
    receiver = re.match(r"([^\W\d]\w*)\.\w+\(", failure.expression.text) if failure.expression else None
    if receiver is None or not in_library(failure):
        return None
    value = case.described(receiver[1])
    if value is None or not names_parameter(value, failure.message):
        return None
    return _made(case, receiver[1], f"{receiver[1]} was made there with these parameters")


def path_given(case: Situation, failure: Failure) -> Blame | None:
    """A file that is not there, by a path that an earlier cell wrote down."""
    if failure.type not in ("FileNotFoundError", "NotADirectoryError", "IsADirectoryError"):
        return None
    for name in suspects(failure):
        value = case.described(name)
        if value is not None and isinstance(value.value, str) and value.value and value.value in failure.message:
            return _made(case, name, f"{name} was given there")
    return None


RULES: tuple[Rule, ...] = (
    own_function, unbound_name, shadowed, made_none, changed_type, lost_label, empty_input, other_features,
    configured, path_given, made_gaps, wrong_content, wrong_dimensions, other_length,
)  # fmt: skip


def _made(case: Situation, name: str, reason: str) -> Blame | None:
    """Blame for the earlier cell that bound `name`."""
    made = next((v.execution for v in case.versions(name) if v.change.kind in ("made", "rebound")), None)
    return Blame(made.label, made.id, False, reason) if made is not None else None


def _of_property(
    case: Situation, names: Sequence[str], suspicious: Holds, same: Callable[[Value], Holds], what: str
) -> Blame | None:
    """The author of the property, for the first of `names` that has it."""
    for name in names:
        now = version_before(case, name, None)
        if now is not None and now.value is not None and suspicious(now.value):
            return _earlier(case, author(case, name, same(now.value)), what)
    return None
