"""Joining, reshaping and grouping tables: both sides, the keys, what overlaps and what is there twice."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN, package_of
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import absent, described, tabled
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.own_text import known_zone, zone_of


@collector(
    "ValueError",
    "MergeError",
    "KeyError",
    "TypeError",
    pattern=r"overlap|merge on|suffix|common columns|left_on|right_on|No common|cannot join|Can only merge|must be.*sorted|merge keys|other must have a name",
)
def joining(failing: Failing) -> Evidence | None:
    """Both tables with their columns, the columns they share, and dtype and values of the keys."""
    left, right = _sides(failing)
    if left is None or right is None:
        return None
    (about_left, one), (about_right, other) = left, right
    columns, others = _labels(one), _labels(other)
    shared = [label for label in columns if label in set(others)]
    facts = [
        Fact(f"left: {probe.say(one)}; columns: {probe.some(columns, 40)}", about=about_left, kind="describes"),
        Fact(f"right: {probe.say(other)}; columns: {probe.some(others, 40)}", about=about_right, kind="describes"),
        Fact(f"in both: {probe.some(shared, 20)}" if shared else "no column is in both"),
    ]
    facts += _keys(failing, left, right, shared)
    return Evidence("joining", tuple(facts), tuple(name for name in (about_left, about_right) if name.isidentifier()))


def _sides(failing: Failing) -> tuple[tuple[str, Any] | None, tuple[str, Any] | None]:
    handed = dict(failing.handed())
    found: list[tuple[str, Any]] = []
    for name in ("left", "self", "right", "other"):
        value = handed.get(name)
        if probe.is_frame(value) or probe.is_series(value):
            found.append((failing.name_of(value) or failing.called(name) or name, value))
    return (found[0], found[1]) if len(found) > 1 else (None, None)


def _labels(table: Any) -> list[Any]:
    return probe.columns_of(table) if probe.is_frame(table) else [table.name]


def _keys(failing: Failing, left: tuple[str, Any], right: tuple[str, Any], shared: list[Any]) -> list[Fact]:
    handed = dict(failing.handed())
    on = handed.get("on")
    pairs = [(handed.get("left_on") or on, left), (handed.get("right_on") or on, right)]
    facts = []
    for keys, (about, table) in pairs:
        for key in _as_list(keys) or shared[:3]:
            if probe.is_frame(table) and key in _labels(table):
                column = probe.column(table, _labels(table).index(key))
                distinct = list(dict.fromkeys(probe.comparable(probe.items_of(column, 5000))))
                facts.append(Fact(f"{probe.dtype_of(column)}; e.g. {probe.some(distinct[:4])}", about=f"{about}[{key!r}]"))
            elif "merge" in failing.message or "left_on" in handed:
                facts.append(absent("column", key, _labels(table), about, there=f"index named {probe.some(table.index.names)}"))
    return facts[:6]


def _as_list(keys: object) -> list[Any]:
    return list(keys) if peek.exactly(keys, list, tuple) else [keys] if type(keys) is str else []  # type: ignore[call-overload]


@collector(
    "ValueError",
    "InvalidIndexError",
    "KeyError",
    pattern=r"duplicate|Reindexing only valid|cannot reindex|not unique|non-unique|uniquely",
)
def duplicates(failing: Failing) -> list[Fact]:
    """Labels, columns or key combinations that are there more than once."""
    facts: list[Fact] = []
    library = failing.library_locals("self", "obj", "objs", "data").items()
    pairs = [
        *failing.data(),
        *((failing.name_of(value) or f"argument {name}", value) for name, value in [*failing.handed(), *library]),
    ]
    seen: set[int] = set()
    for about, value in pairs:
        for part in value if peek.exactly(value, list, tuple) else [value]:
            if id(part) not in seen and (probe.is_frame(part) or probe.is_series(part)):
                seen.add(id(part))
                facts += _twice(about, part)
    return _pivot_keys(failing) or facts[:8]


def _twice(about: str, table: Any) -> list[Fact]:
    facts = []
    for what, labels in (
        ("index labels", probe.labels_of(table.index, probe.SCAN)),
        ("column names", probe.columns_of(table) if probe.is_frame(table) else []),
    ):
        counts = Counter(probe.comparable(labels))
        repeated = [(label, count) for label, count in counts.most_common(200) if count > 1]
        if repeated:
            shown = ", ".join(f"{probe.show(label)} {count} times" for label, count in repeated[:6])
            said = f"{probe.say(table)}; {len(labels)} {what}, {len(counts)} distinct; {shown}"
            facts.append(Fact(said, about=about, kind="answers"))
    return facts


def _pivot_keys(failing: Failing) -> list[Fact]:
    """`pivot(index, columns)`: combinations that occur twice."""
    handed = dict(failing.handed())
    table = next((value for value in handed.values() if probe.is_frame(value)), None)
    keys = [key for name in ("index", "columns") for key in _as_list(handed.get(name))]
    if table is None or not keys or any(key not in probe.columns_of(table) for key in keys):
        return []
    columns = [probe.items_of(probe.column(table, probe.columns_of(table).index(key))) for key in keys]
    counts = Counter(probe.comparable(zip(*columns, strict=False)))
    repeated = [(pair, count) for pair, count in counts.most_common(3) if count > 1]
    total = sum(1 for count in counts.values() if count > 1)
    shown = ", ".join(f"{probe.show(pair)} {count} rows" for pair, count in repeated)
    said = f"{total} combinations of {', '.join(map(str, keys))} have several rows (duplicates): {shown}"
    others = [label for label in probe.columns_of(table) if label not in keys and label != handed.get("values")]
    rest = f"; columns left out of the pivot: {probe.some(others, 12)}" if others else ""
    return [Fact(said + rest, about=failing.name_of(table))] if repeated else []


@collector(
    "ValueError",
    "AttributeError",
    "KeyError",
    "TypeError",
    "PatsyError",
    pattern=r"Could not interpret|Error evaluating factor|did not find|x and y|not a column|not an entry|Cannot subset",
)
def plotted(failing: Failing) -> list[Fact]:
    """A plotting function was given `data=` and names: which of the names the table has."""
    given: list[tuple[str, Any]] = _keywords(failing)
    table = next(((failing.name_of(value) or name, value) for name, value in given if probe.is_frame(value)), None)
    if table is None:
        return []
    columns = probe.columns_of(table[1])
    facts = _in_formula(failing, table[0], columns)
    for name, value in _keywords(failing):
        if (
            type(value) is str
            and name in ("x", "y", "hue", "col", "row", "size", "style", "by", "column", "c", "color")
            and value not in columns
        ):
            near = probe.nearest_text(value, columns)
            said = f"{name}={value!r} is no column" + (", it is the name of the index" if value in table[1].index.names else "")
            facts.append(Fact(said + (f"; {near}" if near else ""), about=table[0], kind="points" if near else "answers"))
    return [*facts, tabled(table[1], table[0])]


def _in_formula(failing: Failing, about: str, columns: list[Any]) -> list[Fact]:
    """A name of a formula that is no column."""
    told = re.search(r"name '(\w+)' is not defined", failing.message)
    return [absent("column", told[1], columns, about)] if told else []


def _keywords(failing: Failing) -> list[tuple[str, object]]:
    """What the failing call was given; where that cannot be had, what the library has by its parameters' names."""
    found = []
    for call in failing.nodes(ast.Call):
        found += [(word.arg or "", failing.resolve(word.value)) for word in call.keywords]  # type: ignore[attr-defined]
        found += [(f"{i}", failing.resolve(part)) for i, part in enumerate(call.args)]  # type: ignore[attr-defined]
    return [(name, value) for name, value in found if value is not UNKNOWN] or failing.handed()


@collector(
    "TypeError",
    "ValueError",
    "AttributeError",
    "OverflowError",
    pattern=r"tz|offset-naive|timezone|datetime|Timestamp|Timedelta|Invalid comparison|date",
)
def moments(failing: Failing) -> list[Fact]:
    """Dates and times on the failing line: type, time zone, first and last."""
    facts = []
    for about, value in failing.data():
        if probe.is_series(value) or probe.is_index(value):
            items = probe.items_of(value, 2000)
            facts.append(
                Fact(
                    f"{probe.say(value)}, from {probe.show(items[0])} to {probe.show(items[-1])}" if items else probe.say(value),
                    about=about,
                )
            )
        elif (
            package_of(type(value)) in ("datetime", "pandas", "numpy")
            and not probe.is_frame(value)
            and probe.shape_of(value) in (None, ())
        ):
            zone = zone_of(value)
            said = zone if known_zone(zone) else probe.type_name(zone)
            naive = (
                ""
                if not re.search(r"datetime|Timestamp", probe.type_name(value))
                else f", time zone {said}"
                if zone is not None
                else ", no time zone"
            )
            facts.append(Fact(f"{probe.say(value)}{naive}", about=about))
        elif type(value) is str:
            facts.append(described(value, about))
    return facts[:6]
