"""Errors inside functions that something else called: which element, at which position; and where a chain began."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.border import passes_on
from agentlog.evaluate import DICTS, PLAIN, UNKNOWN
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.bounds import loop_fact, looped
from agentlog.evidence.conversions import column_facts
from agentlog.evidence.failing import Failing
from agentlog.evidence.places import position_of
from agentlog.evidence.registry import collector
from agentlog.stack import Level, arguments_of, cause_of, members_of, traceback_of

_MEMBERS = 10_000
"""Members of a group that are counted."""
_CALLERS = frozenset(
    {
        "apply",
        "map",
        "applymap",
        "transform",
        "agg",
        "aggregate",
        "pipe",
        "filter",
        "assign",
        "apply_along_axis",
        "vectorize",
        "submit",
        "run",
    }
)


@collector()
def element(failing: Failing) -> Evidence | None:
    """The argument of a callback that a library called, and its position in what was worked through."""
    user = failing.user
    if user is None or user not in failing.levels:
        return None
    position = failing.levels.index(user)
    before = _before(failing.levels, position)
    between = [level for level in before if not level.user and not passes_on(level, "")]
    if not between:
        return None
    code = user.frame.f_code
    names = code.co_varnames[: code.co_argcount]
    known = user.names
    given = [(name, known[name]) for name in names if name in known and name != "self"]
    via = f"{(between[0].module or '').partition('.')[0]} {between[0].function}"
    facts = [Fact(f"{user.function} was called by {via} with {', '.join(f'{name} = {_brief(value)}' for name, value in given)}")]
    about = _applied_to(failing.levels[position - len(before) - 1])
    facts += [replace(fact, about=about) for fact in _where(between, given)]
    return Evidence("element", (*facts, *_others_like_it(failing, between, about)))


def _applied_to(outer: Level) -> str | None:
    """`df['age']` of the user's line `df['age'].apply(to_number)`, None where it is not on one line or not one call."""
    line = next(iter(outer.lines()[outer.line - 1 : outer.line]), "").strip()
    try:
        calls = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        return None
    on = [call.func.value for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in _CALLERS]
    return ast.unparse(on[0])[:80] if len(on) == 1 else None


def _others_like_it(failing: Failing, between: list[Level], about: str | None) -> list[Fact]:
    """Of a conversion that failed on one element: what else in the series cannot be converted; else what its elements are like."""
    column = next((level.names["self"] for level in between if probe.is_series(level.names.get("self"))), None)
    if column is None or about is None or failing.is_a(KeyError):
        return []
    items = probe.items_of(column)
    found = column_facts(items, UNKNOWN) if failing.is_a(ValueError, TypeError) else []
    found = found or [f"elements like {probe.some([item for item in items[:3] if type(item) in PLAIN])[:120]}"]
    return [Fact("; ".join([probe.say(column), *found]), about=about)]


def _before(levels: list[Level], position: int) -> list[Level]:
    """The library levels directly above the user's, up to the user's code that called them."""
    start = position
    while start > 0 and not levels[start - 1].user:
        start -= 1
    return levels[start:position] if start > 0 else []


def _brief(value: Any) -> str:
    if probe.is_series(value):
        items = [
            f"{probe.show(key)}: {probe.show(item, 40)}"
            for key, item in zip(probe.labels_of(value.index, 20), probe.items_of(value, 20), strict=False)
        ]
        return f"row {probe.show(value.name)} ({', '.join(items)})"
    return probe.show(value)


def _where(between: list[Level], given: list[tuple[str, object]]) -> list[Fact]:
    """Position of the first argument in the series or array that was worked through."""
    if not given:
        return []
    wanted = given[0][1]
    if probe.is_series(wanted):
        return _row(between, wanted)
    for level in between:
        for name in ("self", "obj", "arr", "values", "iterable"):
            holder = level.names.get(name)
            if probe.is_series(holder) or probe.is_array(holder) or peek.exactly(holder, list, tuple):
                found = position_of(wanted, holder)
                if found:
                    return [found]
    return []


def _row(between: list[Level], row: Any) -> list[Fact]:
    for level in between:
        table: Any = level.names.get("self")
        if probe.is_frame(table) and type(row.name) in PLAIN and table.index.is_unique and len(table) <= probe.SCAN:
            labels = probe.labels_of(table.index, probe.SCAN)
            if row.name in labels:
                return [Fact(f"row {labels.index(row.name)} of {len(table)}, label {probe.show(row.name)}")]
    return []


@collector()
def iteration(failing: Failing) -> Evidence | None:
    """How far the loops and comprehensions around the failing line had come. Index errors say this themselves."""
    if not failing.loops() or failing.is_a(IndexError, KeyboardInterrupt, TimeoutError):
        return None
    running = [(target, iterated) for target, iterated in failing.loops() if not _is(failing.node, iterated)]
    facts = [_came_to(failing, *loop) or looped(failing, [loop])[0] for loop in running[:3]]
    return Evidence("iteration", (*facts, *(fact for loop in running[:2] for fact in _same_key(failing, *loop))))


def _same_key(failing: Failing, target: ast.expr, iterated: ast.expr) -> list[Fact]:
    """Where the loop goes over a dict: what other dicts with as many keys hold under the key at which it was."""
    first = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
    base = iterated.func.value if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Attribute) else iterated
    key, owner = failing.resolve(first), failing.resolve(base)
    if type(key) not in PLAIN or not _has(owner, key, owner):
        return []
    known: list[tuple[str, Any]] = [(name, value) for name, value in list(failing.names.items())[-400:] if name[:1] != "_"]
    like = [(name, dict.get(value, key)) for name, value in known if value is not owner and _has(value, key, owner)]
    return [Fact(f"[{probe.show(key)}] holds {probe.show(held, 200)}", about=name) for name, held in like][:2]


def _has(value: Any, key: object, like: Any) -> bool:
    """Is it a dict of more than one key, of as many as `like`, with this one?"""
    return type(value) in DICTS and type(like) in DICTS and len(value) == len(like) > 1 and dict.__contains__(value, key)


def _is(node: ast.AST | None, iterated: ast.expr) -> bool:
    """Did what the loop was to go over fail itself? Then the loop has not begun."""
    return node is not None and ast.unparse(node) == ast.unparse(iterated)


def _came_to(failing: Failing, target: ast.expr, iterated: ast.expr) -> Fact | None:
    """The element at which a loop over a list, series or array was."""
    holder, value = failing.outer(iterated), failing.resolve(target)
    if value is UNKNOWN or not (probe.is_series(holder) or probe.is_array(holder) or peek.exactly(holder, list, tuple)):
        return None
    found = position_of(value, holder)
    return loop_fact(failing, target, iterated, f"{ast.unparse(target)} = {found.text}") if found else None


@collector()
def chain(failing: Failing) -> list[Fact] | None:
    """Where a chain of exceptions began: its root, and the user's line it came from."""
    links: list[BaseException] = [failing.error]
    while len(links) < 20:
        before = cause_of(links[-1])[0]
        if before is None or any(before is link for link in links):
            break
        links.append(before)
    if len(links) < 2:
        return None
    root = links[-1]
    place = traceback_of(root)
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    at = f" in {place.tb_frame.f_code.co_name}, line {place.tb_lineno}" if place else ""
    text = _text(root)
    if probe.type_name(root) == probe.type_name(failing.error) and text in (_text(failing.error), failing.message):
        return None
    return [
        Fact(
            f"{len(links)} exceptions in the chain; it began with {probe.type_name(root)}{f': {text[:200]}' if text else ''}{at}"
        )
    ]


def _text(error: BaseException | None) -> str:
    parts = arguments_of(error) if error is not None else ()
    return str(parts[0]) if parts and type(parts[0]) is str else ""


@collector("BaseExceptionGroup")
def group(failing: Failing) -> list[Fact]:
    """How many of each type are in a group, nested ones included; each is described by itself."""
    members = list(islice(_leaves(failing.error), _MEMBERS))
    kinds = Counter(probe.type_name(member) for member in members)
    return [Fact(f"{len(members)} exceptions: {probe.tally_text(kinds.most_common())}")]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group that are none themselves."""
    waiting = [error]
    while waiting:
        one = waiting.pop()
        inner = members_of(one)
        waiting += reversed(inner)
        if not inner:
            yield one
