"""Which element a function of the user's was called with by `map`, an executor or a loop further out, and where that stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, GeneratorType
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.bounds import loop_fact
from agentlog.evidence.failing import Failing
from agentlog.evidence.places import position_of
from agentlog.evidence.registry import collector
from agentlog.evidence.source import assignments_of
from agentlog.expression import names_in

_OVER_ALL = frozenset({"map", "filter", "starmap", "imap", "imap_unordered", "map_async", "starmap_async"})
_FOR_ONE = frozenset({"submit"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)
_COMPREHENDING = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


@dataclass(frozen=True, slots=True)
class Round:
    """`call` gave each element of `iterated` to the parameter at `place` of the failing function."""

    call: ast.expr
    iterated: ast.expr
    place: int = 0


@collector()
def called_for_each(failing: Failing) -> list[Fact]:
    """The position of the failing function's argument in what `map(f, items)` goes over; else how far the loops of its callers had come."""
    for caller in failing.callers():
        for one in _rounds(caller, failing):
            found = _placed(failing.names.get(_parameter(failing, one), UNKNOWN), caller.outer(one.iterated))
            if found is not None:
                return [Fact(f"{found.text}, called by {_short(one.call)}", about=_short(one.iterated))]
        if looped := _came_to(caller):
            return looped[:2]
    return []


def source_of_argument(failing: Failing) -> tuple[str, ast.expr, Any] | None:
    """(parameter, what `map` or the executor goes over as the caller wrote it, its value)."""
    for caller in failing.callers():
        for one in _rounds(caller, failing):
            return _parameter(failing, one), one.iterated, caller.outer(one.iterated)
    return None


def _parameter(failing: Failing, one: Round) -> str:
    code = failing.user.frame.f_code if failing.user is not None else None
    return code.co_varnames[one.place] if code is not None and one.place < code.co_argcount else ""


def _placed(value: object, holder: Any) -> Fact | None:
    known = peek.exactly(holder, list, tuple, range) or probe.is_series(holder) or probe.is_array(holder)
    return position_of(value, holder) if known and value is not UNKNOWN else None


def _rounds(caller: Failing, failing: Failing) -> Iterator[Round]:
    """What called the failing function or handed it on, once for each element: in the running statement, in the heads of the loops around
    it, and where iterators and lists of futures named in those were made."""
    running = [*filter(None, [caller.statement]), *(iterated for _, iterated in caller.loops())]
    lazy = [name for tree in running for name in names_in(tree) if _keeps_calls(caller.outer(ast.Name(name, ast.Load())))]
    made = [one.value for name in dict.fromkeys(lazy) for one in assignments_of(caller, name)[-1:]]
    for node in (node for tree in (*running, *made) for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and _named(node, _OVER_ALL) and len(node.args) > 1 and _hands_on(caller, node, failing):
            yield Round(node, node.args[1])
        elif isinstance(node, _COMPREHENSIONS):
            yield from _comprehended(caller, node.elt, node.generators[0], failing)


def _keeps_calls(value: Any) -> bool:
    return peek.exactly(value, map, filter, GeneratorType) or (
        type(value) is list and bool(value) and probe.type_name(value[0]) == "Future"
    )


def _comprehended(caller: Failing, element: ast.expr, loop: ast.comprehension, failing: Failing) -> Iterator[Round]:
    """`f(item) for item in items` and `pool.submit(f, item) for item in items`."""
    for call in (node for node in ast.walk(element) if isinstance(node, ast.Call)):
        texts = [ast.unparse(part) for part in call.args]
        place = texts.index(ast.unparse(loop.target)) if ast.unparse(loop.target) in texts else -1
        if place >= 0 and _is(caller.outer(call.func), failing):
            yield Round(call, loop.iter, place)
        elif place > 0 and _named(call, _FOR_ONE) and _hands_on(caller, call, failing):
            yield Round(call, loop.iter, place - 1)


def _named(call: ast.Call, names: frozenset[str]) -> bool:
    return (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)) in names


def _is(value: Any, failing: Failing) -> bool:
    """Is it the failing function?"""
    return type(value) is FunctionType and failing.user is not None and value.__code__ is failing.user.frame.f_code


def _hands_on(caller: Failing, call: ast.Call, failing: Failing) -> bool:
    """Is the failing function the first argument of `call`?"""
    if isinstance(call.args[0], ast.Lambda):
        return failing.user is not None and failing.user.frame.f_code.co_name == "<lambda>"
    return _is(caller.outer(call.args[0]), failing)


def _came_to(caller: Failing) -> list[Fact]:
    """The elements at which the `for` statements around the running line of a caller were, and the comprehension that it is."""
    within = caller.user is not None and caller.user.frame.f_code.co_name in _COMPREHENDING
    statements = [
        loop.target for loop in (caller.located.around if caller.located else ()) if isinstance(loop, (ast.For, ast.AsyncFor))
    ]
    found = []
    for target, iterated in caller.loops():
        place = _placed(caller.resolve(target), caller.outer(iterated)) if within or target in statements else None
        found += [loop_fact(caller, target, iterated, f"{ast.unparse(target)} = {place.text}")] if place else []
    return found


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 80 else f"{text[:77]}..."
