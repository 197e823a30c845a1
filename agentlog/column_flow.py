"""Columns of one frame: which cell set which from which others, by the cells' text.

`df["net"] = df["total"] * (1 - df["rate"])` sets `net` from `total` and `rate`. Only constant labels in square brackets
count, and only what a cell did to the frame under the frame's own name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agentlog.magic_lines import plain_source
from agentlog.past import Execution


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """sets: column -> columns of the same frame that its expression reads; only: the cell changes the frame in no other way."""

    sets: dict[str, frozenset[str]]
    only: bool


@dataclass(frozen=True, slots=True)
class StaleColumn:
    """`column` was set by `by` from `source`, which `changed` set anew afterwards."""

    column: str
    source: str
    by: Execution
    changed: Execution


@lru_cache(maxsize=512)
def column_use(source: str, frame: str) -> ColumnUse:
    """What the cell `source` does to columns of the variable `frame` at its top level."""
    try:
        tree = ast.parse(plain_source(source)[0])
    except (SyntaxError, ValueError, RecursionError):
        return ColumnUse({}, False)
    sets: dict[str, frozenset[str]] = {}
    only = True
    for statement in tree.body:
        column = _column_set(statement, frame)
        if column is not None:
            sets[column] = frozenset(_columns_read(statement, frame)) - ({column} if isinstance(statement, ast.Assign) else set())
        elif _may_change(statement, frame):
            only = False
    return ColumnUse(sets, only)


@lru_cache(maxsize=512)
def labels_read(source: str, name: str) -> frozenset[str] | None:
    """The labels under which the cell reads `name` (`df["a"]`, `df[["a", "b"]]`, `settings["rate"]`); None where it reads it in another way."""
    try:
        tree = ast.parse(plain_source(source)[0])
    except (SyntaxError, ValueError, RecursionError):
        return None
    nodes = list(ast.walk(tree))
    found = [labels for node in nodes if (labels := _columns(node, name))]
    named = sum(isinstance(node, ast.Name) and node.id == name for node in nodes)
    return frozenset(label for labels in found for label in labels) if found and len(found) == named else None


def leaves_alone(changing: str, name: str, reading: str) -> bool:
    """Did the cell `changing` only set labels of `name` that the cell `reading` does not read?"""
    read, use = labels_read(reading, name), column_use(changing, name)
    return read is not None and use.only and bool(use.sets) and read.isdisjoint(use.sets)


def superseded(first: Execution, later: Sequence[Execution], frame: str) -> bool:
    """Did the executions in `later` set anew every column that `first` set, and had it done nothing else to the frame?"""
    use = column_use(first.source, frame)
    again = {column for execution in later for column in column_use(execution.source, frame).sets}
    return bool(use.sets) and use.only and use.sets.keys() <= again


def stale_columns(changes: Sequence[Execution], frame: str) -> Iterator[StaleColumn]:
    """Columns set from another column that was set anew afterwards. `changes`: what changed the frame, in order."""
    made: dict[str, tuple[int, Execution, frozenset[str]]] = {}
    for number, execution in enumerate(changes):
        for column, read in column_use(execution.source, frame).sets.items():
            made[column] = (number, execution, read)
    for column, (number, execution, read) in made.items():
        for source in sorted(read & made.keys()):
            if made[source][0] > number:
                yield StaleColumn(column, source, execution, made[source][1])


def _column_set(statement: ast.stmt, frame: str) -> str | None:
    """`column` of `frame["column"] = ...` or `frame["column"] += ...`."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return _column(statement.targets[0], frame)
    return _column(statement.target, frame) if isinstance(statement, ast.AugAssign) else None


def _column(node: ast.AST, frame: str) -> str | None:
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == frame):
        return None
    label = node.slice
    return label.value if isinstance(label, ast.Constant) and isinstance(label.value, str) else None


def _columns(node: ast.AST, frame: str) -> list[str]:
    """The labels of `frame["a"]` or `frame[["a", "b"]]`."""
    column = _column(node, frame)
    if column is not None:
        return [column]
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == frame):
        return []
    labels = node.slice.elts if isinstance(node.slice, ast.List) else []
    known = [label.value for label in labels if isinstance(label, ast.Constant) and isinstance(label.value, str)]
    return known if len(known) == len(labels) else []


def _columns_read(statement: ast.stmt, frame: str) -> Iterator[str]:
    for node in ast.walk(statement):
        column = _column(node, frame)
        if column is not None:
            yield column


def _may_change(statement: ast.stmt, frame: str) -> bool:
    """Anything but an expression that only reads: the frame is assigned to, handed on, or has a method called with `inplace`."""
    if isinstance(statement, ast.Expr) and not any(
        isinstance(n, ast.keyword) and n.arg == "inplace" for n in ast.walk(statement)
    ):
        return any(_is_handed_on(node, frame) for node in ast.walk(statement))
    return any(isinstance(node, ast.Name) and node.id == frame for node in ast.walk(statement))


def _is_handed_on(node: ast.AST, frame: str) -> bool:
    return isinstance(node, ast.Call) and any(isinstance(a, ast.Name) and a.id == frame for a in node.args)
