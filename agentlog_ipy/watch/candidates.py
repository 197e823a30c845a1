"""Which names a cell may have changed in place: by its text, by what it calls, and by what they share with others."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from agentlog import peek
from agentlog.static import CellNames
from agentlog_ipy.watch.reach import Reached, leaves_arguments_alone, reach
from agentlog_ipy.watch.watched import Watched

States = Mapping[str, Watched]


def candidates(names: CellNames, reached: Reached, states: States, namespace: Mapping[str, Any]) -> frozenset[str]:
    """Names whose object the cell may change in place, aliases included."""
    if names.dynamic or names.star or reached.dynamic or not names.valid:
        return frozenset(name for name, state in states.items() if not state.fixed)
    direct = set(_direct(names, reached, states, namespace))
    return frozenset(direct | _aliases(direct, states)) if direct else frozenset()


def _direct(names: CellNames, reached: Reached, states: States, namespace: Mapping[str, Any]) -> Iterable[str]:
    may = names.mutates | names.may_mutate | reached.changes
    if names.passed:
        loud = {name for function, name in names.passed if not leaves_arguments_alone(namespace, function)}
        may -= {name for _, name in names.passed} - loud - names.mutates - reached.changes
    may |= _hidden(names, states, namespace)
    for name in may:
        if name in states and not states[name].fixed:
            yield name
    for name in names.loads | reached.reads:
        if name in states and states[name].worth_a_look:
            yield name


def _hidden(names: CellNames, states: States, namespace: Mapping[str, Any]) -> set[str]:
    """What the text alone does not name as changed: behind a function's result, a library's name, the figure that is open."""
    found = {name for name in names.unless_module if not peek.is_a(namespace.get(name), ModuleType)}
    if names.results:
        found |= names.results | reach(namespace, names.results).reads
    plots = sys.modules.get("matplotlib.pyplot")
    if plots is not None and any(namespace.get(name) is plots for name in names.loads):
        found |= {name for name in states if name in namespace and peek.really_in(namespace[name], "matplotlib")}
    return found


def _aliases(direct: Iterable[str], states: States) -> set[str]:
    """Names that share the object, a part or memory with one of `direct`."""
    parts: set[int] = set()
    spans: list[tuple[int, int]] = []
    for name in direct:
        parts.add(states[name].oid)
        parts |= states[name].parts
        spans.extend(states[name].spans)
    apart = parts.isdisjoint
    found = set()
    for name, state in states.items():
        if state.fixed:
            continue
        if state.oid in parts or not apart(state.parts) or (spans and state.spans and _overlap(state.spans, spans)):
            found.add(name)
    return found


def _overlap(own: tuple[tuple[int, int], ...], others: list[tuple[int, int]]) -> bool:
    return any(low < end and start < high for low, high in own for start, end in others)
