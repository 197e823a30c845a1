"""Where the user's source made a name: assignments in the running code and in the cells that ran before."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from agentlog.evidence.failing import Failing
from agentlog.relevance import history_of

_ASSIGNING = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_CELLS = 200
_LINES = 1500
"""Lines of code in which assignments are looked for: of more, reading them would take too long."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """`where`: "line 3 `x = f()`" or "In[4] `x = f()`"; `value`: the right side."""

    where: str
    value: ast.expr
    text: str


def assignments_of(failing: Failing, name: str) -> list[Assignment]:
    """Assignments of `name`, oldest first, at most the last few: of earlier cells, then above the failing line of this code."""
    found: list[Assignment] = []
    pattern = re.compile(rf"\b{re.escape(name)}\b[^=\n]*=(?!=)")
    level = failing.user
    if level is None:
        return []
    if level.top:
        cells = history_of(level.names)
        current = level.cell.source.strip() if level.cell else None
        for number in range(len(cells) - 1, max(-1, len(cells) - _CELLS), -1):
            if cells[number].strip() != current and pattern.search(cells[number]):
                found = _in_text(cells[number], name, f"In[{number}]")
                if found:
                    break
    lines = level.lines()
    above = _in_text("".join(_ended(line) for line in lines), name, "", before=level.line) if len(lines) < _LINES else []
    return (found + above)[-4:]


def fed_by(failing: Failing, loop: ast.expr) -> bool:
    """Was anything of the failing expression made from the variables of a loop, by assignment or as an element of a loop further in?"""
    if failing.located is None:
        return True
    made = set(mentioned(failing.located.node))
    for bound, read in [*failing.loops(), *(pair for statement in failing.located.around[:1] for pair in _bindings(statement))]:
        if not made.isdisjoint(mentioned(bound)):
            made.update(mentioned(read))
    return not made.isdisjoint(mentioned(loop))


def _bindings(statement: ast.stmt) -> list[tuple[ast.expr, ast.expr]]:
    """(target, what it was bound to, or an element of which) of the statements in this one, last first."""
    found: list[tuple[int, ast.expr, ast.expr]] = []
    for node in ast.walk(statement):
        if isinstance(node, (ast.For, ast.AsyncFor)):
            found.append((node.lineno, node.target, node.iter))
        elif isinstance(node, _ASSIGNING) and node.value is not None:
            found += [(node.lineno, target, node.value) for target in _targets(node)]
    return [(target, value) for _, target, value in sorted(found, key=lambda one: -one[0])]


def mentioned(tree: ast.AST) -> dict[str, None]:
    """Every name in it, read or bound, in order."""
    return dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def calls_on(failing: Failing, name: str, methods: tuple[str, ...]) -> tuple[str, ast.Call] | None:
    """(where, call) of the last call of one of `methods` on `name`, above the failing line or in an earlier cell."""
    level = failing.user
    if level is None:
        return None
    pattern = re.compile(rf"\b{re.escape(name)}\s*\.\s*(?:{'|'.join(methods)})\s*\(")
    texts = [("", "".join(_ended(line) for line in level.lines()[: level.line - 1]))]
    if level.top:
        cells = history_of(level.names)
        current = level.cell.source.strip() if level.cell else None
        texts += [(f"In[{number}]", cells[number]) for number in range(len(cells) - 1, 0, -1) if cells[number].strip() != current]
    for place, text in texts[:_CELLS]:
        for number, line in reversed(list(enumerate(text.splitlines(), 1))):
            call = _call_in(line, name, methods) if pattern.search(line) else None
            if call is not None:
                return f"{place or f'line {number + level.shift}'} `{_short(line)}`", call
    return None


def _call_in(line: str, name: str, methods: tuple[str, ...]) -> ast.Call | None:
    try:
        tree = ast.parse(line.strip())
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in methods
            and ast.unparse(node.func.value) == name
        ):
            return node
    return None


def _ended(line: str) -> str:
    return line if line.endswith("\n") else line + "\n"


def _in_text(text: str, name: str, place: str, before: int | None = None) -> list[Assignment]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _in_lines(text, name, place)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, _ASSIGNING) or node.value is None or not _binds(node, name):
            continue
        if before is None or node.lineno < before:
            line = ast.unparse(node)
            found.append((node.lineno, Assignment(f"{place or f'line {node.lineno}'} `{_short(line)}`", node.value, line)))
    return [made for _, made in sorted(found, key=lambda pair: pair[0])]


def _in_lines(text: str, name: str, place: str) -> list[Assignment]:
    """For a cell with magics: the assigning lines that parse by themselves."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*{re.escape(name)}\s*=(?!=)", line):
            found += (
                _in_text(line.strip(), name, place or f"line {number}")
                if not line.strip().endswith(("(", "[", "{", "\\"))
                else []
            )
    return found


def _binds(node: ast.Assign | ast.AnnAssign | ast.AugAssign, name: str) -> bool:
    return any(
        isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store)
        for target in _targets(node)
        for part in ast.walk(target)
    )


def _targets(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "..."
