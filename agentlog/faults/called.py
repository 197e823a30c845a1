"""A failure inside a function, said with the names of the code that called it: what a parameter was given is what is at fault or not."""

from __future__ import annotations

import ast
import copy
from dataclasses import replace

from agentlog.ancestry import tree_of
from agentlog.events import Failure, Frame
from agentlog.situation import Situation

_LOCAL = "_local_"
"""A name that the function bound itself: nothing outside is meant by it."""


def as_called(case: Situation, failure: Failure, *, rebound: bool = False) -> Failure | None:
    """`failure` with the parameters in its failing expression replaced by what the crashed cell passed for them, through all calls.

    rebound     parameters that the function binds anew stand for what was passed, too: what it made of them is of the same shape
    None where it did not fail in a function, or where one of the calls on the way is not seen in the source.
    """
    if failure.expression is None or len(case.way) < 2:
        return None
    try:
        node: ast.AST = ast.parse(failure.expression.text)
    except (SyntaxError, ValueError):
        return None
    for outer, inner in zip(reversed(case.way[:-1]), reversed(case.way[1:]), strict=True):
        known = _passed(case, outer, inner, rebound)
        if known is None:
            return None
        node = _Renamed(known).visit(copy.deepcopy(node))
    return replace(failure, expression=replace(failure.expression, text=ast.unparse(node)))


class _Renamed(ast.NodeTransformer):
    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.known.get(node.id, node)


def _passed(case: Situation, outer: Frame, inner: Frame, rebound: bool) -> dict[str, ast.expr] | None:
    """Name in the inner function -> the expression of the outer frame that it stands for; names it bound itself stand for nothing."""
    function = _definition(case, inner)
    call = _call(case, outer, inner) if function is not None else None
    if function is None or call is None or any(isinstance(part, ast.Starred) for part in call.args):
        return None
    parameters = [part.arg for part in (*function.args.posonlyargs, *function.args.args)]
    given = dict(zip(parameters, call.args, strict=False))
    given |= {word.arg: word.value for word in call.keywords if word.arg}
    own = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    hidden = {*own, *parameters} - (set(given) - (set() if rebound else own))
    return {**given, **{name: ast.Name(_LOCAL + name, ast.Load()) for name in hidden}}


def _definition(case: Situation, frame: Frame) -> ast.FunctionDef | None:
    """The `def` of a plain function that a cell defines."""
    cell = case.by_id.get(frame.cell or "")
    tree = tree_of(cell.source) if cell is not None else None
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)) if tree is not None else ()
    return next((node for node in found if node.name == frame.function), None)


def _call(case: Situation, outer: Frame, inner: Frame) -> ast.Call | None:
    """The call of the inner function on the running line of the outer frame, where there is one alone."""
    cell = case.by_id.get(outer.cell or "")
    tree = tree_of(cell.source) if cell is not None else None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
    here = [node for node in calls if node.lineno <= outer.line <= (node.end_lineno or node.lineno)]
    found = [node for node in here if isinstance(node.func, ast.Name) and node.func.id == inner.function]
    return found[0] if len(found) == 1 else None
