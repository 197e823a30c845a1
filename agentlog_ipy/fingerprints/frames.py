"""pandas: frames and series by their axes and columns, however the columns are grouped in blocks; indexes; scalars."""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any

from agentlog import peek
from agentlog.own_text import known_zone
from agentlog_ipy.fingerprints.arrays import rows, visit_array
from agentlog_ipy.fingerprints.tables import visit_arrow
from agentlog_ipy.fingerprints.walk import LIBRARIES, Walk
from agentlog_ipy.fingerprints.words import ArrayLeaf

_NARROW = 64
"""Columns of one block that are told one by one."""
_COMPILED = ("_ndarray", "_dtype")
IMMUTABLE = frozenset({"Timestamp", "Timedelta", "Period", "NaTType", "NAType", "Interval"})
"""Scalars of pandas, by name."""

Column = tuple[Any, "list[Any] | None", "ArrayLeaf | None"]
"""(values to visit, None, None), or (None, tokens, leaf) where they are told already."""


def visit_pandas(walk: Walk, value: Any, depth: int) -> None:
    held = peek.own_dict(value) or {}
    if held.get("_mgr") is not None:
        _managed(walk, held, depth)
    elif held.get("_levels") is not None and held.get("_codes") is not None:
        for part in (*held["_levels"], *held["_codes"]):
            walk.visit(part, depth + 1)
        walk.visit(list(held.get("_names") or ()), depth + 1)
    elif held.get("_range") is not None:
        walk.tokens.append(repr(held["_range"]))
        walk.temporary(held.get("_name"), depth)
    elif held.get("_data") is not None and held.get("_mask") is None and _is_index(value):
        _values(walk, held["_data"], depth)
        walk.temporary(held.get("_name"), depth)
    elif not _extension_array(walk, value, depth):
        _visit_other(walk, value, depth)


def _visit_other(walk: Walk, value: Any, depth: int) -> None:
    name = peek.class_name(type(value))
    if name == "CategoricalDtype":
        _categories(walk, value, depth)
    elif name == "Interval":
        for part in (value.left, value.right, value.closed):
            walk.visit(part, depth + 1)
    elif name in IMMUTABLE:
        _zoned(walk, value, getattr(value, "tzinfo", None), attrgetter("asm8"))
    else:
        walk.identity(value)  # groupers, windows, accessors: they only hold what is looked at elsewhere


def _zoned(walk: Walk, value: Any, zone: object, without: Callable[[Any], object]) -> None:
    """By its text; a time zone of the user's, which that would ask, by which object it is, beside the text `without` it."""
    if known_zone(zone):
        walk.tokens.append(str(value))
    else:
        walk.tokens.append(str(without(value)))
        walk.identity(zone)


def _is_index(value: Any) -> bool:
    return any(peek.class_name(base) == "Index" for base in peek.mro(type(value)))


def _managed(walk: Walk, held: dict[str, Any], depth: int) -> None:
    """What a frame or series holds: axes, then the columns in their order."""
    manager = held["_mgr"]
    for axis in manager.axes:
        walk.visit(axis, depth + 1)
    walk.visit(held.get("_attrs") or None, depth + 1)
    walk.tokens.append(peek.own(held.get("_flags"), "_allows_duplicate_labels"))
    name = held.get("_name")
    if name is not None:
        walk.temporary(name, depth)
    if manager.ndim == 1:
        _values(walk, manager.blocks[0].values, depth)
        return
    placed = [column for block in manager.blocks for column in _columns(walk, block)]
    for _, (values, tokens, leaf) in sorted(placed, key=itemgetter(0)):
        if tokens is None:
            _values(walk, values, depth)
            continue
        walk.tokens += tokens
        if leaf is not None:
            walk.leaves.append(leaf)


def _columns(walk: Walk, block: Any) -> list[tuple[int, Column]]:
    """The columns of a block with their places; a block that cannot be taken apart stands at its first place as a whole."""
    places = block.mgr_locs.as_array.tolist()
    values = block.values
    first = places[0] if places else 0
    if getattr(values, "ndim", 1) == 1:
        return [(first, (values, None, None))]
    plain = hasattr(values, "flags")
    body = values if plain else _slot(values, "_ndarray")  # datetimes wrap their array
    if len(places) > _NARROW or body is None or not body.flags.c_contiguous:
        walk.tokens.append(str(places))
        return [(first, (values, None, None))]
    if not plain or body.dtype.hasobject:
        parts = [values[row] for row in range(len(places))]
        walk.keep.extend(parts)
        return [(place, (part, None, None)) for place, part in zip(places, parts, strict=True)]
    return [(place, (None, tokens, leaf)) for place, (tokens, leaf) in zip(places, rows(walk, body), strict=True)]


def _values(walk: Walk, values: Any, depth: int) -> None:
    np = sys.modules["numpy"]
    if peek.is_a(values, np.ndarray):
        visit_array(walk, values, depth)
    elif not _extension_array(walk, values, depth):
        walk.identity(values)


def _extension_array(walk: Walk, values: Any, depth: int) -> bool:
    """Arrow-backed, masked, categorical, datetime, interval, string, sparse arrays by what they are made of."""
    arrow = peek.own(values, "_pa_array")
    if arrow is None:
        arrow = peek.own(values, "_data") if peek.class_name(type(values)).startswith("Arrow") else None
    if arrow is not None:
        visit_arrow(walk, arrow, depth)
        return True
    found = False
    for name in ("_ndarray", "_data", "_mask", "_codes", "_left", "_right", "_sparse_values"):
        part = _slot(values, name)
        if part is not None:
            found = True
            walk.keep.append(part)
            _values(walk, part, depth)
    if found:
        dtype = _slot(values, "_dtype")
        _zoned(walk, dtype, peek.own(dtype, "_tz"), attrgetter("base"))
        if dtype is not None and peek.class_name(type(dtype)) == "CategoricalDtype":
            _categories(walk, dtype, depth)
    return found


def _categories(walk: Walk, dtype: Any, depth: int) -> None:
    walk.tokens.append(bool(peek.own(dtype, "_ordered")))
    walk.visit(peek.own(dtype, "_categories"), depth + 1)


def _slot(values: Any, name: str) -> Any:
    """A part kept in the instance, or by the compiled base class of pandas' arrays (`NDArrayBacked`)."""
    part = peek.own(values, name)
    if part is None and name in _COMPILED and peek.on_class(values, "_ndarray") is not None:
        part = getattr(values, name, None)
    return part


LIBRARIES["pandas"] = visit_pandas
