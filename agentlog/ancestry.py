"""Where a name's property came from: back through the versions of the name and the names that it was made from.

`author(case, name, holds)` goes back while the described values still have the property, and names the execution that
gave it to them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from agentlog.events import Value
from agentlog.magic_lines import plain_source
from agentlog.situation import Situation, Version

if TYPE_CHECKING:
    from agentlog.past import Execution

Holds = Callable[[Value], bool]

_GENERATIONS = 12
_LOADERS = ("read_", "load", "fetch_", "open", "from_csv", "loadtxt", "genfromtxt")


@dataclass(frozen=True, slots=True)
class Author:
    """The execution that gave `name` the property. `old`: what the name was before; `raw`: it was loaded like that."""

    execution: Execution
    name: str
    value: Value
    old: Value | None
    line: str
    raw: bool


@lru_cache(maxsize=256)
def tree_of(source: str) -> ast.Module | None:
    """The syntax tree of a cell, None where it is no Python; magics are blanked."""
    try:
        return ast.parse(plain_source(source)[0])
    except (SyntaxError, ValueError, RecursionError):
        return None


def parents(source: str, name: str) -> tuple[str, ...]:
    """Names that `name` was made from in the cell, through the cell's other names; its own name where it is changed in place."""
    statements = list(_assignments(source))
    found: list[str] = []
    wanted, seen = [name], {name}
    while wanted:
        current = wanted.pop(0)
        for targets, reads in statements:
            if current in targets:
                fresh = [read for read in reads if read not in seen or (read == name and name not in found)]
                seen.update(fresh)
                found += fresh
                wanted += fresh
    return tuple(found)


def assigning_line(source: str, name: str) -> str:
    """The last line of the cell that binds or changes `name`, "" where none is seen."""
    return next(reversed(assigning_lines(source, name)), "")


def assigning_lines(source: str, name: str) -> list[str]:
    """The first lines of the statements of the cell that bind `name`, else of those that may change it, in order."""
    lines = source.splitlines()
    return [lines[node.lineno - 1].strip() for node in assignments(source, name) if node.lineno <= len(lines)]


def line_about(source: str, name: str, label: str) -> str:
    """The line of the cell that says the label of `name`, one that binds `name` before others, else the only one that binds it; else ""."""
    bound = assigning_lines(source, name)
    spoken = [line.strip() for line in source.splitlines() if name in line and re.search(rf"(['\"]){re.escape(label)}\1", line)]
    return next((line for line in spoken if line in bound), spoken[0] if spoken else bound[0] if len(bound) == 1 else "")


def assignments(source: str, name: str) -> list[ast.stmt]:
    """The statements of the cell that bind `name`, else those that may change it."""
    tree = tree_of(source)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and name in _targets(node)] if tree else []
    return [node for node in found if not isinstance(node, ast.Expr)] or found  # `df.head()` may change, an assignment does


def is_loaded(source: str, name: str) -> bool:
    """Does the cell read `name` from a file or a service?"""
    tree = tree_of(source)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.stmt) and name in _targets(node) and any(_loads(part) for part in ast.walk(node)):
            return True
    return False


def _loads(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    return called.startswith(_LOADERS)


def _assignments(source: str) -> Iterator[tuple[set[str], list[str]]]:
    """(names bound or changed, names read) of each statement that binds, last first."""
    tree = tree_of(source)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)] if tree else []
    for node in sorted(statements, key=lambda n: -n.lineno):
        targets = _targets(node)
        if targets:
            yield targets, _reads(node)


def _targets(node: ast.stmt) -> set[str]:
    """Names that the statement binds, or changes by subscript, attribute or a call in a statement of its own."""
    if isinstance(node, ast.Assign):
        spots: list[ast.expr] = list(node.targets)
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For, ast.AsyncFor)):
        spots = [node.target]
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        spots = [with_.optional_vars for with_ in node.items if with_.optional_vars]
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        spots = [node.value.func.value]
    elif isinstance(node, ast.Delete):
        spots = list(node.targets)
    else:
        return set()
    return {name for spot in spots for name in _roots(spot)}


def _roots(spot: ast.expr) -> Iterator[str]:
    if isinstance(spot, ast.Name):
        yield spot.id
    elif isinstance(spot, (ast.Tuple, ast.List)):
        for part in spot.elts:
            yield from _roots(part)
    elif isinstance(spot, (ast.Subscript, ast.Attribute, ast.Starred)):
        yield from _roots(spot.value)


def _reads(node: ast.stmt) -> list[str]:
    """Names read by the statement's value, in order; of a loop only what it goes over."""
    part: ast.AST = node.iter if isinstance(node, (ast.For, ast.AsyncFor)) else getattr(node, "value", node) or node
    return list(dict.fromkeys(n.id for n in ast.walk(part) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)))


def version_before(case: Situation, name: str, execution: Execution | None) -> Version | None:
    """`name` as it was when `execution` began (None: the one in focus)."""
    limit = (execution or case.execution).id  # type: ignore[union-attr]
    return next((version for version in case.versions(name) if version.execution.id < limit), None)


def author(case: Situation, name: str, holds: Holds) -> Author | None:
    """Who gave `name` the property `holds`; None where no earlier execution did, so that the one in focus is left."""
    found: Author | None = None
    at: Execution | None = None
    name = _older_name(case, name, holds)
    for _ in range(_GENERATIONS):
        first = holder(case, name, at, holds)
        if first is None:
            return found
        found = first
        at = first.execution
        sources = parents(at.source, name)
        if name in sources and first.old is not None:
            return found
        known = tuple(p for p in sources if p != name and version_before(case, p, at) is not None)
        older = [p for p in _namesakes(known, name) if _has(case, p, at, holds)]
        if not older:
            return found
        name = older[0]
    return found


def _older_name(case: Situation, name: str, holds: Holds) -> str:
    """`name`, or where the cell in focus made it itself, what it made it from, if that had the property already."""
    if case.execution is None or next(case.versions(name), None) is not None:
        return name
    older = (parent for parent in parents(case.execution.source, name) if parent != name)
    return next((parent for parent in older if _has(case, parent, case.execution, holds)), name)


def ancestors(case: Situation, names: Iterable[str], generations: int = 3) -> list[str]:
    """Names of data that `names` were made from, or fitted with, in earlier executions; nearest first."""
    found: dict[str, None] = {}
    near = list(names)
    own = case.execution.source if case.execution is not None else ""
    made = [parent for name in near for parent in parents(own, name) if parent not in near and parent in case.values]
    found.update(dict.fromkeys(made))
    near += made
    for _ in range(generations):
        further: list[str] = []
        for name in near:
            for version in islice(case.versions(name), 3):
                further += [
                    p for p in parents(version.execution.source, name) if p != name and p not in found and p in case.values
                ]
        found.update(dict.fromkeys(further))
        near = further
    return list(found)


def _namesakes(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Of several names, those that `name` is called after (`y` of `y_train`), where there are such."""
    parts = name.split("_")
    return tuple(n for n in names if n in parts) or names


def _has(case: Situation, name: str, at: Execution, holds: Holds) -> bool:
    version = version_before(case, name, at)
    return version is not None and version.value is not None and holds(version.value)


def holder(case: Situation, name: str, before: Execution | None, holds: Holds) -> Author | None:
    """The oldest of the unbroken run of versions of `name` that have the property, counted back from `before`."""
    limit = (before or case.execution).id  # type: ignore[union-attr]
    oldest: Version | None = None
    for version in case.versions(name):
        if version.execution.id >= limit:
            continue
        if version.value is None or not holds(version.value):
            break
        oldest = version
    if oldest is None or oldest.value is None:
        return None
    source = oldest.execution.source
    return Author(oldest.execution, name, oldest.value, oldest.change.old, assigning_line(source, name), is_loaded(source, name))


def values_before(case: Situation, found: Author) -> list[Value]:
    """What the name was before the cell, and what the cell made it from."""
    names = parents(found.execution.source, found.name)
    known = [found.old, *(case.value_before(name, found.execution) for name in names)]
    return [value for value in known if value is not None]
