"""Words for frames, series, arrays and tensors: size first, then columns by type, then what the columns hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from agentlog.events import Column, Value
from agentlog.valuetext import Depth, facts_text, nested, number, scalar


def is_frame(value: Value) -> bool:
    """Does it have columns, or could it?"""
    return bool(value.columns) or (value.shape is not None and len(value.shape) == 2 and value.type.endswith("DataFrame"))


def frame_depths(value: Value, words: Collection[str]) -> list[Depth]:
    """Rows x columns; columns by type, 8, 24, all; gaps and index; then a line a column with its first values."""
    size = f"{value.type} {_size(value)}"
    index = f"; index {value.index}" if value.index and not value.index.startswith("RangeIndex") else ""
    if not value.columns:
        return [(size, 0.8), (size + index, 1.0)]
    whole = f"{size}: {columns_by_type(value.columns, words, 60)}"
    told = whole + nulls_text(value.columns) + index
    named = [column for column in value.columns if column.name in words][:4]
    rest = len(value.columns) - len(named)
    hint = f"{size}: {columns_by_type(named, words, 4)}; +{rest} more columns" if named and rest else size
    if value.shape is not None and not value.shape[0]:
        return [(size, 0.65), (whole, 0.88), (told, 1.0)]
    listed = [
        (size, 0.35),
        (hint, 0.58),
        (f"{size}: {columns_by_type(value.columns, words, 8)}", 0.68),
        (f"{size}: {columns_by_type(value.columns, words, 24)}", 0.78),
        (whole, 0.82),
        (told, 0.9),
    ]
    if not value.head and not any(column.sample for column in value.columns):
        return listed
    return [
        *listed,
        (size + index + _lines(value, 30, 1), 0.94),
        (size + index + facts_text(value.facts) + _lines(value, 60, 3), 0.97),
        (size + index + facts_text(value.facts, verbose=True) + _lines(value, 400, 5), 1.0),
    ]


def _size(value: Value) -> str:
    rows, columns = value.shape if value.shape is not None and len(value.shape) == 2 else (value.length, len(value.columns))
    return f"{rows}x{columns}" if rows else f"empty (0 rows x {columns} columns)"


def columns_by_type(columns: Sequence[Column], words: Collection[str], room: int) -> str:
    """`int64: age, sex; object: city`; where not all have room, those in `words` come before others."""
    shown = columns
    if len(columns) > room:
        ranked = sorted(range(len(columns)), key=lambda i: (columns[i].name not in words, i))[: room - room // 8]
        shown = [columns[i] for i in sorted({*ranked, *range(len(columns) - room // 8, len(columns))})]
    groups: dict[str, list[str]] = {}
    for column in shown:
        groups.setdefault(column.dtype, []).append(label(column.name))
    text = "; ".join(f"{dtype}: {', '.join(names)}" for dtype, names in groups.items())
    return text + (f"; +{len(columns) - len(shown)} more columns" if len(columns) > len(shown) else "")


def label(name: str) -> str:
    """A column's name, quoted where it would be misread."""
    if name[:1] == "(" and name[-1:] == ")" and "\n" not in name:
        return name
    return name if name and name.strip() == name and not set(name) & set(",;:'\"\n") else repr(name)


def nulls_text(columns: Iterable[Column]) -> str:
    """`; nulls: name 41, age 3`, "" where nothing is missing or nobody counted."""
    missing = [f"{label(column.name)} {column.nulls}" for column in columns if column.nulls]
    more = f", +{len(missing) - 12} more columns" if len(missing) > 12 else ""
    return f"; nulls: {', '.join(missing[:12])}{more}" if missing else ""


def _lines(value: Value, columns: int, count: int) -> str:
    """A line a column: type, name, nulls, first or distinct values."""
    lines = []
    for place, column in enumerate(value.columns[:columns]):
        first = column.sample or tuple(row[place] for row in value.head if place < len(row))
        say = number if column.nulls or column.dtype.startswith("float") else scalar
        shown = f": {', '.join(say(cell, 32) for cell in first[:count])}" if first else ""
        missing = f", {column.nulls} null" if column.nulls else ""
        lines.append(f"\n{column.dtype} {label(column.name)}{missing}{shown}")
    rest = len(value.columns) - columns
    return "".join(lines) + (f"\n+{rest} more columns" if rest > 0 else "")


def array_depths(value: Value) -> list[Depth]:
    """Type, length or shape, dtype; range and gaps; first values; index."""
    shape = value.shape or ()
    size = f"len {shape[0]}" if len(shape) == 1 else f"({', '.join(map(str, shape))})"
    short = f"{value.type} {size}{' ' + value.dtype if value.dtype else ''}{' empty' if 0 in shape else ''}"
    facts = facts_text({key: fact for key, fact in value.facts.items() if key != "name"})
    told = short + (f", {value.nulls} missing" if value.nulls else "") + facts
    ranged = f"{told}, {number(value.range[0])}..{number(value.range[1])}" if value.range else told
    index = f", index {value.index}" if value.index and not value.index.startswith("RangeIndex") else ""
    full = ranged + index + facts_text({key: value.facts[key] for key in ("name", "labels") if key in value.facts}, verbose=True)
    return [
        (short, 0.66),
        (told, 0.74),
        (ranged, 0.8),
        (ranged + _head(value, 3), 0.88),
        (ranged + _head(value, 8), 0.93),
        (full + _head(value, 24), 1.0),
    ]


def _head(value: Value, count: int) -> str:
    """The first values in brackets."""
    say = number if value.nulls or (value.dtype or "").startswith(("float", "complex")) else scalar
    if value.items:
        parts = [nested(item, 24) for item in value.items[:count]]
    elif value.head and len(value.head[0]) == 1:
        parts = [say(row[0], 24) for row in value.head[:count]]
    else:
        parts = [
            "[" + ", ".join(say(cell, 12) for cell in row[:6]) + ("...]" if len(row) > 6 else "]")
            for row in value.head[: count // 3]
        ]
    total = value.shape[0] if value.shape else value.length
    return f" [{', '.join(parts)}{', ...' if total and total > len(parts) else ''}]" if parts else ""
