"""Words for a described value, from the shortest that tells what it is to all that was observed.

`depths(value, words)` gives pairs of (text, the share of all there is to know). `words` are those of the failing code and
its message: columns and parameters that occur there are named first where not all have room. Frames and series are in
`tabletext`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from agentlog.events import Scalar, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

Depth = tuple[str, float]

_PLAIN = frozenset({"int", "float", "bool", "complex", "NoneType"})
_TEXT = frozenset({"str", "bytes", "bytearray"})
_NO_JSON = frozenset({"nan", "inf", "-inf"})
"""Floats that JSON has no number for."""
_NEVER = frozenset({"digest", "sample", "at"})
"""Facts for comparing, not for reading."""
_VERBOSE = frozenset({"learned", "feature names", "labels", "sampled"})
"""Facts that are said only where there is much room."""
_CUT = re.compile(r"\+\d+ more")
NO_WORDS: frozenset[str] = frozenset()


def depths(value: Value, words: Collection[str] = NO_WORDS) -> tuple[Depth, ...]:
    """The variants for `value`, each saying more than the one before; at least one."""
    from agentlog.tabletext import array_depths, frame_depths, is_frame

    if is_frame(value):
        found = frame_depths(value, words)
    elif value.type in _TEXT:
        found = _string_depths(value)
    elif value.type in _PLAIN:
        known = value.value is not None or value.type == "NoneType"
        found = [(number(value.value) if known else f"{value.type}{cut_text(value)}", 1.0)]
    elif value.shape is not None:
        found = array_depths(value)
    elif value.entries or value.items or (value.length is not None and not value.attributes):
        found = _container_depths(value, words)
    else:
        found = _object_depths(value, words)
    return _rising(found)


def texts(value: Value, words: Collection[str] = NO_WORDS) -> tuple[str, ...]:
    """The texts of `depths`."""
    return tuple(text for text, _ in depths(value, words))


def brief(value: Value) -> str:
    """The shortest text."""
    return depths(value)[0][0]


def nested(value: Value, room: int = 60) -> str:
    """A text of at most about `room` characters, for a value inside another."""
    options = texts(value)
    fitting = [text for text in options if len(text) <= room and "\n" not in text]
    return fitting[-1] if fitting else options[0]


def scalar(value: Scalar, room: int = 60) -> str:
    """A scalar as Python writes it, long text cut in the middle."""
    if isinstance(value, str):
        return repr(value) if len(value) <= room else f"{value[: room * 2 // 3]!r}...{value[-room // 4 :]!r}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def number(value: Scalar, room: int = 60) -> str:
    """A scalar that is known to be a number, or a gap among others: what the record had to write as text is one too."""
    return value if isinstance(value, str) and value in _NO_JSON else scalar(value, room)


def facts_text(facts: Mapping[str, Scalar], *, verbose: bool = False) -> str:
    """Observations in words: `fitted=False` reads `not fitted`."""
    return "".join(
        f", {_fact(key, fact)}" for key, fact in facts.items() if key not in _NEVER and (verbose or key not in _VERBOSE)
    )


def _fact(key: str, fact: Scalar) -> str:
    if key == "features" and fact is not True:
        return f"{fact} features"
    if fact is True:
        return key
    if fact is False:
        return f"not {key}"
    return f"{key} {fact if isinstance(fact, str) else scalar(fact)}"


def _rising(found: Iterable[Depth]) -> tuple[Depth, ...]:
    """Each text once, longer than the one before it: a deeper variant that is no longer says nothing more, unless that one was cut."""
    out: list[Depth] = []
    for text, share in found:
        if out and len(text) <= len(out[-1][0]) and _CUT.search(out[-1][0]) and not _CUT.search(text):
            out[-1] = (text, share)
        elif not out or len(text) > len(out[-1][0]):
            out.append((text, share))
    return tuple(out)


# --- text, containers, objects --------------------------------------------------------------------------------


def _string_depths(value: Value) -> list[Depth]:
    text = value.value if isinstance(value.value, str) else str(value.value)
    size = value.length if value.length is not None else len(text)
    note = f" ({size} characters)" if size > 60 or len(text) < size else ""
    return [(scalar(text, 60) + note, 0.8), (scalar(text, 200) + note, 0.95), (scalar(text, 2000) + note, 1.0)]


def _container_depths(value: Value, words: Collection[str]) -> list[Depth]:
    size = value.length if value.length is not None else len(value.entries) or len(value.items)
    short = f"{value.type} len {size}{f' {value.value}' if value.value is not None else ''}{facts_text(value.facts)}"
    levels = ((3, 20, 0.8), (8, 40, 0.92), (24, 60, 0.97), (100, 160, 1.0))
    return [(short, 0.5), *((short + _contents(value, count, room, words), share) for count, room, share in levels)]


def _contents(value: Value, count: int, room: int, words: Collection[str] = NO_WORDS) -> str:
    """The first `count` entries or items, and after them up to two that are in `words`."""
    known: list[tuple[object, str]]
    if value.entries:
        known = [(key, f"{key}: {nested(entry, room)}") for key, entry in value.entries.items()]
    else:
        known = [(item.value, nested(item, room)) for item in value.items]
    shown = [text for _, text in [*known[:count], *[pair for pair in known[count:] if pair[0] in words][:2]]]
    size = value.length if value.length is not None else len(shown)
    rest = f", +{size - len(shown)} more" if size > len(shown) else ""
    opening, closing = ("{", "}") if value.entries or value.type in ("set", "frozenset", "dict") else ("[", "]")
    return f" {opening}{', '.join(shown)}{rest}{closing}" if shown else ""


def _object_depths(value: Value, words: Collection[str]) -> list[Depth]:
    short = value.type
    if value.value is not None:
        said = value.value if isinstance(value.value, str) else scalar(value.value)
        short = said if said.startswith(value.type) else f"{value.type} {said}"
    named = {key: entry for key, entry in value.attributes.items() if key in words or entry.value in words}
    most = {**named, **{key: entry for key, entry in value.attributes.items() if not key.startswith("_")}}
    facts = facts_text(value.facts)
    if "layers" in value.facts:
        return _network_depths(short, value)
    return [
        (_clip(short) + facts, 0.6),
        (_clip(short) + _attributes(named, 8, 40) + facts, 0.8),
        (_clip(short) + _attributes(most, 8, 40) + facts, 0.9),
        (
            short
            + _attributes({**most, **value.attributes}, 60, 80)
            + facts_text(value.facts, verbose=True)
            + _contents(value, 12, 40)
            + cut_text(value),
            1.0,
        ),
    ]


def _network_depths(short: str, value: Value) -> list[Depth]:
    """A model by its layers: those say what it takes and gives, what else is known of it comes after."""
    layers = str(value.facts["layers"])
    rest = {key: fact for key, fact in value.facts.items() if key not in ("layers", "training", "device", "dtype", "parameters")}
    more = {key: fact for key, fact in value.facts.items() if key not in ("layers", *rest)}
    ends = short + facts_text({key: fact for key, fact in rest.items() if key in ("input", "output")})
    told = short + facts_text(rest)
    return [
        (ends, 0.5),
        (told, 0.58),
        (f"{told}: {_clip(layers, 240)}", 0.85),
        (f"{told}: {layers}", 0.95),
        (f"{told}: {layers}{facts_text(more)}", 1.0),
    ]


def _clip(text: str, room: int = 120) -> str:
    return text if len(text) <= room else f"{text[:room]}..."


def _attributes(attributes: Mapping[str, Value], count: int, room: int) -> str:
    shown = [f"{key}={nested(entry, room)}" for key, entry in list(attributes.items())[:count]]
    rest = f", +{len(attributes) - len(shown)} more" if len(attributes) > len(shown) else ""
    return f"({', '.join(shown)}{rest})" if shown else ""


def cut_text(value: Value) -> str:
    """What the recorder left out, where the size does not say it already."""
    return f" ({value.cut})" if value.cut and value.shape is None else ""
