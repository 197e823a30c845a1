"""`describe(value) -> Value`: what an object is, in bounded time and memory, without running the user's code.

The way of a value: its exact type, else the first ancestor, that a describer is registered for. A describer reads
through C-level slots and the library's own functions, asks the `Look` how much may be shown, and has its children
described by the same walk. Nothing is imported here that the host has not imported already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agentlog import peek
from agentlog.clock import clock
from agentlog.events import Value
from agentlog.kinds import EXACT, describer_of
from agentlog.look import Look
from agentlog.settings import Limits

_CHEAP = frozenset(map(id, (int, float, bool, str, bytes, type(None), complex)))
_BUILTIN = frozenset(map(id, (list, tuple, dict, set, frozenset, range)))
"""By id: to ask a set for a class may run the hash of its metaclass."""
_SIMPLE_SHARE = 0.6
"""Of the time, what scalars and text may take before all others are looked at."""
_FACTS_ONLY = 12
"""Values that have their schema told even when the time is over."""
_PLAIN = Limits()
NOT_LOOKED_AT = "not looked at: out of time"


def describe(value: object, limits: Limits = Limits(), *, deadline: float | None = None, depth: int | None = None) -> Value:  # noqa: B008
    """`value` as plain data within `limits`. Never raises.

    deadline: a moment of `clock.perf_counter()`; `limits.describe_ms` from now by default.
    depth: levels of nesting shown; `limits.depth` by default; 0 shows the value alone.
    """
    if deadline is None:
        deadline = clock.perf_counter() + limits.describe_ms / 1000
    return _walk(value, Look(limits, deadline, _walk, levels=limits.depth if depth is None else depth))


def describe_names(
    names: Mapping[str, object],
    limits: Limits = Limits(),  # noqa: B008
    *,
    deadline: float | None = None,
) -> dict[str, Value]:
    """Every name's value within one deadline, in the order of `names`; the cheap ones are looked at first.

    What there was no time for keeps its type and says so in `cut`. Never raises.
    """
    begun = clock.perf_counter()
    deadline = begun + limits.describe_ms / 1000 if deadline is None else deadline
    ranks = {name: _rank(value) for name, value in names.items()}
    simple = [name for name, rank in ranks.items() if rank == 0]
    other = sorted((name for name, rank in ranks.items() if rank), key=ranks.__getitem__)
    done: dict[str, Value] = {}
    first = _describe_simple(names, simple, done, limits, begun + (deadline - begun) * (_SIMPLE_SHARE if other else 1))
    _describe_others(names, other, done, limits, deadline)
    _describe_simple(names, simple[first:], done, limits, deadline)
    unseen: dict[int, Value] = {}
    for name, value in names.items():
        if name not in done:
            done[name] = unseen.setdefault(id(type(value)), unseen.get(id(type(value))) or _unseen(value))
    return {name: done[name] for name in names}


def _describe_simple(
    names: Mapping[str, object], wanted: list[str], done: dict[str, Value], limits: Limits, deadline: float
) -> int:
    """Describe scalars and text until the deadline; returns how many were done."""
    look = Look(limits, deadline, _walk, levels=0)
    for position, name in enumerate(wanted):
        if position % 32 == 31 and look.late():
            return position
        done[name] = _walk(names[name], look)
    return len(wanted)


def _describe_others(
    names: Mapping[str, object], wanted: list[str], done: dict[str, Value], limits: Limits, deadline: float
) -> None:
    """Each may use an equal part of the time left, and at least what an eighth of it gives."""
    for position, name in enumerate(wanted):
        now = clock.perf_counter()
        if now >= deadline:
            return _facts_only(names, wanted[position : position + _FACTS_ONLY], done)
        done[name] = describe(names[name], limits, deadline=now + (deadline - now) / min(8, len(wanted) - position))


def _facts_only(names: Mapping[str, object], wanted: list[str], done: dict[str, Value]) -> None:
    """A pause of the collector may eat the time: what a frame's columns are costs little and says much."""
    for name in wanted:
        done[name] = replace(schema(names[name]), cut=NOT_LOOKED_AT)


def schema(value: object, *, count_nulls: int = 0) -> Value:
    """Facts that cost microseconds: type, shape, dtypes, columns, length, the value of scalars. Never raises.

    count_nulls: cells of a frame up to which its missing values are counted too.
    """
    deadline = clock.perf_counter() + _PLAIN.describe_ms / 1000
    return _walk(value, Look(_PLAIN, deadline, _walk, levels=0, brief=True, counted=count_nulls))


def _rank(value: object) -> int:
    """0 scalars, 1 builtin containers, 2 all others."""
    kind = id(type(value))
    return 0 if kind in _CHEAP else 1 if kind in _BUILTIN else 2


def _walk(value: object, look: Look) -> Value:
    try:
        if id(type(value)) in _CHEAP:
            return EXACT[type(value)](value, look)
        if id(value) in look.path:
            return _named(value, "cycle: shown above")
        if look.level and look.late():
            return _late(value, look)
        look.path.add(id(value))
        try:
            return describer_of(value)(value, look)
        finally:
            look.path.discard(id(value))
    except Exception as error:
        return _named(value, f"could not be looked at: {peek.class_name(type(error))}")


def _late(value: object, look: Look) -> Value:
    """The schema of the first parts that time ran out for: the columns of a frame cost little and say much."""
    if look.grace <= 0 or look.brief:
        return _unseen(value)
    look.grace -= 1
    return replace(schema(value), cut=NOT_LOOKED_AT)


def _unseen(value: object) -> Value:
    return _named(value, NOT_LOOKED_AT)


def _named(value: object, cut: str) -> Value:
    return Value(type=peek.class_name(type(value)), module=peek.class_module(type(value)), cut=cut)
