"""Rules about a label that is gone: a column, a key, the label of a row that was there until a cell took it away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentlog.ancestry import author, line_about, parents
from agentlog.events import Failure, Value
from agentlog.faults.verdict import Blame, earlier, here
from agentlog.situation import Situation, Version
from agentlog.suspects import has_label, loser, now, offending_word, row_loser, suspects

_NO_COLUMN = re.compile(
    r"'DataFrame' object has no attribute|Could not interpret|not (?:a )?columns? of|column.* not found", re.I
)
_DROPS_ROWS = re.compile(r"\.(?:dropna|drop_duplicates|drop|query|sample)\(|\[[^\[\]]*[<>=!]=?[^\[\]]*\]")
_TAKES_AWAY = re.compile(r"\.(?:drop|pop|set_index|rename|melt)\(")


def lost_label(case: Situation, failure: Failure) -> Blame | None:
    """A column, a key or a row that was there until a cell took it away. Taking it away twice is the second one's fault."""
    label = missed(failure)
    if label is None or case.execution is None:
        return None
    again = _takes_away(case, failure)
    for name in suspects(failure):
        lost = loser(case, name, label) or row_loser(case, name, label)
        if lost is not None and lost.execution.source != case.execution.source:
            return _lost(case, name, label, lost, again)
    return None if again else _in_index(case, suspects(failure), label)


def missed(failure: Failure) -> str | None:
    """The label of a KeyError, of `df.label`, of what a plot or a formula asks a table for."""
    asked = failure.type in ("KeyError", "PatsyError") or _NO_COLUMN.search(failure.message)
    return offending_word(failure) if asked else None


def _takes_away(case: Situation, failure: Failure) -> bool:
    line = (case.innermost.source or "") if case.innermost else ""
    return bool(_TAKES_AWAY.search(failure.expression.text if failure.expression else line)) or line.lstrip().startswith("del ")


def _lost(case: Situation, name: str, label: str, lost: Version, again: bool) -> Blame:
    cell = lost.execution
    if again:
        return here(case, f"{name} lost {label!r} in {cell.label} already{_line(cell.source, name, label)}")
    user = _got_used(case, lost)
    if user:
        return here(case, f"{name} lost {label!r} in {cell.label}, and {user} goes by the new name")
    return Blame(cell.label, cell.id, False, f"{name} lost {label!r} there{_line(cell.source, name, label)}")


def _line(source: str, name: str, label: str) -> str:
    line = line_about(source, name, label)
    return f": {line}" if line else ""


def _got_used(case: Situation, lost: Version) -> str:
    """A later cell that worked with the label that came in exchange: then the change was meant, "" where there is none."""
    before, after = lost.change.old, lost.value
    if before is None or after is None or len(before.columns) != len(after.columns):
        return ""
    new = {column.name for column in after.columns} - {column.name for column in before.columns}
    quoted = [text for label in new for text in (f"'{label}'", f'"{label}"')]
    later = (run for run in case.earlier if run.id > lost.execution.id and run.status == "ok")
    return next((run.label for run in later if any(text in run.source for text in quoted)), "")


def _in_index(case: Situation, names: Sequence[str], label: str) -> Blame | None:
    """A column of before that is the index now."""

    def holds(value: Value) -> bool:
        return f"'{label}'" in (value.index or "")

    name = next((name for name in names if now(case, name, holds)), None)
    return earlier(case, author(case, name, holds), f"{label!r} is the index of {{name}} since there") if name else None


def made_without(case: Situation, failure: Failure) -> Blame | None:
    """A table made from one that has the label still: whoever asks the new one for it takes the wrong one; where it was left out."""
    label = missed(failure)
    for name in suspects(failure) if label is not None else ():
        made = next((version for version in case.versions(name) if version.change.kind in ("made", "rebound")), None)
        if label is None or made is None or made.value is None or has_label(made.value, label):
            continue
        line = _line(made.execution.source, name, label)
        if has_label(made.value, f"{label}_x"):
            cell = made.execution
            return Blame(cell.label, cell.id, False, f"{label!r} became {label + '_x'!r} and {label + '_y'!r} there{line}")
        before = [case.value_before(parent, made.execution) for parent in parents(made.execution.source, name)]
        if any(value is not None and has_label(value, label) for value in before):
            return here(case, f"{name} was made without {label!r} in {made.execution.label}{line}")
    return None


def left_holes(case: Situation, failure: Failure) -> Blame | None:
    """The number of a row that is not there, since a cell dropped rows of the table and let the others keep their numbers."""
    if failure.type != "KeyError" or not failure.message.isdigit():
        return None
    for name in suspects(failure):
        found = author(case, name, lambda value: value.index is not None and not _numbered(value))
        before = found.old if found is not None else None
        if found is not None and before is not None and _numbered(before) and _DROPS_ROWS.search(found.execution.source):
            return earlier(case, found, "the rows of {name} are not numbered through since there")
    return None


def _numbered(value: Value) -> bool:
    """Are its rows labelled 0, 1, 2 and so on, without a hole?"""
    return value.shape is not None and value.index == f"RangeIndex 0 .. {value.shape[0] - 1}"
