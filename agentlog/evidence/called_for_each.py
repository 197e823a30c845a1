"""Which element a function of the user's was called with by `map`, an executor or a loop further out, and where that stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from agentlog.evaluate import UNKNOWN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.bounds import loop_text
from agentlog.evidence.failing import Failing
from agentlog.evidence.places import position_of
from agentlog.evidence.registry import collector
from agentlog.evidence.source import assignments_of
from agentlog.expression import names_in

_OVER_ALL = frozenset({"map", "filter", "starmap", "imap", "imap_unordered", "map_async", "starmap_async"})
_FOR_ONE = frozenset({"submit", "apply_async", "delayed", "run_in_executor"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)


@collector()
def called_for_each(failing: Failing) -> list[Fact]:
    """The position of the failing function's argument in what `map(f, items)` goes over; else how far the loops of its callers had come."""
    callers = failing.callers()
    given = _argument(failing)
    for caller in callers:
        for call, iterated in _calls_over(caller, failing):
            found = _placed(given, caller.outer(iterated))
            if found is not None:
                return [Fact(f"{found.text}, called by {_short(call)}", about=_short(iterated))]
    return [fact for caller in callers for fact in _came_to(caller)][:2]


def source_of_argument(failing: Failing) -> tuple[str, ast.expr, Any] | None:
    """(parameter, what `map` or the executor goes over as the caller wrote it, its value)."""
    code = failing.user.frame.f_code if failing.user is not None else None
    if code is None or not code.co_argcount:
        return None
    for caller in failing.callers():
        for _, iterated in _calls_over(caller, failing):
            return code.co_varnames[0], iterated, caller.outer(iterated)
    return None


def _argument(failing: Failing) -> object:
    """The first argument of the failing function, as it is now."""
    code = failing.user.frame.f_code if failing.user is not None else None
    return failing.names.get(code.co_varnames[0], UNKNOWN) if code is not None and code.co_argcount else UNKNOWN


def _placed(value: object, holder: Any) -> Fact | None:
    known = type(holder) in (list, tuple, range) or probe.is_series(holder) or probe.is_array(holder)
    return position_of(value, holder) if known and value is not UNKNOWN else None


def _calls_over(caller: Failing, failing: Failing) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(call, what it goes over) of each call that handed the failing function on: in the running statement, the heads of the loops around
    it, and where the names in those were made."""
    running = [*filter(None, [caller.statement]), *(iterated for _, iterated in caller.loops())]
    made = [one.value for tree in running for name in names_in(tree) for one in assignments_of(caller, name)[-1:]]
    for node in (node for tree in (*running, *made) for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and _named(node, _OVER_ALL) and len(node.args) > 1 and _hands_on(caller, node, failing):
            yield node, node.args[1]
        elif isinstance(node, _COMPREHENSIONS) and isinstance(node.elt, ast.Call) and _named(node.elt, _FOR_ONE):
            loop = node.generators[0]
            if _hands_on(caller, node.elt, failing) and ast.unparse(loop.target) in map(ast.unparse, node.elt.args):
                yield node.elt, loop.iter


def _named(call: ast.Call, names: frozenset[str]) -> bool:
    return (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)) in names


def _hands_on(caller: Failing, call: ast.Call, failing: Failing) -> bool:
    """Is the failing function among the first arguments of `call`?"""
    code = failing.user.frame.f_code if failing.user is not None else None
    first = [(part, caller.outer(part)) for part in call.args[:2]]
    return any(getattr(value, "__code__", None) is code for _, value in first if probe.type_name(value) == "function") or any(
        isinstance(part, ast.Lambda) and code is not None and code.co_name == "<lambda>" for part, _ in first
    )


def _came_to(caller: Failing) -> list[Fact]:
    """The elements at which the `for` statements around the running line of a caller were."""
    found = []
    for loop in reversed(caller.located.around if caller.located else ()):
        if isinstance(loop, (ast.For, ast.AsyncFor)):
            place = _placed(caller.resolve(loop.target), caller.outer(loop.iter))
            found += [Fact(f"{loop_text(loop.target, loop.iter)}: {ast.unparse(loop.target)} = {place.text}")] if place else []
    return found


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 80 else f"{text[:77]}..."
