"""Labels that must go together and do not: the index of a mask and of its table, the values of a column and the keys given for them."""

from __future__ import annotations

import re
from typing import Any

from agentlog.evaluate import DICTS, PLAIN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector

_WORDS = re.compile(r"'([^']+)'|\"([^\"]+)\"|(?<![\w.])(-?\d+)(?![\w.])")


@collector(
    "IndexingError", "ValueError", pattern=r"Unalignable|identically-labeled|not aligned|indexes? (?:do(?:es)? not match|differ)"
)
def unaligned(failing: Failing) -> list[Fact]:
    """Tables and columns of the line whose indexes differ: what labels one has that the other has not, and which table shares its index."""
    sides = [(text, value) for text, value in failing.data() if probe.is_frame(value) or probe.is_series(value)]
    pairs = [(one, other) for one in sides for other in sides if one[1] is not other[1]]
    facts = [fact for one, other in pairs[:6] for fact in _lacks(*one, *other)]
    alike = [fact for text, value in sides[:3] for fact in _shares_index(failing, text, value)] if facts else []
    return list(dict.fromkeys(facts))[:3] + alike[:2]


def _lacks(about: str, value: Any, other: str, than: Any) -> list[Fact]:
    """What labels of `than` the index of `value` does not have."""
    known = set(probe.comparable(probe.labels_of(value.index, probe.SCAN)))
    gone = [label for label in probe.comparable(probe.labels_of(than.index, probe.SCAN)) if label not in known]
    said = f"its index lacks {len(gone)} of the {len(than.index)} labels of {other}"
    return [Fact(f"{said}: {probe.some(gone, 8)}", about=about)] if gone else []


def _shares_index(failing: Failing, text: str, value: Any) -> list[Fact]:
    """Another table with the very labels that a mask has: the one that it was made from."""
    labels = probe.comparable(probe.labels_of(value.index))
    known: list[tuple[str, Any]] = list(failing.names.items())[-400:]
    tables = [(name, table) for name, table in known if probe.is_frame(table) and name[:1] != "_"]
    like = [
        name for name, table in tables if len(table) == len(value) and probe.comparable(probe.labels_of(table.index)) == labels
    ]
    return [Fact(f"has the index of {', '.join(like[:3])}", about=text)] if like and probe.is_series(value) else []


@collector("ValueError", pattern=r"missing keys|class_weight|missing entries for")
def without_key(failing: Failing) -> list[Fact]:
    """Values for which a dict was to have a key: its keys, the nearest of them, and the column that has the values."""
    pairs = [*failing.data(), *((failing.called(name) or f"argument {name}", value) for name, value in failing.handed())]
    pairs += [
        (failing.name_of(value) or name, value) for name, value in failing.library_locals("palette", "class_weight").items()
    ]
    wanted = [int(number) if number else one or other for one, other, number in _WORDS.findall(failing.message)]
    given = next(((text, value) for text, value in pairs if type(value) in DICTS and value and _plain(value)), None)
    absent = [word for word in wanted if given is not None and word not in given[1]]
    if given is None or not absent:
        return []
    keys, about = list(given[1])[:1000], given[0]
    found = [(word, probe.nearest(word, keys, 1)) for word in absent[:6]]
    told = ", ".join(f"{probe.show(word)}: nearest {probe.show(near[0][0])} ({near[0][1]})" for word, near in found if near)
    facts = [
        Fact(
            f"no key {probe.some(absent, 6)}, of {len(keys)}: {probe.some(keys, 12)}" + (f"; {told}" if told else ""), about=about
        )
    ]
    return facts + [fact for text, value in pairs if probe.is_frame(value) for fact in _holding(text, value, absent[0])][:1]


def _plain(value: Any) -> bool:
    return all(type(key) in PLAIN for key in list(value)[:1000])


def _holding(about: str, frame: Any, wanted: object) -> list[Fact]:
    """The column that has the value, and its others."""
    for position, (label, dtype) in enumerate(probe.dtypes_of(frame)[:200]):
        values = list(dict.fromkeys(item for item in probe.items_of(probe.column(frame, position)) if type(item) in PLAIN))
        if wanted in values and type(values[values.index(wanted)]) is type(wanted):
            text = f"column {label!r} ({dtype}): {len(values)} distinct values: {probe.some(values, 12)}"
            return [Fact(text, about=about)]
    return []
