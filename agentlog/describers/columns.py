"""One column of a pandas frame: its array, looked at by pandas' own functions and only for pandas' own classes."""

from __future__ import annotations

import sys
from typing import Any

from agentlog import peek
from agentlog.describers.arrays import CHUNK, dates, dtype_text, kinds_in, numpy
from agentlog.describers.containers import scalar
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Scalar
from agentlog.look import Look
from agentlog.own_text import has_safe_text, known_zone

_NS_PER_ELEMENT = {"f": 1.5, "c": 3.0, "m": 1.5, "M": 1.5, "O": 40.0, "?": 20.0, "a": 0.02}
"""About what counting missing values costs by kind of array, on a slow core."""
_DISTINCT = 5
_FIRST, _LOOKED = 12, 200
_RUN = 50
"""Neighbouring rows taken together in a sample."""


def trusted(array: object) -> bool:
    """May its methods be called? Only those of pandas' and numpy's own classes."""
    if peek.really_in(array, "numpy"):
        return True
    return peek.really_in(array, "pandas") and known_zone(peek.own(peek.own(array, "_dtype"), "_tz"))


def backing(array: Any) -> Any:
    """The numpy array that tells what is missing, where the extension array keeps one, else the array itself."""
    for name in ("_mask", "_ndarray"):
        found = peek.own(array, name)
        if found is None and name == "_ndarray" and type_name(array) != "PeriodArray":
            found = _cython_slot(array, name)
        if type(found) is numpy().ndarray:
            return found
    return array


def _cython_slot(array: Any, name: str) -> Any:
    """Attributes that pandas' compiled base class keeps."""
    return getattr(array, name, None) if peek.really_in(array, "pandas") else None


def kind_of(array: Any) -> str:
    """numpy's kind letter of what `missing` would look at; "a" for Arrow (it knows), "k" for category codes."""
    if peek.own(array, "_pa_array") is not None:
        return "a"
    held = backing(array)
    if type_name(array) == "Categorical":
        return "k"
    return str(held.dtype.kind) if type(held) is numpy().ndarray else "?"


def cost_ns(array: Any) -> float:
    """About how long counting the missing values of `array` takes."""
    return _NS_PER_ELEMENT.get(kind_of(array), 0.5) * len(array)


def spread(array: Any, count: int) -> Any:
    """About `count` elements of a trusted array: short runs from the whole, so that nothing periodic deceives."""
    length, np = len(array), numpy()
    if length <= count:
        return array
    runs = max(1, count // _RUN)
    starts = np.arange(runs) * (length // runs)
    return array[(starts[:, None] + np.arange(min(_RUN, length // runs))).ravel()]


def missing(array: Any, look: Look) -> int | None:
    """Missing values of a trusted array, counted in chunks; None when the time ran out."""
    if kind_of(array) == "a":
        return int(array._pa_array.null_count)
    if kind_of(array) in "iubSU" and backing(array) is array:
        return 0
    total = 0
    for start in range(0, len(array), CHUNK):
        if start and look.late():
            return None
        total += _missing(array[start : start + CHUNK])
    return total


def missing_by_row(values: Any, rows: int, look: Look) -> list[int | None]:
    """Missing values of each column of a block of pandas', whose rows are columns."""
    if not trusted(values):
        return [None] * rows
    if values.ndim == 1:
        return [missing(values, look)]
    if type(values) is numpy().ndarray:
        if values.dtype.kind in "iubSU":
            return [0] * rows
        if values.dtype.kind in "fc":
            return numpy().isnan(values).sum(axis=1).tolist()  # type: ignore[no-any-return]
    return [missing(row, look) for row in values]


def _missing(array: Any) -> int:
    np = numpy()
    if type_name(array) == "Categorical":
        return int(np.count_nonzero(array.codes == -1))
    held = backing(array)
    if type(held) is not np.ndarray:
        return int(np.count_nonzero(held.isna()))
    kind = held.dtype.kind
    if kind == "O":
        return missing_objects(held.tolist())
    if held is not array and kind == "b":
        return int(np.count_nonzero(held))
    if kind in "fc":
        return int(np.count_nonzero(np.isnan(held)))
    return int(np.count_nonzero(np.isnat(held))) if kind in "mM" else 0


def missing_objects(items: list[Any]) -> int:
    """None, NaN, NaT and NA among Python objects; compares nothing but exact floats."""
    kinds = list(map(id, map(type, items)))
    total = sum(kinds.count(id(type(mark))) for mark in (None, peek.loaded("pandas", "NaT"), peek.loaded("pandas", "NA")))
    if id(float) in kinds:
        total += sum(1 for item in items if type(item) is float and item != item)
    return total


def dtype_of(array: Any) -> str:
    """The dtype as pandas says it."""
    dtype = array.dtype if trusted(array) else None
    if dtype is None:
        return type_name(array)
    if peek.really_in(dtype, "numpy"):
        return dtype_text(dtype)
    if type_name(dtype) == "CategoricalDtype":
        return "category"
    return clip(str(dtype), 80)[0] if peek.really_in(dtype, "pandas") else type_name(dtype)


def cells(array: Any, start: int, stop: int, chars: int = 80) -> list[Scalar]:
    """Elements as JSON can carry them: None for None, NA and NaT; "nan" for a float NaN."""
    if not trusted(array):
        return [f"<{type_name(array)}>"] * (stop - start)
    part = array[start:stop]
    if type(part) is numpy().ndarray:
        items = dates(part) if part.dtype.kind in "mM" else part.tolist()
    else:
        items = [None if type(item) is float and item != item else item for item in part]
    return [cell(item, chars) for item in items]


def cell(item: Any, chars: int = 80) -> Scalar:
    """One element: pandas' and numpy's own scalars become plain ones."""
    if item is None or peek.exactly(item, str, int, float, bool):
        return scalar(item, chars)
    pandas = sys.modules.get("pandas")
    if pandas is not None and (item is pandas.NaT or item is pandas.NA):
        return None
    if peek.really_in(item, "numpy") and peek.is_a(item, numpy().generic):
        return scalar(dates(numpy().array([item]))[0] if item.dtype.kind in "mM" else item.item(), chars)
    if peek.really_in(item, "pandas") and has_safe_text(item):
        return clip(str(item), chars)[0].replace(" 00:00:00", "")
    return scalar(item, chars)


def samples(array: Any) -> tuple[Scalar, ...]:
    """A few distinct values of a column of text, objects or categories; categories themselves where there are some."""
    if not trusted(array):
        return ()
    if type_name(array) == "Categorical":
        return tuple(cells(array.categories.array, 0, 8, 40))
    kind = kind_of(array)
    if kind not in "Oa" or (kind == "a" and "str" not in dtype_of(array)):
        return ()
    found: dict[str, Scalar] = {}
    for part in (array[:_FIRST], spread(array, _LOOKED)):
        for item in cells(part, 0, len(part), 40):
            found.setdefault(f"{type(item).__name__}{item}", item)
        if len(found) >= _DISTINCT or len(array) <= _FIRST:
            break
    return tuple(found.values())[:_DISTINCT]


def mixed(array: Any) -> str | None:
    """Of an object column that holds several types: which. "str 990, float 10"."""
    held = backing(array)
    if type(held) is not numpy().ndarray or held.dtype.kind != "O":
        return None
    kinds = kinds_in(spread(held, 1_000).tolist())
    return kinds if "," in kinds else None
