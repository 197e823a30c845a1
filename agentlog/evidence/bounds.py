"""An index beyond the end: the length, the index, and what the loop around goes over."""

from __future__ import annotations

import ast
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import described
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.source import fed_by, mentioned

_GROWERS = frozenset({"pop", "popleft", "popitem"})


@collector("IndexError")
def index_out_of_range(failing: Failing) -> list[Fact]:
    """Length or shape of each thing indexed on the line, the value of the index, and what is looped over."""
    asked = [fact for node in failing.nodes(ast.Subscript) for fact in indexed(failing, node)]  # type: ignore[arg-type]
    facts = [fact for fact in asked if fact.kind == "answers"] or asked
    facts += _emptied(failing)
    return facts[:8] + looped(failing)


def indexed(failing: Failing, node: ast.Subscript) -> list[Fact]:
    """What `a[i]` asked of `a`."""
    base, via = _base(node)
    owner, key = failing.resolve(base), failing.resolve(node.slice)
    if owner is UNKNOWN:
        return []
    shape, length = probe.shape_of(owner), probe.length_of(owner)
    if length is None or type(owner) is dict or (probe.is_frame(owner) and not via):
        return []
    about, index = ast.unparse(base), ast.unparse(node.slice)
    odd = f" ({probe.type_name(key)})" if not peek.exactly(key, int, slice, tuple) and key is not UNKNOWN else ""
    asked = index + odd if key is UNKNOWN or probe.show(key) == index else f"{index} = {probe.show(key)}"
    several = shape is not None and len(shape) > 1
    wrong = _per_axis(shape, key) if shape is not None and several else _beyond(length, key)
    said = f"{probe.say(owner)}{'' if several else _valid(length)}; {via}index {asked}{wrong}"
    return [Fact(said, about=about, kind="answers" if wrong or not length else "observes")]


def _base(node: ast.Subscript) -> tuple[ast.expr, str]:
    """What is indexed, through `.iloc` and the like."""
    if isinstance(node.value, ast.Attribute) and node.value.attr in ("iloc", "iat", "loc", "at", "values"):
        return node.value.value, f".{node.value.attr} "
    return node.value, ""


def _valid(length: int) -> str:
    return f", valid 0..{length - 1}" if length else ", nothing to index"


def _beyond(length: int, key: object) -> str:
    if type(key) is tuple:
        return f": {len(key)} indices for 1 dimension"
    if type(key) is int and not -length <= key < length:
        return " is out of range"
    return ""


def _per_axis(shape: tuple[int, ...], key: object) -> str:
    keys = key if type(key) is tuple else (key,)
    if len(keys) > len(shape):
        return f": {len(keys)} indices for {len(shape)} dimensions"
    wrong = [
        f"axis {axis} has {size}, asked for {asked}"
        for axis, (size, asked) in enumerate(zip(shape, keys, strict=False))
        if _out(asked, size)
    ]
    return f": {', '.join(wrong)}" if wrong else ""


def _out(asked: Any, size: int) -> bool:
    return type(asked) is int and not -size <= asked < size


def _emptied(failing: Failing) -> list[Fact]:
    """`pop` and the like on something empty."""
    facts = []
    for node in failing.nodes(ast.Call):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GROWERS:
            owner = failing.resolve(node.func.value)
            if owner is not UNKNOWN and probe.length_of(owner) is not None:
                facts.append(described(owner, ast.unparse(node.func.value)))
    return facts


def loop_fact(failing: Failing, target: ast.expr, iterated: ast.expr, said: str) -> Fact:
    """How far a loop had come; where nothing that failed was made from its variables, this only describes the place."""
    text = f"the loop `for {ast.unparse(target)} in {_cut(ast.unparse(iterated))}`"
    return Fact(f"{text}: {said}" if said else text, kind="observes" if fed_by(failing, target) else "describes")


def _cut(text: str, most: int = 70) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def looped(failing: Failing, loops: list[tuple[ast.expr, ast.expr]] | None = None) -> list[Fact]:
    """What the loops around the failing line go over, with the sizes of what stands in there."""
    facts = []
    for target, iterated in failing.loops()[:3] if loops is None else loops:
        sizes = [f"{name} is {probe.say(value)}" for name, value in _sources(failing, iterated)]
        now = [f"{name} = {probe.show(value)}" for name, value in _targets(failing, target)]
        said = "; ".join(filter(None, [", ".join(now), ", ".join(sizes)]))
        facts.append(loop_fact(failing, target, iterated, said))
    return facts


def _sources(failing: Failing, iterated: ast.expr) -> list[tuple[str, object]]:
    from agentlog.expression import operands_of

    found = operands_of(iterated, failing.scope)
    return [(text, value) for text, value in found if probe.length_of(value) is not None or type(value) is int][:4]


def _targets(failing: Failing, target: ast.expr) -> list[tuple[str, object]]:
    known = [(name, failing.resolve(name)) for name in mentioned(target)]
    return [(name, value) for name, value in known if value is not UNKNOWN]
