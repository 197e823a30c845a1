"""Mappings, sequences, sets and what walks over them. Subclasses are read through the builtin's own functions."""

from __future__ import annotations

import gc
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.describers.scalars import clip, number, real, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look

_UNIFORM = 1_000
"""Items looked at to say that all are of one type, in runs of `_RUN`."""
_RUN = 20


def describe_mapping(value: Any, look: Look) -> Value:
    """A dict or a subclass: its keys in order, the first ones with their values."""
    base = OrderedDict if peek.is_a(value, OrderedDict) else dict
    length = dict.__len__(value)
    shown = look.shown(length)
    pairs = list(islice(base.items(value), shown))
    described = look.children([item for _, item in pairs])
    entries: dict[str, Value] = {}
    for (key, _), item in zip(pairs, described, strict=True):
        entries[_unused(key_text(key), entries)] = item
    facts: dict[str, Scalar] = {} if look.brief else _more_keys(value, base, shown, length, look)
    if peek.is_a(value, defaultdict):
        facts["default"] = literal(_factory(value))
    return _container(value, length, entries=entries, facts=facts, cut=_rest(look, length, shown, "entries"))


_factory = defaultdict.__dict__["default_factory"].__get__


def _more_keys(value: Any, base: Any, shown: int, length: int, look: Look) -> dict[str, Scalar]:
    """The names of keys beyond those whose values are shown: for a dict the keys matter most."""
    if length <= shown or look.level > 1:
        return {}
    budget = 40 if look.level == 0 else 12
    keys = [key_text(key) for key in islice(iter(base.keys(value)), shown, shown + budget)]
    more = length - shown - len(keys)
    return {"more keys": ", ".join(keys) + (f", … {more} more" if more else "")}


def _unused(text: str, taken: dict[str, Value]) -> str:
    """`text`, numbered where two keys read alike (a cut text, two objects of one class)."""
    if text not in taken:
        return text
    return next(name for name in (f"{text} #{i}" for i in range(2, len(taken) + 3)) if name not in taken)


def key_text(key: object) -> str:
    """A key of a mapping in words: a str as it is, quoted where it reads like a number or a constant; anything else as a literal."""
    if peek.is_a(key, str):
        text = clip(key, 80)[0]  # type: ignore[arg-type]
        return repr(text) if text.replace(".", "").lstrip("+-").isdigit() or text in ("None", "True", "False") else text
    return literal(key)


def literal(value: object, chars: int = 80, depth: int = 2) -> str:
    """A short text for any object, as code would write it where that is known; never runs user code."""
    kind = type(value)
    if peek.exactly(value, *_CONSTANT):
        return repr(value)
    if kind is int:
        return str(number(value))  # type: ignore[arg-type]
    if kind is str:
        return repr(clip(value, min(chars, 199))[0])  # type: ignore[arg-type]
    if kind is bytes:
        return repr(value[:chars]) + ("…" if len(value) > chars else "")  # type: ignore[index, arg-type]
    if depth > 0 and peek.exactly(value, *_BRACKETS):
        return _bracketed(value, chars, depth)
    if peek.exactly(value, types.FunctionType, types.BuiltinFunctionType):
        return str(value.__qualname__)  # type: ignore[attr-defined]
    if peek.is_a(value, type):
        return peek.qualified_name(value)  # type: ignore[arg-type]
    return f"<{type_name(value)}>"


_CONSTANT = (bool, type(None), float, complex, range, type(...), type(NotImplemented))
_BRACKETS: dict[type, tuple[str, str]] = {
    tuple: ("(", ")"),
    list: ("[", "]"),
    set: ("{", "}"),
    frozenset: ("{", "}"),
    dict: ("{", "}"),
}


def _bracketed(value: Any, chars: int, depth: int) -> str:
    opening, closing = _BRACKETS[type(value)]
    if type(value) is dict:
        first: list[Any] = list(islice(value.items(), 6))
        parts = [f"{literal(key, 20, 0)}: {literal(item, 20, 0)}" for key, item in first]
    else:
        first = list(islice(iter(value), 6))
        parts = [literal(item, chars // 4 + 8, depth - 1) for item in first]
    more = ", …" if len(value) > len(first) else "," if type(value) is tuple and len(first) == 1 else ""
    return opening + ", ".join(parts) + more + closing


def describe_sequence(value: Any, look: Look) -> Value:
    """A list, tuple, deque or a subclass: first items and the last, element type where all are alike."""
    base = next(kind for kind in (list, tuple, deque) if peek.is_a(value, kind))
    length = base.__len__(value)
    names = _field_names(value) if base is tuple else ()
    shown = look.shown(length)
    if names and shown:
        fields = list(tuple.__iter__(value))[:shown]
        return _container(
            value,
            length,
            attributes=dict(zip(names, look.children(fields), strict=False)),
            cut=_rest(look, length, shown, "fields"),
        )
    tail = 1 if shown < length and shown > 2 else 0
    picked = _ends(value, base, shown - tail, tail)
    cut = _rest(look, length, shown, "items", last=tail)
    return _container(
        value,
        length,
        items=tuple(look.children(picked)),
        facts=_uniform(value, base, length, look) if shown < length else {},
        cut=cut,
    )


def _ends(value: Any, base: Any, head: int, tail: int) -> list[object]:
    first = list(islice(base.__iter__(value), head))
    return [*first, base.__getitem__(value, -1)] if tail else first


def _field_names(value: object) -> tuple[str, ...]:
    """The fields of a named tuple."""
    names = peek.on_class(value, "_fields")
    exact = type(names) is tuple and all(type(name) is str for name in names)
    return names if exact and len(names) == tuple.__len__(value) else ()  # type: ignore[arg-type]


def _uniform(value: Any, base: Any, length: int, look: Look) -> dict[str, Scalar]:
    """{"of": "int"} where the items are of one type, {"of": "int 990, str 10"} where of a few."""
    if look.brief or length < 2:
        return {}
    counts: dict[str, int] = {}
    for item in islice(_spread(value, base, length), _UNIFORM):
        name = type_name(item)
        counts[name] = counts.get(name, 0) + 1
    seen = sum(counts.values())
    common = sorted(counts.items(), key=lambda pair: -pair[1])[:5]
    facts: dict[str, Scalar] = {
        "of": common[0][0] if len(counts) == 1 else ", ".join(f"{name} {count}" for name, count in common)
    }
    if seen < length:
        facts["sampled"] = seen
    return facts


def _spread(value: Any, base: Any, length: int) -> Iterator[object]:
    """All items of a short sequence; of a long one short runs from the whole, so that nothing periodic deceives."""
    if length <= _UNIFORM or base is deque:
        return iter(base.__iter__(value))
    runs = _UNIFORM // _RUN
    starts = (run * length // runs for run in range(runs))
    return (item for start in starts for item in base.__getitem__(value, slice(start, start + _RUN)))


def describe_set(value: Any, look: Look) -> Value:
    """A set or frozenset: some members, in its own order."""
    base = set if peek.is_a(value, set) else frozenset
    length = base.__len__(value)
    shown = look.shown(length)
    items = look.children(list(islice(base.__iter__(value), shown)))
    return _container(value, length, items=tuple(items), cut=_rest(look, length, shown, "members"))


def describe_range(value: range, look: Look) -> Value:
    """The bounds as written; its length where it fits a machine word."""
    length = max(0, -((value.start - value.stop) // value.step))
    return Value(type="range", value=range.__repr__(value), length=length if length < 1 << 63 else None)


def describe_view(value: Any, look: Look) -> Value:
    """keys(), values() or items() of a dict: the first ones."""
    length = type(value).__len__(value)
    shown = look.shown(length)
    items = look.children(list(islice(type(value).__iter__(value), shown)))
    return _container(value, length, items=tuple(items), cut=_rest(look, length, shown, "items"))


def describe_proxy(value: Any, look: Look) -> Value:
    """A read-only view of a dict: the dict behind it, found without asking the proxy."""
    behind = next(iter(gc.get_referents(value)), None)
    inner = describe_mapping(behind, look) if type(behind) is dict else None
    if inner is None:
        return Value(type="mappingproxy", facts={"of": type_name(behind)})
    return Value(type="mappingproxy", length=inner.length, entries=inner.entries, facts=inner.facts, cut=inner.cut)


def _rest(look: Look, length: int, shown: int, noun: str, last: int = 0) -> str | None:
    if shown >= length or look.brief:
        return None
    return f"{length - shown} of {length} {noun}" + (" before the last" if last else "")


def _container(value: object, length: int, **parts: Any) -> Value:
    return Value(type=type_name(value), module=peek.class_module(type(value)), length=length, **parts)


def scalar(value: object, chars: int = 80) -> Scalar:
    """A cell of a table or array as JSON can carry it."""
    kind = type(value)
    if value is None or kind is bool:
        return value  # type: ignore[return-value]
    if kind is float:
        return real(value)  # type: ignore[arg-type]
    if kind is int:
        return number(value)  # type: ignore[arg-type]
    if kind is str:
        return clip(value, min(chars, 199))[0]  # type: ignore[arg-type]
    return literal(value, chars)


def scalars(values: Sequence[object], chars: int = 80) -> tuple[Scalar, ...]:
    """`scalar` of each."""
    return tuple(scalar(value, chars) for value in values)
