"""Of a conversion that failed on one element of many: how many of the others would fail the same way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from agentlog import peek
from agentlog.evaluate import PLAIN, UNKNOWN, Scope
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.called_for_each import source_of_argument
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.source import mentioned
from agentlog.expression import names_in, operands_of

_LOOKED = 2_000
_AT_ONCE = 100
"""Elements that are looked at between two looks at the clock."""


@collector(
    "ValueError",
    "TypeError",
    pattern=r"invalid literal for int|could not convert string to float|\A(?:int|float)\(\) argument must be",
)
def like_it(failing: Failing) -> list[Fact]:
    """`int(r['n'])` with each `r` of the loop around, or each argument of the `map` that called: how many `int` does not take."""
    for node in failing.nodes(ast.Call):
        kind = failing.resolve(node.func) if isinstance(node, ast.Call) and len(node.args) == 1 else UNKNOWN
        if isinstance(node, ast.Call) and (kind is int or kind is float):  # not `in`, which would ask a `__eq__` of the user's
            return next(filter(None, (_refused(failing, kind, node.args[0], *source) for source in _sources(failing))), [])
    return []


def _refused(failing: Failing, kind: Any, argument: ast.expr, target: ast.expr, iterated: ast.expr, holder: Any) -> list[Fact]:
    if isinstance(target, ast.Name) and isinstance(argument, ast.Name) and id(holder) in _looped_over(failing):
        return []
    values = _values(failing, argument, target, probe.items_of(holder, _LOOKED))
    refused = [value for value in values if not _taken(kind, value)]
    if len(values) < 2 or not refused:
        return []
    said = f"{len(refused)} of the {len(values)} in {ast.unparse(iterated)[:60]} cannot be given to {kind.__name__}()"
    return [Fact(f"{said}: {probe.some(list(dict.fromkeys(refused)), 5)}", about=ast.unparse(argument)[:60])]


def _looped_over(failing: Failing) -> set[int]:
    """What the loops around go over: if its elements themselves are converted, `unusable_content` says how many are like it."""
    return {id(value) for _, iterated in failing.loops() for _, value in operands_of(iterated, failing.scope)}


def _sources(failing: Failing) -> Iterator[tuple[ast.expr, ast.expr, Any]]:
    """(name that is bound to each element, the elements as the user wrote them, the elements)."""
    for target, iterated in failing.loops():
        yield target, iterated, failing.outer(iterated)
    given = source_of_argument(failing)
    if given is not None:
        yield ast.Name(given[0], ast.Load()), given[1], given[2]


def _values(failing: Failing, argument: ast.expr, target: ast.expr, items: list[Any]) -> list[Any]:
    """What `argument` is for each of `items` bound to `target`; [] where that depends on more than plain data."""
    names = names_in(argument)
    bound = mentioned(target)
    known = {name: failing.resolve(name) for name in names}
    scope = Scope(known, {})
    found: list[Any] = []
    for i, item in enumerate(items if set(bound) & set(names) else []):
        if i % _AT_ONCE == 0 and failing.late():
            break
        parts = item if len(bound) > 1 and peek.exactly(item, tuple, list) else (item,)
        if len(parts) != len(bound):
            return []
        known.update(zip(bound, parts, strict=True))
        value = scope.evaluate(argument)
        if type(value) not in PLAIN:
            return []
        found.append(value)
    return found


def _taken(kind: Any, value: object) -> bool:
    try:
        kind(value)
    except (ValueError, TypeError, OverflowError):
        return False
    return True
