"""Times, exact numbers, paths, patterns, files, locks, iterators, database handles of the standard library."""

from __future__ import annotations

import datetime
import io
import os
import re
import sys
from typing import Any

from agentlog import peek
from agentlog.describers.containers import literal
from agentlog.describers.scalars import clip, number, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look
from agentlog.own_text import known_zone, zone_of

_TIME_FIELDS = {
    datetime.datetime: ("year", "month", "day", "hour", "minute", "second", "microsecond"),
    datetime.date: ("year", "month", "day"),
    datetime.time: ("hour", "minute", "second", "microsecond"),
}
_LARGE_DECIMAL = 2_048


def _described(value: object, text: Scalar = None, facts: dict[str, Scalar] | None = None, **parts: Any) -> Value:
    kept = {name: item for name, item in (facts or {}).items() if item is not None}
    return Value(type=type_name(value), module=peek.class_module(type(value)), value=text, facts=kept, **parts)


def describe_time(value: Any, look: Look) -> Value:
    """datetime, date and time in ISO form. A time zone of the user's is named, not asked."""
    base = next(kind for kind in _TIME_FIELDS if peek.is_a(value, kind))
    plain = base(*(_slot(base, name).__get__(value) for name in _TIME_FIELDS[base]))
    zone = zone_of(value)
    if zone is None:
        return _described(value, plain.isoformat())
    if known_zone(zone):
        return _described(value, plain.replace(tzinfo=zone).isoformat(), {"tz": clip(str(zone), 40)[0]})
    return _described(value, plain.isoformat(), {"tz": type_name(zone)})


def _slot(base: type, name: str) -> Any:
    return base.__dict__[name] if name in base.__dict__ else datetime.date.__dict__[name]


def describe_timedelta(value: Any, look: Look) -> Value:
    """Days and seconds as `str` of a timedelta says them."""
    plain = datetime.timedelta(
        *(datetime.timedelta.__dict__[name].__get__(value) for name in ("days", "seconds", "microseconds"))
    )
    return _described(value, str(plain))


def describe_timezone(value: Any, look: Look) -> Value:
    """A fixed offset by its name, else by its distance from UTC."""
    return _described(value, clip(str.__str__(datetime.timezone.tzname(value, None)), 60)[0])


def describe_zone(value: Any, look: Look) -> Value:
    """A zone of the world by its key; one that was read from a file has none."""
    key = sys.modules["zoneinfo"].ZoneInfo.__dict__["key"].__get__(value)
    return _described(value, clip(key, 60)[0] if type(key) is str else None)


def describe_decimal(value: Any, look: Look) -> Value:
    """The digits, to 30 places where there are very many."""
    base = sys.modules["decimal"].Decimal
    large = base.__sizeof__(value) > _LARGE_DECIMAL
    text = base.__format__(value, ".30g") if large else base.__str__(value)
    text, cut = clip(text, look.chars)
    return _described(value, text, cut="digits" if large else cut)


def describe_fraction(value: Any, look: Look) -> Value:
    """Numerator and denominator."""
    top, bottom = peek.own(value, "_numerator"), peek.own(value, "_denominator")
    return _described(value, f"{number(top)}/{number(bottom)}" if type(top) is int and type(bottom) is int else None)


def describe_uuid(value: Any, look: Look) -> Value:
    """In the usual groups of digits."""
    digits = peek.own(value, "int")
    if type(digits) is not int:
        return _described(value)
    text = f"{digits:032x}"
    return _described(value, "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))


def describe_path(value: Any, look: Look) -> Value:
    """The path as text; the disk is not touched and nothing is cached on the object."""
    text = peek.own(value, "_str")
    if type(text) is not str:
        raw = peek.own(value, "_raw_paths")
        text = os.path.join(*raw) if _texts(raw) and raw else "." if _texts(raw) else _joined(value)
    return _described(value, None if text is None else clip(text, look.chars)[0])


def _texts(parts: object) -> bool:
    return type(parts) is list and all(type(part) is str for part in parts)


def _joined(value: object) -> str | None:
    """A path of Python 3.11 and older: drive, root and parts, of which the first is the anchor."""
    drive, root, parts = (peek.own(value, name) for name in ("_drv", "_root", "_parts"))
    if type(drive) is not str or type(root) is not str or not _texts(parts):
        return None
    anchored = bool(drive or root)
    return drive + root + "/".join(parts[1:] if anchored else parts) or "."


def describe_pattern(value: re.Pattern[Any], look: Look) -> Value:
    """The expression, its flags and number of groups."""
    text = value.pattern if peek.exactly(value.pattern, str, bytes) else None
    flags = str(re.RegexFlag(value.flags & ~int(re.UNICODE))) if value.flags & ~int(re.UNICODE) else None
    return _described(
        value, None if text is None else clip(str(text), look.chars)[0], {"flags": flags, "groups": value.groups or None}
    )


def describe_match(value: re.Match[Any], look: Look) -> Value:
    """What was matched and where."""
    exact = peek.exactly(value.string, str, bytes)
    groups = literal(value.groups(), look.chars) if exact and value.re.groups else None
    return _described(
        value, literal(value.group(), look.chars) if exact else None, {"span": literal(value.span()), "groups": groups}
    )


def describe_file(value: Any, look: Look) -> Value:
    """Name, mode, whether closed; found at the bottom of the layers, each of which must be a builtin one."""
    layers = [value]
    for name in ("buffer", "raw"):
        descriptor = _descriptor(layers[-1], name)
        if descriptor is not None:
            layers.append(descriptor.__get__(layers[-1]))
    raw = layers[-1]
    facts: dict[str, Scalar] = {}
    if peek.is_a(raw, io.FileIO):
        facts["mode"] = str(io.FileIO.__dict__["mode"].__get__(raw)).replace("b", "" if len(layers) == 3 else "b")
        facts["closed"] = bool(io.FileIO.__dict__["closed"].__get__(raw))
    if type(value) is io.TextIOWrapper and type(value.encoding) is str:
        facts["encoding"] = value.encoding
    name = peek.own(raw, "name")
    return _described(value, name if type(name) is str else literal(name) if name is not None else None, facts)


def _descriptor(layer: object, name: str) -> Any:
    """The C-level descriptor of an io class for the layer below."""
    for cls in (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom):
        if peek.is_a(layer, cls):
            return cls.__dict__.get(name)
    return None


def describe_memory_file(value: Any, look: Look) -> Value:
    """Position of a StringIO or BytesIO; the content is not copied."""
    base = io.StringIO if peek.is_a(value, io.StringIO) else io.BytesIO
    closed = bool(base.__dict__["closed"].__get__(value))
    return _described(value, None, {"closed": closed, "position": None if closed else base.tell(value)})


def describe_lock(value: Any, look: Look) -> Value:
    """Locked or not."""
    if type_name(value) == "lock":
        return _described(value, "locked" if value.locked() else "unlocked")
    return _described(value, "locked" if str(repr(value)).startswith("<locked") else "unlocked")


def describe_iterator(value: Any, look: Look) -> Value:
    """Never moved; what a builtin one knows to be left is said."""
    hint = type(value).__dict__.get("__length_hint__")
    left = hint(value) if hint is not None and type_name(value) in _SIZED else None
    return _described(value, None, {"left": left}, cut="its items were not read")


_SIZED = frozenset(
    {
        "list_iterator",
        "tuple_iterator",
        "range_iterator",
        "dict_keyiterator",
        "dict_valueiterator",
        "dict_itemiterator",
        "set_iterator",
    }
)


def describe_array_array(value: Any, look: Look) -> Value:
    """array.array: type code and first numbers."""
    base = sys.modules["array"].array
    length = base.__len__(value)
    shown = look.shown(length)
    items = look.children(base.__getitem__(value, slice(0, shown)).tolist())
    cut = f"{length - shown} of {length} items" if shown < length else None
    return _described(value, length=length, items=tuple(items), dtype=base.__dict__["typecode"].__get__(value), cut=cut)


def describe_connection(value: Any, look: Look) -> Value:
    """A sqlite3 connection: open or closed, in a transaction or not."""
    sqlite3 = sys.modules["sqlite3"]
    slots = sqlite3.Connection.__dict__
    try:
        facts: dict[str, Scalar] = {name: slots[name].__get__(value) for name in ("in_transaction", "total_changes")}
    except sqlite3.Error as error:
        return _described(value, "closed" if "closed" in str(error) else "not usable")
    return _described(value, "open", facts)


def describe_cursor(value: Any, look: Look) -> Value:
    """A sqlite3 cursor: columns of its result, rows, last row id. No row is fetched."""
    slots = sys.modules["sqlite3"].Cursor.__dict__
    facts: dict[str, Scalar] = {name: slots[name].__get__(value) for name in ("rowcount", "lastrowid")}
    description = slots["description"].__get__(value)
    if type(description) is tuple:
        facts["columns"] = ", ".join(str(column[0]) for column in description[:40] if type(column[0]) is str)
    return _described(value, None, facts)


def describe_future(value: Any, look: Look) -> Value:
    """An asyncio future or task: its state, name and coroutine."""
    base = sys.modules["_asyncio"].Future
    state = base.__dict__["_state"].__get__(value)
    if not peek.is_a(value, sys.modules["_asyncio"].Task):
        return _described(value, literal(state).strip("'"))
    task = sys.modules["_asyncio"].Task
    coroutine = task.get_coro(value)
    name = getattr(coroutine, "__qualname__", None) if type_name(coroutine) == "coroutine" else type_name(coroutine)
    return _described(value, literal(state).strip("'"), {"name": literal(task.get_name(value)).strip("'"), "coroutine": name})


def describe_pool_future(value: Any, look: Look) -> Value:
    """A future of a pool: its state, and the type of what it raised or gave, a number or text itself."""
    state, raised, given = (peek.own(value, name) for name in ("_state", "_exception", "_result"))
    plain = peek.exactly(given, int, float, bool, str)
    gave = literal(given, 40) if plain else type_name(given) if given is not None else None
    return _described(
        value, state if type(state) is str else None, {"raised": type_name(raised) if raised is not None else None, "gave": gave}
    )
