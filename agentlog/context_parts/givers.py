"""The functions of the user's cells that gave what the failing expression could not use."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentlog.ancestry import assignments, tree_of
from agentlog.situation import Situation
from agentlog.suspects import is_none, suspects

if TYPE_CHECKING:
    from agentlog.past import Execution

_MOST = 3


@dataclass(frozen=True, slots=True)
class Giver:
    """`source`: the function's own lines; `none`: what it gave is None."""

    cell: Execution
    function: str
    source: str
    none: bool


def givers(case: Situation) -> list[Giver]:
    """The functions called in the failing expression, and where the names in it that are None, or that the evidence is about, were made."""
    found: dict[str, Giver] = {}
    for call, none in _calls(case):
        giver = _defined(case, call, none)
        if giver is not None:
            found.setdefault(giver.function, giver)
    return list(found.values())[:_MOST]


def _calls(case: Situation) -> Iterator[tuple[ast.Call, bool]]:
    """(call, does None come from it?): those whose result is at hand when it fails."""
    root = case.root
    if root is None or root.expression is None:
        return
    about = {fact.about for one in root.evidence for fact in one.facts}
    for name in suspects(root):
        value = case.described(name)
        none = value is not None and is_none(value)
        if none or name in about:
            yield from ((call, none) for call in _making(case, name))
    try:
        yield from ((node, False) for node in ast.walk(ast.parse(root.expression.text)) if isinstance(node, ast.Call))
    except (SyntaxError, ValueError):
        return


def _making(case: Situation, name: str) -> Iterator[ast.Call]:
    """The calls in the statement that made `name`: in the code it failed in, else in the crashed cell, else in an earlier one."""
    inner = case.by_id.get(case.innermost.cell or "") if case.innermost is not None else None
    maker = next((version.execution for version in case.versions(name) if version.change.kind in ("made", "rebound")), None)
    cells = [cell for cell in (inner, case.execution, maker) if cell is not None]
    statements = (node for cell in cells for node in reversed(assignments(cell.source, name)) if not isinstance(node, ast.Expr))
    made = next(statements, None)
    yield from (node for node in ast.walk(made) if isinstance(node, ast.Call)) if made is not None else ()


def _defined(case: Situation, call: ast.Call, none: bool) -> Giver | None:
    """The latest cell before the crash that defines what is called: a function by its name, a method by the type of its object."""
    within, name = _called(case, call)
    cells = [run for run in reversed(list(case.by_id.values())) if name and f"def {name}(" in run.source]
    for cell in cells:
        tree: ast.AST | None = tree_of(cell.source)
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == within] if tree else []
        for scope in classes if within else [tree] if tree else []:
            for node in getattr(scope, "body", ()):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
                    return Giver(cell, f"{within}.{name}" if within else name, _lines(cell.source, node), none)
    return None


def _called(case: Situation, call: ast.Call) -> tuple[str, str]:
    """(type of the object, "" where it is a plain function; name), "" where it is neither."""
    if isinstance(call.func, ast.Name):
        return "", call.func.id
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        value = case.described(call.func.value.id)
        return (value.type, call.func.attr) if value is not None else ("", "")
    return "", ""


def _lines(source: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return textwrap.dedent("\n".join(source.splitlines()[first - 1 : node.end_lineno]))
