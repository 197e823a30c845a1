"""pandas frames, series, indexes, groupings and scalars, of any version since 1.5.

A frame is read through its block manager (`_mgr`), which holds the arrays: a subclass may override every method.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.describers import columns as column
from agentlog.describers.arrays import Measured, measure, numpy
from agentlog.describers.containers import key_text, literal
from agentlog.describers.objects import describe_object
from agentlog.describers.scalars import clip, type_name
from agentlog.describers.stdlib import describe_time
from agentlog.events import Column, Scalar, Value
from agentlog.look import Look
from agentlog.own_text import known_zone, zone_of
from agentlog.slices import elements

_ROWS = 5
_SAMPLE = (500, 5_000)
"""Least and greatest number of rows in a sample."""
_SHARE = 0.3
"""Of the time left, what counting missing values may take."""


def describe_frame(value: Any, look: Look) -> Value:
    """Shape, columns with dtype and missing values, index, first rows."""
    manager = peek.own(value, "_mgr")
    if not peek.really_in(manager, "pandas"):
        return describe_object(value, look)
    labels, index = manager.axes
    if look.brief:
        return _frame(value, (len(index), len(labels)), _brief_columns(manager, labels, len(index), look), index)
    arrays = _arrays(manager, min(len(labels), look.limits.columns))
    names = label_texts(labels, len(arrays))
    rows = len(index)
    nulls, facts = _nulls(arrays, rows, look)
    described = tuple(
        Column(name, column.dtype_of(array), count, () if look.late() else column.samples(array))
        for name, array, count in zip(names, arrays, nulls, strict=True)
    )
    facts.update(_frame_facts(manager, names, arrays, look))
    cut = _cut(rows, len(labels), len(arrays))
    return _frame(value, (rows, len(labels)), described, index, head=_head(arrays, min(rows, _ROWS)), facts=facts, cut=cut)


def _brief_columns(manager: Any, labels: Any, rows: int, look: Look) -> tuple[Column, ...]:
    """Names and dtypes, block by block; missing values where there are few enough cells to count them."""
    names = label_texts(labels, min(len(labels), look.limits.columns))
    counted = look.counted and rows * len(names) <= look.counted
    found: dict[int, Column] = {}
    for block in manager.blocks:
        values, places = block.values, block.mgr_locs.as_array.tolist()
        dtype = column.dtype_of(values)
        nulls = column.missing_by_row(values, len(places), look) if counted else [None] * len(places)
        for place, count in zip(places, nulls, strict=True):
            if place < len(names):
                found[place] = Column(names[place], dtype, count)
    return tuple(found[place] for place in range(len(names)))


def _frame(value: object, shape: tuple[int, int], columns: tuple[Column, ...], index: Any, **parts: Any) -> Value:
    return Value(
        type=type_name(value),
        module=peek.class_module(type(value)),
        shape=shape,
        columns=columns,
        index=index_text(index),
        **parts,
    )


def _arrays(manager: Any, count: int) -> list[Any]:
    """The array of each of the first `count` columns; views, not copies."""
    found: dict[int, Any] = {}
    for block in manager.blocks:
        values = block.values
        for position, place in enumerate(block.mgr_locs.as_array.tolist()):
            if place < count:
                found[place] = values[position] if column.trusted(values) and values.ndim == 2 else values
    return [found[place] for place in range(count)]


def label_texts(labels: Any, count: int) -> list[str]:
    """The first labels of an index as text."""
    if not peek.really_in(labels, "pandas"):
        return [f"#{place}" for place in range(count)]
    return [label_text(label) for label in elements(labels, 0, count)]


def label_text(label: Any) -> str:
    """A label in words: text as it is, times in ISO form, tuples as code would write them."""
    if type(label) is tuple:
        return "(" + ", ".join(repr(item) if type(item) is str else label_text(item) for item in label[:8]) + ")"
    plain = column.cell(label)
    return plain if type(plain) is str else key_text(plain)


def _nulls(arrays: Sequence[Any], rows: int, look: Look) -> tuple[list[int | None], dict[str, Scalar]]:
    """Missing values of each column: of all rows where there is time for that, else of an even sample."""
    facts: dict[str, Scalar] = {}
    usable = [array if column.trusted(array) else None for array in arrays]
    cost = sum(column.cost_ns(array) for array in usable if array is not None) / 1e6
    allowed = look.milliseconds() * _SHARE
    if cost > allowed and rows > _SAMPLE[0]:
        count = max(_SAMPLE[0], min(_SAMPLE[1], int(rows * allowed / cost)))
        usable = [None if array is None or look.late() else column.spread(array, count) for array in usable]
        facts["sampled"] = max((len(array) for array in usable if array is not None), default=0)
    return [None if array is None or look.late() else column.missing(array, look) for array in usable], facts


def _frame_facts(manager: Any, names: list[str], arrays: list[Any], look: Look) -> dict[str, Scalar]:
    facts: dict[str, Scalar] = {}
    size = sum(block.values.nbytes for block in manager.blocks if column.trusted(block.values))
    if size >= 1 << 20:
        facts["mb"] = round(size / 1e6, 1)
    found = [
        f"{name}: {kinds}"
        for name, array in zip(names, arrays, strict=True)
        if not look.late() and (kinds := column.mixed(array))
    ]
    if found:
        facts["mixed types"] = clip("; ".join(found), 199)[0]
    return facts


def _head(arrays: Sequence[Any], rows: int) -> tuple[tuple[Scalar, ...], ...]:
    return tuple(zip(*(column.cells(array, 0, rows) for array in arrays), strict=True)) if rows else ()


def _cut(rows: int, width: int, shown: int) -> str | None:
    parts = [f"{rows - _ROWS} of {rows} rows"] if rows > _ROWS else []
    if width > shown:
        parts.append(f"{width - shown} of {width} columns")
    return ", ".join(parts) or None


def index_text(index: Any) -> str:
    """An index in words: its class, name, first and last label."""
    if not peek.really_in(index, "pandas"):
        return type_name(index)
    length = len(index)
    names = [literal(name, 40) for name in index.names if name is not None]
    parts = [type_name(index), *([", ".join(names)] if names else [])]
    if length:
        ends = [label_text(elements(index, place, place + 1)[0]) for place in (0, length - 1)]
        parts.append(" .. ".join(ends if length > 1 else ends[:1]))
    extra = [f"{name} {text}" for name, text in (("freq", _frequency(index)), ("tz", _zone(index))) if text]
    return clip(" ".join(parts) + (f" ({', '.join(extra)})" if extra else "") + ("" if length else " (empty)"), 199)[0]


def _frequency(index: Any) -> str | None:
    return index.freqstr if type_name(index) in ("DatetimeIndex", "PeriodIndex") else None


def _zone(index: Any) -> str | None:
    zone = index.tz if type_name(index) == "DatetimeIndex" else None
    return None if zone is None else clip(str(zone), 40)[0] if known_zone(zone) else type_name(zone)


def describe_series(value: Any, look: Look) -> Value:
    """Length, dtype, range, missing values, index, first values."""
    manager = peek.own(value, "_mgr")
    if not peek.really_in(manager, "pandas"):
        return describe_object(value, look)
    array = manager.blocks[0].values
    index = manager.axes[0]
    name = peek.own(value, "_name")
    return _one_dimension(value, array, len(index), look, index=index, name=name)


def describe_index(value: Any, look: Look) -> Value:
    """Length, dtype, range, first labels; of a MultiIndex its levels."""
    if not peek.really_in(value, "pandas"):
        return describe_object(value, look)
    length = len(value)
    described = Value(type=type_name(value), module="pandas", shape=(length,), index=index_text(value), dtype=_index_dtype(value))
    if look.brief:
        return described
    head = tuple((label_text(label),) for label in elements(value, 0, _ROWS))
    facts: dict[str, Scalar] = {}
    if type_name(value) == "MultiIndex":
        facts["levels"] = "; ".join(f"{literal(level.name, 40)}: {len(level)} {level.dtype}" for level in islice(value.levels, 8))
    cut = f"{length - _ROWS} of {length} labels" if length > _ROWS else None
    return Value(
        type=described.type,
        module="pandas",
        shape=(length,),
        index=described.index,
        dtype=described.dtype,
        head=head,
        facts=facts,
        cut=cut,
    )


def _index_dtype(index: Any) -> str | None:
    return None if type_name(index) == "MultiIndex" else clip(str(index.dtype), 80)[0]


def describe_extension_array(value: Any, look: Look) -> Value:
    """Categorical, masked, string, datetime and other arrays of pandas."""
    return _one_dimension(value, value, len(value), look) if column.trusted(value) else describe_object(value, look)


def _one_dimension(value: Any, array: Any, length: int, look: Look, *, index: Any = None, name: Any = None) -> Value:
    known = column.trusted(array)
    facts: dict[str, Scalar] = {} if name is None else {"name": label_text(name)}
    common: dict[str, Any] = {
        "type": type_name(value), "module": peek.class_module(type(value)), "shape": (length,), "dtype": column.dtype_of(array),
        "index": None if index is None else index_text(index), "facts": facts,
    }  # fmt: skip
    if look.brief or not known:
        return Value(**common)
    measured = _measured(array, length, look)
    facts.update(_series_facts(array, index, measured, length))
    rows = 8
    cut = f"{length - rows} of {length} values" if length > rows else None
    head = tuple((item,) for item in column.cells(array, 0, rows))
    return Value(**common, range=measured.range, nulls=measured.nulls, head=head, cut=cut)


def _measured(array: Any, length: int, look: Look) -> Measured:
    """Range and missing values of a column; the range only where plain numbers or moments back it."""
    held = array if type(array) is numpy().ndarray else column.backing(array)
    if type(held) is numpy().ndarray and held.dtype.kind in "fiumM" and type_name(array) != "Categorical":
        found = measure(held, look)
        return found if held.dtype.kind in "fmM" else Measured(found.range, 0, found.seen)
    costly = column.cost_ns(array) / 1e6 > look.milliseconds() * _SHARE
    sampled = column.spread(array, _SAMPLE[1]) if costly else array
    return Measured(None, column.missing(sampled, look), len(sampled))


def _series_facts(array: Any, index: Any, measured: Measured, length: int) -> dict[str, Scalar]:
    facts: dict[str, Scalar] = {}
    if measured.seen is not None and measured.seen < length:
        facts["sampled"] = measured.seen
    distinct = column.samples(array)
    if type_name(array) == "Categorical":
        facts["categories"] = len(array.categories)
        facts["ordered"] = bool(array.ordered)
    if distinct:
        facts["distinct"] = ", ".join(str(item) for item in distinct)
    kinds = column.mixed(array)
    if kinds:
        facts["of"] = kinds
    if index is not None and peek.really_in(index, "pandas") and type_name(index) != "RangeIndex" and length:
        facts["labels"] = ", ".join(label_text(label) for label in elements(index, 0, 8)) + (", …" if length > 8 else "")
    return facts


def describe_grouping(value: Any, look: Look) -> Value:
    """A GroupBy, a resampler, a window: what it is over and by; the groups are not computed."""
    of = peek.own(value, "obj")
    keys = peek.own(value, "keys")
    facts: dict[str, Scalar] = {} if keys is None else {"by": literal(keys, 120)}
    for name in ("window", "min_periods", "as_index", "dropna", "observed", "sort"):
        item = peek.own(value, name)
        if peek.exactly(item, int, str, bool):
            facts[name] = item
    attributes = dict(zip(("obj",), look.children([of]), strict=True)) if of is not None and look.shown(1) else {}
    return Value(type=type_name(value), module="pandas", attributes=attributes, facts=facts)


def describe_pandas_scalar(value: Any, look: Look) -> Value:
    """Timestamp, Timedelta, Period, Interval, NA, NaT, offsets and dtypes in pandas' words; a time zone of the user's is named, not asked."""
    zone = zone_of(value)
    if not known_zone(zone):
        return describe_time(value, look)
    text = clip(str(value), look.chars)[0] if peek.really_in(value, "pandas") else None
    return Value(type=type_name(value), module="pandas", value=text)
