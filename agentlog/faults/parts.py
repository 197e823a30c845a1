"""What the failing expression itself takes of a name, by labels or bounds that are written in it: no earlier cell is at fault for that."""

from __future__ import annotations

import ast
from collections.abc import Callable

from agentlog.events import Failure


def parted(failure: Failure, parts: Callable[[ast.expr], bool]) -> set[str]:
    """Names of which the failing expression takes a part that is written in it: `df` of `model.predict(df[["a", "c"]])`, with `is_columns`."""
    nodes = _nodes(failure)
    taken = [node.value for node in nodes if isinstance(node, ast.Subscript) and parts(node.slice)]
    parted_names = [part for node in taken for part in ast.walk(node) if isinstance(part, ast.Name)]
    whole = {node.id for node in nodes if isinstance(node, ast.Name) and node not in parted_names}
    return {node.id for node in parted_names} - whole


def choosing(failure: Failure) -> set[str]:
    """Names that only say which part is taken: `columns` of `df[columns]`."""
    nodes = _nodes(failure)
    slices = [node.slice for node in nodes if isinstance(node, ast.Subscript)]
    inside = [part for node in slices for part in ast.walk(node) if isinstance(part, ast.Name)]
    return {node.id for node in inside} - {node.id for node in nodes if isinstance(node, ast.Name) and node not in inside}


def _nodes(failure: Failure) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(failure.expression.text))) if failure.expression else []
    except (SyntaxError, ValueError):
        return []


def is_columns(part: ast.expr) -> bool:
    """Labels written down, as the whole of a subscript or as the second part of it (`df.loc[:, ["a", "c"]]`)."""
    chosen = part.elts[-1] if isinstance(part, ast.Tuple) and len(part.elts) == 2 else part
    labels = chosen.elts if isinstance(chosen, ast.List) else [chosen]
    return all(isinstance(label, ast.Constant) and isinstance(label.value, (str, int)) for label in labels)


def is_rows(part: ast.expr) -> bool:
    """A slice with a bound that is written down, as the whole of a subscript or as the first part of it: `x[:10]`."""
    rows = part.elts[0] if isinstance(part, ast.Tuple) and part.elts else part
    bounds = [rows.lower, rows.upper, rows.step] if isinstance(rows, ast.Slice) else []
    return any(isinstance(node, ast.Constant) for bound in bounds if bound is not None for node in ast.walk(bound))
