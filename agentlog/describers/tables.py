"""polars and pyarrow: frames, series, tables, arrays. Both know their missing values without counting."""

from __future__ import annotations

import sys
from typing import Any

from agentlog import peek
from agentlog.describers.columns import cell
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Column, Scalar, Value
from agentlog.look import Look

_ROWS = 5
_VALUES = 8
_TEXTS = ("String", "Categorical", "Enum", "Object", "string", "large_string")


def _plain(value: Any, name: str) -> Any:
    """The library's own object behind `value`, whatever subclass it is: made anew around the same data."""
    polars = sys.modules["polars"]
    cls = getattr(polars, name)
    if type(value) is cls:
        return value
    inner = peek.own(value, "_df" if name == "DataFrame" else "_s")
    return cls._from_pydf(inner) if name == "DataFrame" else cls._from_pyseries(inner)


def describe_polars_frame(value: Any, look: Look) -> Value:
    """Shape, columns with dtype and missing values, first rows."""
    frame = _plain(value, "DataFrame")
    rows, width = frame.shape
    series = frame.get_columns()[: look.limits.columns]
    columns = tuple(
        Column(clip(one.name, 80)[0], clip(str(one.dtype), 80)[0], one.null_count() if look.counted else None) if look.brief
        else Column(clip(one.name, 80)[0], clip(str(one.dtype), 80)[0], one.null_count(), _distinct(one))
        for one in series
    )  # fmt: skip
    if look.brief:
        return _table(value, (rows, width), columns)
    head = tuple(zip(*(_cells(one, _ROWS) for one in series), strict=True)) if rows else ()
    facts = _size(frame.estimated_size())
    return _table(value, (rows, width), columns, head=head, facts=facts, cut=_cut(rows, width, len(series)))


def _table(value: object, shape: tuple[int, int], columns: tuple[Column, ...], **parts: Any) -> Value:
    return Value(type=type_name(value), module=_package(value), shape=shape, columns=columns, **parts)


def _package(value: object) -> str | None:
    return peek.class_module(type(value))


def _size(size: int) -> dict[str, Scalar]:
    return {"mb": round(size / 1e6, 1)} if size >= 1 << 20 else {}


def _cut(rows: int, width: int, shown: int) -> str | None:
    parts = [f"{rows - _ROWS} of {rows} rows"] if rows > _ROWS else []
    if width > shown:
        parts.append(f"{width - shown} of {width} columns")
    return ", ".join(parts) or None


def _cells(series: Any, count: int, chars: int = 80) -> list[Scalar]:
    return [_polars_cell(item, chars) for item in series.head(count).to_list()]


def _polars_cell(item: Any, chars: int) -> Scalar:
    return clip(str(item), chars)[0] if _is_time(item) else cell(item, chars)


def _is_time(item: Any) -> bool:
    return peek.really_in(item, "datetime") or peek.really_in(item, "decimal")


def _distinct(series: Any) -> tuple[Scalar, ...]:
    if type_name(series.dtype) not in _TEXTS:
        return ()
    return tuple(dict.fromkeys(_cells(series, 200, 40)))[:5]


def describe_polars_series(value: Any, look: Look) -> Value:
    """Length, dtype, range, missing values, first values."""
    series = _plain(value, "Series")
    length = series.len()
    facts: dict[str, Scalar] = {"name": clip(series.name, 80)[0]} if series.name else {}
    common: dict[str, Any] = {
        "type": type_name(value),
        "module": _package(value),
        "shape": (length,),
        "dtype": clip(str(series.dtype), 80)[0],
        "facts": facts,
    }
    if look.brief:
        return Value(**common)
    known = series.dtype.is_numeric() or series.dtype.is_temporal()
    spread = None
    if known and 0 < length <= look.milliseconds() * 100_000:
        spread = (_polars_cell(series.min(), 80), _polars_cell(series.max(), 80))
    cut = f"{length - _VALUES} of {length} values" if length > _VALUES else None
    return Value(
        **common, range=spread, nulls=series.null_count(), head=tuple((item,) for item in _cells(series, _VALUES)), cut=cut
    )


def describe_lazy(value: Any, look: Look) -> Value:
    """A LazyFrame or expression: never collected."""
    return Value(type=type_name(value), module=_package(value), cut="not collected")


def describe_arrow_table(value: Any, look: Look) -> Value:
    """Shape, columns with type and missing values, first rows."""
    if not peek.really_in(value, "pyarrow"):
        return Value(type=type_name(value), module=_package(value), cut="a subclass is not asked")
    rows, width = value.num_rows, value.num_columns
    shown = min(width, look.limits.columns)
    fields = [value.schema.field(place) for place in range(shown)]
    if look.brief:
        return _table(value, (rows, width), tuple(Column(clip(field.name, 80)[0], _arrow_type(field.type)) for field in fields))
    arrays = [value.column(place) for place in range(shown)]
    columns = tuple(
        Column(clip(field.name, 80)[0], _arrow_type(field.type), array.null_count, _arrow_distinct(array))
        for field, array in zip(fields, arrays, strict=True)
    )
    head = tuple(zip(*(_arrow_cells(array, _ROWS) for array in arrays), strict=True)) if rows else ()
    return _table(value, (rows, width), columns, head=head, facts=_size(value.nbytes), cut=_cut(rows, width, shown))


def _arrow_type(kind: Any) -> str:
    """The type in arrow's words; an extension type of the user's by its class."""
    return clip(str(kind), 80)[0] if peek.really_in(kind, "pyarrow") else type_name(kind)


def _arrow_cells(array: Any, count: int, chars: int = 80) -> list[Scalar]:
    """First values; of an extension type of the user's, whose scalars may run its code, only how many."""
    part = array.slice(0, count)
    if not peek.really_in(array.type, "pyarrow"):
        return [f"<{type_name(array.type)}>"] * len(part)
    return [_polars_cell(item, chars) for item in part.to_pylist()]


def _arrow_distinct(array: Any) -> tuple[Scalar, ...]:
    return tuple(dict.fromkeys(_arrow_cells(array, 200, 40)))[:5] if _arrow_type(array.type) in _TEXTS else ()


def describe_arrow_array(value: Any, look: Look) -> Value:
    """Length, type, missing values, first values."""
    if not peek.really_in(value, "pyarrow"):
        return Value(type=type_name(value), module=_package(value), cut="a subclass is not asked")
    length = len(value)
    kind = _arrow_type(value.type)
    if look.brief:
        return Value(type=type_name(value), module=_package(value), shape=(length,), dtype=kind)
    head = tuple((item,) for item in _arrow_cells(value, _VALUES))
    cut = f"{length - _VALUES} of {length} values" if length > _VALUES else None
    return Value(
        type=type_name(value), module=_package(value), shape=(length,), dtype=kind,
        nulls=value.null_count, head=head, facts=_size(value.nbytes), cut=cut,
    )  # fmt: skip


def describe_by_text(value: Any, look: Look) -> Value:
    """Schemas, scalars, dtypes: what the library's own text says."""
    if not peek.really_in(value, "pyarrow"):
        return Value(type=type_name(value), module=_package(value))
    return Value(type=type_name(value), module=_package(value), value=clip(str(value), look.chars)[0])
