"""numpy arrays and scalars. Everything goes through a plain view, so that no subclass is ever asked.

Least, greatest and missing values are counted in chunks while there is time; of what is too large an even sample is
counted, and `facts["sampled"]` says of how many elements.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

from agentlog import peek
from agentlog.describers.containers import literal, scalar, scalars
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look

CHUNK = 1 << 16
"""Elements looked at between two glances at the clock."""
SAMPLE = 16_384
"""Elements of an even sample, taken in runs of `_RUN`."""
_RUN = 64
_WHOLE_PER_MS = 250_000
"""Elements whose least, greatest and missing are found in a millisecond on a slow core."""
_HEAD = 8
_HEAD_WIDTH = 12


@dataclass(frozen=True, slots=True)
class Measured:
    """What counting found; `seen` elements were looked at, None where nothing was."""

    range: tuple[Scalar, Scalar] | None = None
    nulls: int | None = None
    seen: int | None = None


def numpy() -> Any:
    """The numpy the host has imported."""
    return sys.modules["numpy"]


def describe_array(value: Any, look: Look) -> Value:
    """Shape, dtype, range, NaN count, first values; of object arrays the first elements."""
    np = numpy()
    array = np.ndarray.view(value, np.ndarray)
    measured = Measured() if look.brief or peek.is_a(value, np.memmap) else measure(array, look)
    facts = _facts(value, array, measured) if not look.brief else {}
    head = () if look.brief else _head(array)
    items = object_items(array, look)
    return Value(
        type=type_name(value), module=peek.class_module(type(value)), shape=array.shape or None, dtype=dtype_text(array.dtype),
        value=scalar(first_of(array, 1)[0]) if not array.shape and array.dtype.kind != "O" else None,
        range=measured.range, nulls=measured.nulls, head=head, items=tuple(items), facts=facts,
        cut=_cut(array, len(head) or len(items)) if not look.brief else None,
    )  # fmt: skip


def _facts(value: Any, array: Any, measured: Measured) -> dict[str, Scalar]:
    facts: dict[str, Scalar] = {}
    if not array.shape:
        facts["ndim"] = 0
    if measured.seen is not None and measured.seen < array.size:
        facts["sampled"] = measured.seen
    if array.nbytes >= 1 << 20:
        facts["mb"] = round(array.nbytes / 1e6, 1)
    if array.dtype.kind == "O" and array.size > 1:
        facts["of"] = kinds_in(sample_of(array, 1_000).tolist())
    mask = peek.own(value, "_mask")
    if mask is not None and type(mask) is numpy().ndarray and mask.size <= 1 << 22:
        facts["masked"] = int(numpy().count_nonzero(mask))
    return facts


_MARKS = ("NAType", "NaTType")
"""Types of pandas' marks for what is missing."""


def kinds_in(items: list[object]) -> str:
    """Which types the items are of, the missing ones aside: "str", or "str 990, float 10"."""
    counts: dict[str, int] = {}
    for item in items:
        if item is not None and not (type(item) is float and item != item):
            name = type_name(item)
            counts[name] = counts.get(name, 0) + 1
    for mark in _MARKS:
        counts.pop(mark, None)
    common = sorted(counts.items(), key=lambda pair: -pair[1])
    return (
        "NoneType"
        if not common
        else common[0][0]
        if len(common) == 1
        else ", ".join(f"{name} {count}" for name, count in common[:6])
    )


def object_items(array: Any, look: Look) -> list[Value]:
    """The first elements of an object array, described."""
    if array.dtype.kind != "O":
        return []
    return look.children(first_of(array, look.shown(min(array.size, _HEAD_WIDTH))))


def first_of(array: Any, count: int) -> list[object]:
    """The first elements in reading order, without copying the array."""
    return list(array.flat[:count].tolist()) if array.dtype.kind not in "mM" else dates(array.flat[:count])


def dates(array: Any) -> list[object]:
    """datetime64 and timedelta64 elements as text; None for NaT."""
    np = numpy()
    if array.dtype.kind == "m":
        return [None if item is None else str(item) for item in array.astype("m8[us]").ravel().tolist()]
    return [None if text == "NaT" else trimmed(text) for text in np.datetime_as_string(array).ravel().tolist()]


def trimmed(text: str) -> str:
    """An ISO moment without the zeros at its end."""
    date, mark, clock = text.partition("T")
    if not mark:
        return text
    clock = clock.rstrip("0").rstrip(".") if "." in clock else clock
    return date if clock == "00:00:00" else f"{date} {clock}"


def _head(array: Any) -> tuple[tuple[Scalar, ...], ...]:
    """1-d: one scalar a row; 2-d: the first rows and columns; more: the first elements as one row."""
    if array.dtype.kind == "O" or array.size == 0 or array.ndim == 0:
        return ()
    if array.dtype.names is not None:
        return tuple(scalars(row, 40) if type(row) is tuple else (literal(row),) for row in array.flat[:5].tolist())
    if array.ndim == 1:
        return tuple((scalar(item),) for item in first_of(array, _HEAD))
    if array.ndim == 2:
        return tuple(scalars(first_of(row[:_HEAD_WIDTH], _HEAD_WIDTH), 40) for row in array[:5])
    return (scalars(first_of(array, _HEAD_WIDTH), 40),)


def _cut(array: Any, shown: int) -> str | None:
    if array.ndim == 0:
        return None
    if array.ndim == 1:
        return f"{array.size - shown} of {array.size} elements" if array.size > shown else None
    if array.ndim == 2 and array.dtype.kind != "O":
        rows, columns = array.shape
        return (
            f"head shows {min(rows, 5)} of {rows} rows, {min(columns, _HEAD_WIDTH)} of {columns} columns"
            if rows > 5 or columns > _HEAD_WIDTH
            else None
        )
    shown = min(array.size, _HEAD_WIDTH)
    return f"first {shown} of {array.size} elements" if array.size > shown else None


def dtype_text(dtype: Any, chars: int = 120) -> str:
    """The dtype as numpy says it; a dtype of the user's only by its class."""
    return clip(str(dtype), chars)[0] if peek.really_in(dtype, "numpy") else type_name(dtype)


def sample_of(array: Any, count: int) -> Any:
    """About `count` elements, evenly from the whole, as one flat array."""
    if array.size <= count:
        return array.ravel()
    if array.ndim == 1:
        return _runs(array, count)
    per_axis = (array.size / count) ** (1 / array.ndim)
    return array[tuple(slice(None, None, max(1, math.ceil(min(per_axis, n)))) for n in array.shape)].ravel()


def _runs(array: Any, count: int) -> Any:
    """Evenly spaced short runs as one view: neighbours share a page of memory, single elements would touch one each."""
    runs = count // _RUN
    apart = array.size // runs
    if array.strides[0] != array.itemsize or apart <= _RUN:
        return array[:: array.size // count][:count]
    return array[: runs * apart].reshape(runs, apart)[:, :_RUN].ravel()


def measure(array: Any, look: Look) -> Measured:
    """Least, greatest and number of missing values of a numeric, boolean or time array."""
    kind = array.dtype.kind
    if kind not in "fiubmM" or array.size == 0:
        return Measured(nulls=0 if kind in "SU" else None)
    np = numpy()
    flat = _flat(array, look)
    least = greatest = None
    nulls = seen = 0
    with np.errstate(all="ignore"):
        for start in range(0, flat.size, CHUNK):
            if start and look.late():
                break
            low, high, missing = _extremes(flat[start : start + CHUNK])
            least = low if least is None else np.fmin(least, low)
            greatest = high if greatest is None else np.fmax(greatest, high)
            nulls += missing
            seen = min(flat.size, start + CHUNK)
    return Measured(_bounds(least, greatest), nulls if kind in "fmM" else None, seen)


def _flat(array: Any, look: Look) -> Any:
    """All elements as a flat view where that is free and there is time, else an even sample."""
    contiguous = array.flags.c_contiguous or array.flags.f_contiguous
    if array.size <= look.milliseconds() * _WHOLE_PER_MS and (contiguous or array.size <= CHUNK):
        return array.ravel(order="K")
    return sample_of(array.ravel(order="K") if contiguous else array, SAMPLE)


def _extremes(chunk: Any) -> tuple[Any, Any, int]:
    np = numpy()
    kind = chunk.dtype.kind
    if kind == "b":
        return np.bool_(chunk.all()), np.bool_(chunk.any()), 0
    missing = 0
    if kind in "fmM":
        missing = int(np.count_nonzero(np.isnan(chunk) if kind == "f" else np.isnat(chunk)))
    return np.fmin.reduce(chunk), np.fmax.reduce(chunk), missing


def _bounds(least: Any, greatest: Any) -> tuple[Scalar, Scalar] | None:
    if least is None:
        return None
    np = numpy()
    if least.dtype.kind in "mM":
        low, high = dates(np.array([least, greatest]))
        return scalar(low), scalar(high)
    return scalar(least.item()), scalar(greatest.item())


def describe_numpy_scalar(value: Any, look: Look) -> Value:
    """The number itself; times and records as text."""
    np = numpy()
    kind = value.dtype.kind if peek.really_in(value, "numpy") else "?"
    if kind == "?":
        return Value(type=type_name(value), module=peek.class_module(type(value)))
    plain = dates(np.array([value]))[0] if kind in "mM" else value.item()
    if kind in "fc" and type(plain) not in (float, complex):
        plain = float(value) if kind == "f" else str(value)
    return Value(type=type_name(value), module="numpy", value=scalar(plain, look.chars))


def describe_dtype(value: Any, look: Look) -> Value:
    """A dtype in numpy's words."""
    return Value(type=type_name(value), module="numpy", value=dtype_text(value, look.chars))
