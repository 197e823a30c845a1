"""Which cell is at fault: the crashed one, or an earlier one that made what it was given what it is.

The rules are tried in order; the first that decides, decides. Naming an earlier cell needs an observation: the
property that broke the call was seen to begin there. Data that was loaded as it is, is nobody's fault but the
crashed cell's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agentlog.ancestry import Author, Holds, author, parents, version_before
from agentlog.events import Failure, Value
from agentlog.situation import Situation, Version

_CODE = frozenset({"module", "function", "type", "builtin_function_or_method", "int", "float", "str", "bool"})
_NAME = re.compile(r"(?<![\w.'\"])[^\W\d]\w*")
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
_CONTENT = re.compile(
    r"could not convert string|contains NaN|NaN, infinity|Unknown label type|dtypes? object|must be (?:all )?numeric", re.I
)
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
    return (
        _earlier(case, author(case, called[0], lambda value: True), "{name} was bound to something else there")
        if called
        else None
    )


def made_none(case: Situation, failure: Failure) -> Blame | None:
    """`None` where an object was expected."""
    if "NoneType" not in failure.message:
        return None
    name = next((n for n in _suspects(failure) if _now(case, n, _is_none)), None)
    return _earlier(case, author(case, name, _is_none), "{name} became None there") if name else None


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
    if found is None or not _from_another_type(case, found, kind):
        return None
    return _earlier(case, found, f"{{name}} became {_article(kind)} there")


def lost_label(case: Situation, failure: Failure) -> Blame | None:
    """A column or key that was there until a cell took it away. Taking it away twice is the second one's fault."""
    label = offending_word(failure) if failure.type == "KeyError" else None
    if label is None or case.execution is None or re.search(r"\.drop\(|\bdel\b|\.pop\(", _code(case)):
        return None
    for name in _suspects(failure):
        lost = _loser(case, name, label)
        if lost is not None and lost.execution.source != case.execution.source:
            return Blame(lost.execution.label, lost.execution.id, False, f"{name} lost {label!r} there")
    return None


def empty_input(case: Situation, failure: Failure) -> Blame | None:
    """Nothing in it: where it became empty."""
    if not _EMPTY.search(failure.message):
        return None
    return _of_property(case, _suspects(failure), _is_empty, lambda value: _is_empty, "{name} became empty there")


def other_features(case: Situation, failure: Failure) -> Blame | None:
    """Columns that do not match: where the data that was passed got them."""
    if not _FEATURES.search(failure.message):
        return None
    return _of_property(case, _suspects(failure), _is_table, _same_columns, "{name} got these columns there")


def wrong_content(case: Situation, failure: Failure) -> Blame | None:
    """Text or gaps among numbers: where the columns were chosen."""
    if not _CONTENT.search(failure.message) or not _in_library(failure):
        return None
    return _of_property(case, _passed(failure), _is_table, _same_columns, "{name} got these columns there")


def wrong_dimensions(case: Situation, failure: Failure) -> Blame | None:
    """One dimension too many or too few: where the data got this form."""
    if not _DIMENSIONS.search(failure.message) or not _in_library(failure):
        return None
    few = "Expected 2D" in failure.message or "too many indices" in failure.message
    names = _passed(failure)
    said = [name for name in names if _now(case, name, lambda value: str(value.shape) in failure.message)]
    return _of_property(
        case, said or names, lambda value: (len(value.shape or ()) == 1) is few, _same_form, "{name} got this form there"
    )


def other_length(case: Situation, failure: Failure) -> Blame | None:
    """Lengths that do not go together: the latest cell that set one of them, unless a name of the same family would fit."""
    if not _LENGTHS.search(failure.message):
        return None
    sizes = {name: size for name in _suspects(failure) if (size := _size_now(case, name)) is not None}
    if len(set(sizes.values())) < 2 or any(_fitting_relative(case, name, sizes) for name in sizes):
        return None
    found = [author(case, name, lambda value, size=size: length(value) == size) for name, size in sizes.items()]  # type: ignore[misc]
    known = [one for one in found if one is not None and not one.raw]
    return _earlier(case, max(known, key=lambda one: one.execution.id, default=None), "{name} got its length there")


def configured(case: Situation, failure: Failure) -> Blame | None:
    """Parameters that do not go together, given when the object was made in an earlier cell."""
    receiver = re.match(r"([^\W\d]\w*)\.\w+\(", failure.expression.text) if failure.expression else None
    if receiver is None or not _in_library(failure):
        return None
    value = case.described(receiver[1])
    if value is None or not _names_parameter(value, failure.message):
        return None
    return _made(case, receiver[1], f"{receiver[1]} was made there with these parameters")


def path_given(case: Situation, failure: Failure) -> Blame | None:
    """A file that is not there, by a path that an earlier cell wrote down."""
    if failure.type not in ("FileNotFoundError", "NotADirectoryError", "IsADirectoryError"):
        return None
    for name in _suspects(failure):
        value = case.described(name)
        if value is not None and isinstance(value.value, str) and value.value and value.value in failure.message:
            return _made(case, name, f"{name} was given there")
    return None


RULES: tuple[Rule, ...] = (
    own_function, unbound_name, shadowed, made_none, changed_type, lost_label, empty_input, other_features,
    configured, path_given, wrong_content, wrong_dimensions, other_length,
)  # fmt: skip


# --- what the rules look at -----------------------------------------------------------------------------------


def offending_word(failure: Failure) -> str | None:
    """The key, attribute or name that the message complains about."""
    found = re.search(r"'([^']+)'", failure.message.split(" object has no attribute ")[-1])
    return found[1] if found else None


def _suspects(failure: Failure) -> list[str]:
    """Names of the failing expression: arguments before the receiver, since the receiver is the tool."""
    if failure.expression is None:
        return []
    text = failure.expression.text
    try:
        names = [node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]
    except (SyntaxError, ValueError):
        names = _NAME.findall(text)
    receiver = re.match(r"([^\W\d]\w*)\.\w+\((?=.)", text)
    return sorted(dict.fromkeys(names), key=lambda name: bool(receiver and name == receiver[1]))


def _made(case: Situation, name: str, reason: str) -> Blame | None:
    """Blame for the earlier cell that bound `name`."""
    made = next((v.execution for v in case.versions(name) if v.change.kind in ("made", "rebound")), None)
    return Blame(made.label, made.id, False, reason) if made is not None else None


def _size_now(case: Situation, name: str) -> int | None:
    now = version_before(case, name, None)
    return length(now.value) if now is not None and now.value is not None else None


def _fitting_relative(case: Situation, name: str, sizes: Mapping[str, int]) -> bool:
    """Is there `y_test` of the length that `y_train` should have had? Then the failing cell took the wrong one."""
    family = name.split("_")[0]
    wanted = {size for other, size in sizes.items() if other != name}
    relatives = [v.value for n, v in case.values.items() if n not in sizes and n.split("_")[0] == family and v.value is not None]
    return any(length(value) in wanted for value in relatives)


def _now(case: Situation, name: str, holds: Holds) -> bool:
    version = version_before(case, name, None)
    return version is not None and version.value is not None and holds(version.value)


def _passed(failure: Failure) -> list[str]:
    """Names handed over as they are by the failing call: not what it was given a part of."""
    try:
        call = ast.parse(failure.expression.text, mode="eval").body if failure.expression else None
    except (SyntaxError, ValueError):
        return []
    given = [*call.args, *(keyword.value for keyword in call.keywords)] if isinstance(call, ast.Call) else []
    return [node.id for node in given if isinstance(node, ast.Name)]


def _of_property(
    case: Situation, names: Sequence[str], suspicious: Holds, same: Callable[[Value], Holds], what: str
) -> Blame | None:
    """The author of the property, for the first of `names` that has it."""
    for name in names:
        now = version_before(case, name, None)
        if now is not None and now.value is not None and suspicious(now.value):
            return _earlier(case, author(case, name, same(now.value)), what)
    return None


def length(value: Value) -> int | None:
    """Rows, elements or items."""
    return value.shape[0] if value.shape else value.length


def _is_none(value: Value) -> bool:
    return value.type == "NoneType"


def _is_empty(value: Value) -> bool:
    return length(value) == 0 or bool(value.shape and 0 in value.shape)


def _is_table(value: Value) -> bool:
    return bool(value.shape)


def _same_columns(value: Value) -> Holds:
    names = [column.name for column in value.columns]
    width = value.shape[1:] if value.shape else ()
    return lambda other: (
        bool(other.shape)
        and other.shape is not None
        and other.shape[1:] == width
        and ([column.name for column in other.columns] == names)
    )


def _same_form(value: Value) -> Holds:
    return lambda other: other.type == value.type and len(other.shape or ()) == len(value.shape or ())


def _in_library(failure: Failure) -> bool:
    return bool(failure.frames) and failure.frames[-1].kind in ("library", "stdlib")


def _names_parameter(value: Value, message: str) -> bool:
    said = set(re.findall(r"[\w.-]+", message))
    return any(key in said or (isinstance(entry.value, str) and entry.value in said) for key, entry in value.attributes.items())


def _from_another_type(case: Situation, found: Author, kind: str) -> bool:
    """Was it another type before: the name itself, or what it was made from?"""
    before = [version_before(case, found.name, found.execution)]
    before += [version_before(case, parent, found.execution) for parent in parents(found.execution.source, found.name)]
    known = [v.value for v in before if v is not None and v.value is not None]
    return any(value.type != kind and (value.shape or value.type not in _CODE) for value in known)


def _loser(case: Situation, name: str, label: str) -> Version | None:
    """The version of `name` that no longer had the column or key `label` while the one before it had."""
    newer: Version | None = None
    for version in case.versions(name):
        value = version.value
        if value is not None and (label in value.entries or any(column.name == label for column in value.columns)):
            return newer
        newer = version
    return None


def _code(case: Situation) -> str:
    """The failing line and expression."""
    expression = case.root.expression.text if case.root and case.root.expression else ""
    return f"{case.innermost.source or '' if case.innermost else ''} {expression}"


def _article(kind: str) -> str:
    return f"{'an' if kind[:1] in 'aeiouAEIOU' or kind.startswith('nd') else 'a'} {kind}"
