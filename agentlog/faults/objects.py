"""Rules about what the names hold: None, another type, a label that is gone, nothing at all."""

from __future__ import annotations

import re
from itertools import islice

from agentlog.ancestry import Author, ancestors, assigning_line, author, version_before
from agentlog.events import Failure
from agentlog.faults.verdict import Blame, earlier, here, of_property
from agentlog.situation import Situation
from agentlog.suspects import (
    ITERATORS,
    article,
    from_another_type,
    is_closed,
    is_empty,
    is_none,
    now,
    of_type,
    passed,
    suspects,
    without_return,
)

_NO_LABELS = re.compile(r"only integers, slices|(?<!slice )indices must be integers|is not subscriptable")
_EMPTY = re.compile(
    r"n_samples=0|0 sample\(s\)|zero-size|is an empty sequence|\bempty (?:sequence|train|array|DataFrame|data|range|list|axes)|size 0\b|"
    r"No objects to concatenate|at least one|out[- ]of[- ](?:bounds|range)|non-empty|attempt to get arg(?:max|min)|division by zero|"
    r"no defined index|without columns|cannot be empty|is empty|no numeric",
    re.I,
)


_WHOLE_NUMBERS = re.compile(
    r"slice indices must be integers|'(?:numpy\.)?float\d*' object cannot be interpreted as an integer|integer argument expected, got float|"
    r"must be an? int(?:eger)?, not (?:a )?float|expected (?:an )?int(?:eger)?, got (?:a )?float|only integer scalar arrays"
)


_ONE_CLASS = re.compile(
    r"Number of labels is 1|only one class|at least 2 (?:classes|unique)|contains (?:only )?(?:1|one) class|greater than one; got 1",
    re.I,
)
_PLAIN = frozenset({"int", "float", "str", "bool", "dict", "list", "tuple", "function", "type", "module"})
_SINGLE = frozenset({"int", "float", "str", "bool", "int64", "int32", "float64", "float32", "bool_", "str_", "Timestamp"})
_FITS = re.compile(r"\.(?:fit_)?transform\(")
_TEXT_GIVEN = re.compile(r"'str'|\bstr\b|\bstring\b|not '?[\d.]+'? instead|Got '")
_NUMBER = re.compile(r"\s*-?\d+(?:[.,]\d+)*%?\s*")


def float_for_integer(case: Situation, failure: Failure) -> Blame | None:
    """A float where a whole number belongs: the earlier cell that made the one name of the expression that is a float."""
    if failure.type != "TypeError" or not _WHOLE_NUMBERS.search(failure.message) or case.execution is None:
        return None
    floats = [name for name in suspects(failure) if (value := case.described(name)) and value.type.startswith("float")]
    if len(floats) != 1 or assigning_line(case.execution.source, floats[0]):
        return None
    return earlier(case, author(case, floats[0], lambda value: value.type.startswith("float")), "{name} became a float there")


def number_as_text(case: Situation, failure: Failure) -> Blame | None:
    """A text like '0.5' where a number belongs: the earlier cell that made the one name of the expression that is such a text."""
    if failure.type not in ("TypeError", "ValueError") or not _TEXT_GIVEN.search(failure.message) or case.execution is None:
        return None
    texts = [
        name
        for name in suspects(failure)
        if (value := case.described(name)) and _NUMBER.fullmatch(str(value.value)) and value.type == "str"
    ]
    if len(texts) != 1 or assigning_line(case.execution.source, texts[0]):
        return None
    return earlier(case, author(case, texts[0], of_type("str")), "{name} was made a text there")


def made_none(case: Situation, failure: Failure) -> Blame | None:
    """`None` where an object was expected: the cell that bound it, or the function of an earlier one that returns nothing."""
    if "NoneType" not in failure.message:
        return None
    name = next((n for n in suspects(failure) if now(case, n, is_none)), None)
    found = author(case, name, is_none) if name else None
    if found is None:
        return _chained(case, failure)
    return _returns_nothing(case, found) or earlier(case, found, "{name} became None there")


def _returns_nothing(case: Situation, found: Author) -> Blame | None:
    called = re.fullmatch(r"[\w, ]+= *([^\W\d]\w*)\(.*\)", found.line)
    defining = next(islice(case.versions(called[1]), 1), None) if called else None
    if called is None or defining is None or not without_return(defining.execution.source, called[1]):
        return None
    cell = defining.execution
    return Blame(cell.label, cell.id, False, f"{called[1]} returns nothing, and {found.name} is what it returned")


def _chained(case: Situation, failure: Failure) -> Blame | None:
    """`s.push(1).push(2)`, where `push` returns nothing: the cell that defines it."""
    text = failure.expression.text if failure.expression else ""
    called = re.match(r".*?\b([^\W\d]\w*)\([^()]*\)(?:\.\w+|\[)", text)
    defining = (run for run in reversed(case.earlier) if called and f"def {called[1]}(" in run.source)
    cell = next(defining, None)
    if called is None or cell is None or not without_return(cell.source, called[1]):
        return None
    return Blame(cell.label, cell.id, False, f"{called[1]} returns nothing")


def changed_type(case: Situation, failure: Failure) -> Blame | None:
    """An attribute or a label that the object does not have, or a type that the message names, because a cell turned it, or bound its
    name, into something else."""
    if any("gone since" in fact.text for one in failure.evidence for fact in one.facts):
        return None  # a release took the attribute away, no cell
    found = next((found for name in _other_things(case, failure) if (found := _another_type(case, name)) is not None), None)
    source = _still_there(case, found) if found is not None else ""
    if found is None:
        return None
    if source:
        return here(
            case, f"{found.name} became {article(found.value.type)} in {found.execution.label}, and {source} is there still"
        )
    return earlier(case, found, f"{{name}} became {article(found.value.type)} there")


def _other_things(case: Situation, failure: Failure) -> list[str]:
    """The names that may be another thing than the code expects: what was asked for an attribute or a label, what the message names the type of."""
    text = failure.expression.text if failure.expression else ""
    base = re.match(r"([^\W\d]\w*)(?:\.|\[)", text)
    if base is not None and (failure.type == "AttributeError" or _NO_LABELS.search(failure.message)):
        return [base[1]]
    if failure.type not in ("TypeError", "ValueError"):
        return []
    kinds = {name: value.type for name in passed(failure) if (value := case.described(name)) is not None}
    return [name for name, kind in kinds.items() if kind not in _PLAIN and re.search(rf"\b{re.escape(kind)}\b", failure.message)]


def _another_type(case: Situation, name: str) -> Author | None:
    """Who made `name` another thing than it, or what it was made from, had been."""
    last, held = version_before(case, name, None), case.described(name)
    if last is None or last.value is None or (held is not None and held.type != last.value.type):
        return None  # nothing is known of it, or the crashed cell bound it anew
    kind = last.value.type
    found = author(case, name, of_type(kind))
    return found if found is not None and from_another_type(case, found, kind) else None


def overwritten(case: Situation, failure: Failure) -> Blame | None:
    """A single value by the name of what was a table, an array or a list: the cell that gave the name to it, as by a loop."""
    for name in suspects(failure):
        value = case.described(name)
        if value is None or value.type not in _SINGLE or case.execution is None or assigning_line(case.execution.source, name):
            continue
        kind = value.type
        found = author(case, name, of_type(kind))
        taken = found is not None and found.old is not None and bool(found.old.shape)
        if found is not None and taken and not re.search(rf"=.*\b{re.escape(name)}\b", found.line):
            return earlier(case, found, f"{{name}} became {article(kind)} there")
    return None


def _still_there(case: Situation, found: Author) -> str:
    """A table of as many columns that `name` was made from, where the change was a scaler's and others worked with its result: who asks
    for labels takes the wrong one."""
    if not _FITS.search(found.line) or not any(run.id > found.execution.id and found.name in run.reads for run in case.earlier):
        return ""
    width = (found.value.shape or ())[1:]
    tables = [
        name
        for name in ancestors(case, [found.name])
        if (value := case.described(name)) and value.columns and (value.shape or ())[1:] == width
    ]
    return tables[0] if tables else ""


def empty_input(case: Situation, failure: Failure) -> Blame | None:
    """Nothing in it: where it became empty."""
    if not _EMPTY.search(failure.message):
        return None
    return of_property(case, suspects(failure), is_empty, lambda value: is_empty, "{name} became empty there")


def one_value(case: Situation, failure: Failure) -> Blame | None:
    """Labels that are all the same: the earlier cell that made them."""
    if not _ONE_CLASS.search(failure.message):
        return None
    for name in reversed(suspects(failure)):
        value = case.described(name)
        if value is not None and value.range is not None and len(set(value.range)) == 1:
            return earlier(case, author(case, name, lambda value: len(value.shape or ()) == 1), "{name} was made there")
    return None


def used_up(case: Situation, failure: Failure) -> Blame | None:
    """An iterator that gives its elements once: the first cell that went over it."""
    if not (_EMPTY.search(failure.message) or failure.type == "StopIteration"):
        return None
    for name in suspects(failure):
        made = next((version for version in case.versions(name) if version.change.kind in ("made", "rebound")), None)
        if made is None or made.value is None or made.value.type not in ITERATORS:
            continue
        later = (run for run in case.earlier if run.id > made.execution.id and name in run.reads)
        user = next(later, None)
        if user is not None:
            return Blame(user.label, user.id, False, f"{name}, a {made.value.type}, gave its elements there; it gives them once")
    return None


def closed(case: Situation, failure: Failure) -> Blame | None:
    """A file or a connection that is closed: the cell that closed it."""
    if "closed" not in failure.message:
        return None
    name = next((name for name in suspects(failure) if now(case, name, is_closed)), None)
    return earlier(case, author(case, name, is_closed), "{name} was closed there") if name else None
