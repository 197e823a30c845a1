"""Types that do not go together: both sides with type and value; elements of a mixed list; a builtin that was rebound."""

from __future__ import annotations

import ast
import builtins
import re
import types
from typing import Any

from agentlog import peek
from agentlog.evaluate import PLAIN, UNKNOWN, package_of
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.calls import PATTERN as WRONG_CALL
from agentlog.evidence.facts import described, subject
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector

PATTERN = (
    r"unsupported operand|can only concatenate|not supported between|must be|expected|is not (?:iterable|callable|subscriptable|a mapping|an iterator)|"
    r"unhashable|has no len|does not support|cannot be interpreted|argument|can't (?:multiply|compare|subtract)|not JSON serializable|bad operand|"
    r"uniformly|mixed|indices must be|ambiguous|Cannot (?:compare|subtract|perform|interpret|join)|cannot (?:convert|compare|add|unpack)|ufunc|operation|supported"
)


@collector("TypeError", "UFuncTypeError", pattern=PATTERN)
def operand_types(failing: Failing) -> Evidence | None:
    """Type and value of each operand; of a list, series or array of mixed types what is in it."""
    if re.search(WRONG_CALL, failing.message):
        return None
    facts = _sides(failing) or [described(value, text) for text, value in failing.data()[:8]]
    facts += [fact for text, value in failing.data()[:8] for fact in mixed(value, text)]
    facts += _rebound(failing) + _not_callable(failing)
    return Evidence("operand_types", tuple(dict.fromkeys(facts))) if facts else None


def _sides(failing: Failing) -> list[Fact]:
    """The two sides of the innermost operator, also where one of them is a call whose type only the message tells."""
    told = [] if "ufunc" in failing.message else re.findall(r"'([^']+)'", failing.message)
    exact = failing.located is not None and failing.located.exact
    nodes = [failing.node] if exact else list(failing.nodes(ast.BinOp, ast.AugAssign, ast.Compare))
    pairs = [pair for node in nodes if (pair := _pair(node))]
    facts = []
    for side, part in enumerate(pairs[0] if len(pairs) == 1 else ()):
        value = failing.resolve(part)
        about, what = subject(failing, part, value)
        if value is UNKNOWN:
            what = f"of type {told[side]}" if len(told) == 2 else ""
        said = f"{'left' if side == 0 else 'right'} side is {what}"
        facts += [Fact(said, about=None if isinstance(part, ast.Constant) else about)] if what else []
    return facts


def _pair(node: ast.AST | None) -> list[ast.expr]:
    """Left and right of an operator."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [node.target, node.value]
    return [node.left, node.comparators[0]] if isinstance(node, ast.Compare) else []


def mixed(value: Any, about: str) -> list[Fact]:
    """Elements of more than one type, and where the rare ones are."""
    is_object = (
        probe.dtype_of(value) in ("object", "str", "string") if probe.is_tabular(value) and not probe.is_frame(value) else False
    )
    if not peek.exactly(value, list, tuple, set) and not is_object:
        return []
    items = probe.items_of(value, 20_000)
    counts = probe.tally(items)
    if len(counts) < 2:
        kept = (
            f"{probe.type_name(value)} of {counts[0][0]} elements, e.g. {probe.some(items[:4])}" if counts and is_object else ""
        )
        return [Fact(kept, about=about)] if kept else []
    rare = counts[-1][0]
    position, first = next((i, item) for i, item in enumerate(items) if peek.class_name(type(item)) == rare)
    place = f", the first {rare} at position {position}{_as_it_is(first)}" if type(value) is not set else ""
    return [Fact(f"elements: {probe.tally_text(counts)}{place}", about=about)]


def _as_it_is(item: object) -> str:
    return f": {probe.show(item, 40)}" if type(item) in PLAIN and item is not None else ""


def _rebound(failing: Failing) -> list[Fact]:
    """A builtin's name that now means something else."""
    facts = []
    for node in failing.nodes(ast.Call):
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        value = failing.scope.lookup(name) if name else UNKNOWN
        if value is not UNKNOWN and hasattr(builtins, name) and value is not getattr(builtins, name):
            facts.append(Fact(f"hides the builtin of this name: it is {probe.say(value)}", about=name))
    return facts


def _not_callable(failing: Failing) -> list[Fact]:
    if "is not callable" not in failing.message:
        return []
    facts = []
    for node in failing.nodes(ast.Call):
        callee = node.func  # type: ignore[attr-defined]
        value = failing.resolve(callee)
        if value is UNKNOWN or callable(value):
            continue
        if issubclass(type(value), types.ModuleType):
            members = [
                name for name in peek.module_dict(value) if name.casefold() == ast.unparse(callee).split(".")[-1].casefold()
            ]
            facts.append(
                Fact(
                    f"is {probe.say(value)}" + (f", which holds {', '.join(members)}" if members else ""),
                    about=ast.unparse(callee),
                )
            )
        else:
            facts.append(Fact(f"is {probe.say(value)}, not callable", about=ast.unparse(callee)))
    return facts


@collector("TypeError", pattern=r"unhashable type: '(\w+)'")
def unhashable(failing: Failing) -> list[Fact]:
    """Which element cannot be hashed, and where it stands."""
    wanted = re.search(r"unhashable type: '(\w+)'", failing.message)
    name = wanted.group(1) if wanted else ""
    facts = []
    for text, value in failing.data():
        if probe.type_name(value) == name:
            facts.append(Fact(f"is {probe.say(value)}", about=text))
        elif probe.is_frame(value):
            facts += _unhashable_columns(value, text, name)
        elif probe.length_of(value) and type(value) is not str:
            hits = [i for i, item in enumerate(probe.items_of(value, 20_000)) if probe.type_name(item) == name]
            facts += [Fact(f"{len(hits)} elements are {name}, the first at position {hits[0]}", about=text)] if hits else []
    return facts[:5]


def _unhashable_columns(frame: Any, about: str, name: str) -> list[Fact]:
    found = []
    for position, (label, dtype) in enumerate(probe.dtypes_of(frame)[:200]):
        if dtype == "object" and any(
            probe.type_name(item) == name for item in probe.items_of(probe.column(frame, position), 2000)
        ):
            found.append(label)
    return [Fact(f"columns that hold {name}: {probe.some(found)}", about=about)] if found else []


@collector("TypeError", pattern=r"not JSON serializable|Object of type")
def unserialisable(failing: Failing) -> list[Fact]:
    """Where in the object the value stands that JSON has no form for."""
    wanted = re.search(r"of type '?(\w+)'?", failing.message)
    facts = []
    for text, value in failing.data():
        path = _find_type(value, wanted.group(1) if wanted else "", text)
        facts += [Fact(path[1], about=path[0])] if path else []
    return facts[:3]


def _find_type(value: Any, name: str, path: str, depth: int = 0) -> tuple[str, str] | None:
    if probe.type_name(value) == name:
        return path, f"is {probe.say(value)} of {package_of(type(value))}"
    if depth > 8:
        return None
    parts = (
        list(value.items())[:500]
        if type(value) is dict
        else list(enumerate(value[:500]))
        if peek.exactly(value, list, tuple)
        else []
    )
    for key, part in parts:
        found = _find_type(part, name, f"{path}[{probe.show(key)}]", depth + 1)
        if found:
            return found
    return None
