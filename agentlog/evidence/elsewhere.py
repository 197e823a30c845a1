"""Where a key that is missing is to be found: one level below, in other elements, in other tables, among groups."""

from __future__ import annotations

import ast
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.evaluate import DICTS, UNKNOWN, package_of
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import absent
from agentlog.evidence.failing import Failing


def inside(owner: Any, about: str | None, keys: list[object]) -> list[Fact]:
    """A dict one level below that has the key."""
    key = keys[0] if keys else UNKNOWN
    if type(owner) not in DICTS or not about or type(key) is not str:
        return []
    held = [name for name, value in islice(dict.items(owner), 200) if type(value) is dict and key in value]
    return [Fact(f"{probe.show(key)} is a key of {about}[{probe.show(held[0])}]", about=about)] if held else []


def in_elements(failing: Failing, keys: list[object]) -> list[Fact]:
    """Where the loop around goes over dicts: how many of them lack the key, and what the first of those has."""
    key = keys[0] if keys else UNKNOWN
    for target, iterated in failing.loops():
        items = probe.items_of(failing.resolve(iterated))
        if not isinstance(target, ast.Name) or not items or type(items[0]) is not dict or not probe.comparable([key]):
            continue
        lack = [i for i, item in enumerate(items) if type(item) is dict and key not in item]
        if lack:
            said = f"{len(lack)} of {len(items)} elements have no {probe.show(key)}, the first is element {lack[0]}"
            return [Fact(f"{said} with {probe.some(list(items[lack[0]]), 20)}", about=ast.unparse(iterated))]
    return []


def elsewhere(failing: Failing, keys: list[object], owner: object) -> list[Fact]:
    """Other tables and dicts of the user's that do have the key."""
    key = keys[0] if keys else None
    if type(key) is not str:
        return []
    found = []
    for name, value in list(failing.names.items())[-400:]:
        if value is owner or name.startswith("_"):
            continue
        if (probe.is_frame(value) and key in probe.columns_of(value)) or (type(value) is dict and dict.__contains__(value, key)):
            found.append(Fact(f"has {probe.show(key)} ({probe.say(value)})", about=name))
    return found[:4]


def grouped_by(failing: Failing) -> Evidence | None:
    """A group that a groupby does not have: the values there are."""
    for level in failing.levels:
        known = level.names
        value = known.get("self")
        if level.function.endswith("get_group") and package_of(type(value)) == "pandas":
            facts = _group_facts(value, known.get("name", UNKNOWN), failing)
            return Evidence("missing_group", tuple(facts)) if facts else None
    return None


def _group_facts(grouped: object, wanted: object, failing: Failing) -> list[Fact]:
    frame, key = peek.own(grouped, "obj"), peek.own(grouped, "keys")
    if not probe.is_frame(frame) or type(key) is not str or key not in probe.columns_of(frame):
        return []
    about = f"{failing.name_of(frame) or 'the table'}[{key!r}]"
    values = list(dict.fromkeys(probe.comparable(probe.items_of(probe.column(frame, probe.columns_of(frame).index(key))))))
    return [absent("group", wanted, values, about), Fact(f"{len(values)} groups: {probe.some(values, 30)}", about=about)]
