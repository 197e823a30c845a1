"""Words for a described value, from the shortest that tells what it is to all that was observed.

`texts(value, words)` gives the variants. `words` are those of the failing code and its message: parameters, columns
and keys that occur there are named first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from agentlog.events import Column, Scalar, Value

_PLAIN = frozenset({"int", "float", "bool", "complex", "NoneType"})
_TEXT = frozenset({"str", "bytes", "bytearray"})
NO_WORDS: frozenset[str] = frozenset()


def texts(value: Value, words: Collection[str] = NO_WORDS) -> tuple[str, ...]:
    """The variants for `value`, each saying more than the one before; at least one."""
    if value.columns or (value.shape is not None and len(value.shape) == 2 and value.type.endswith("DataFrame")):
        found = _frame_texts(value, words)
    elif value.type in _TEXT:
        found = _string_texts(value)
    elif value.type in _PLAIN:
        found = [scalar(value.value)]
    elif value.shape is not None:
        found = _array_texts(value)
    elif value.entries or value.items or value.length is not None:
        found = _container_texts(value)
    else:
        found = _object_texts(value, words)
    return tuple(dict.fromkeys(text for text in found if text))


def brief(value: Value) -> str:
    """The shortest text."""
    return texts(value)[0]


def nested(value: Value, room: int = 60) -> str:
    """A text of at most about `room` characters, for a value inside another."""
    options = texts(value)
    fitting = [text for text in options if len(text) <= room and "\n" not in text]
    return fitting[-1] if fitting else options[0]


def scalar(value: Scalar, room: int = 60) -> str:
    """A scalar as Python writes it, long text cut in the middle."""
    if isinstance(value, str):
        return repr(value) if len(value) <= room else f"{value[: room - 15]!r}...{value[-10:]!r}"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


# --- frames ---------------------------------------------------------------------------------------------------


def _frame_texts(value: Value, words: Collection[str]) -> list[str]:
    size = f"{value.type} {_size(value)}"
    index = f"; index {value.index}" if value.index and not value.index.startswith("RangeIndex") else ""
    if not value.columns:
        return [size, size + index]
    wide = f"{size}: {columns_by_type(value.columns, words, 400)}"
    out = [
        size,
        f"{size}: {columns_by_type(value.columns, words, 12)}",
        f"{size}: {columns_by_type(value.columns, words, 40)}",
        wide,
    ]
    full = wide + index + _nulls(value.columns) + _facts(value.facts) + _cut(value)
    out += [full, full + rows(value, 1), full + rows(value, 3), full + _samples(value.columns) + rows(value, len(value.head))]
    return out


def _size(value: Value) -> str:
    rows_, columns = value.shape if value.shape is not None and len(value.shape) == 2 else (value.length, len(value.columns))
    return f"{rows_}x{columns}" if rows_ else f"empty, 0 rows x {columns} columns"


def columns_by_type(columns: Sequence[Column], words: Collection[str], room: int) -> str:
    """`int64 age sex; object city`: the columns that are in `words` first where not all have room."""
    shown = columns
    if len(columns) > room:
        ranked = sorted(range(len(columns)), key=lambda i: (columns[i].name not in words, i))[:room]
        shown = [columns[i] for i in sorted(ranked)]
    groups: dict[str, list[str]] = {}
    for column in shown:
        groups.setdefault(column.dtype, []).append(_label(column.name))
    text = "; ".join(f"{dtype}: {', '.join(names)}" for dtype, names in groups.items())
    return text + (f"; +{len(columns) - len(shown)} more columns" if len(columns) > len(shown) else "")


def _label(name: str) -> str:
    return name if name and name.strip() == name and "," not in name and ";" not in name else repr(name)


def _nulls(columns: Iterable[Column]) -> str:
    missing = [f"{_label(column.name)} {column.nulls}" for column in columns if column.nulls]
    return f"; nulls: {', '.join(missing)}" if missing else ""


def _samples(columns: Iterable[Column]) -> str:
    lines = [f"{_label(c.name)}: {', '.join(scalar(v, 30) for v in c.sample)}" for c in columns if c.sample]
    return "".join(f"\n  {line}" for line in lines)


def rows(value: Value, count: int) -> str:
    """The first `count` rows as indented lines."""
    shown = value.head[:count]
    return "".join("\n  " + " | ".join(scalar(cell, 24) for cell in row) for row in shown)


# --- arrays, series, tensors ----------------------------------------------------------------------------------


def _array_texts(value: Value) -> list[str]:
    shape = value.shape or ()
    size = f"len {shape[0]}" if len(shape) == 1 else f"({', '.join(map(str, shape))})"
    short = f"{value.type} {size}{' ' + value.dtype if value.dtype else ''}"
    if 0 in shape:
        short += ", empty"
    told = short
    if value.range is not None:
        told += f", {scalar(value.range[0])}..{scalar(value.range[1])}"
    if value.nulls:
        told += f", {value.nulls} missing"
    told += _facts(value.facts)
    first = _flat_head(value, 4)
    more = _flat_head(value, 20)
    index = f", index {value.index}" if value.index else ""
    return [short, told, told + first, told + index + more + _cut(value)]


def _flat_head(value: Value, count: int) -> str:
    """The first values in brackets."""
    if value.items:
        parts = [nested(item, 24) for item in value.items[:count]]
    elif value.head and len(value.head[0]) == 1:
        parts = [scalar(row[0], 24) for row in value.head[:count]]
    elif value.head:
        parts = ["[" + ", ".join(scalar(cell, 12) for cell in row[:8]) + "]" for row in value.head[: max(1, count // 4)]]
    else:
        return ""
    total = (value.shape or (value.length or 0,))[0]
    return f" [{', '.join(parts)}{', ...' if total and total > len(parts) else ''}]"


# --- text, containers, objects --------------------------------------------------------------------------------


def _string_texts(value: Value) -> list[str]:
    text = value.value if isinstance(value.value, str) else str(value.value)
    size = value.length if value.length is not None else len(text)
    note = f" ({size} characters)" if size > 60 or len(text) < size else ""
    return [scalar(text, 60) + note, scalar(text, 200) + note, scalar(text, 2000) + note]


def _container_texts(value: Value) -> list[str]:
    size = value.length if value.length is not None else len(value.entries) or len(value.items)
    short = f"{value.type} len {size}"
    note = f" {value.value}" if value.value is not None else ""
    return [short + note, *(short + note + _contents(value, count, room) for count, room in ((4, 24), (12, 40), (40, 80)))]


def _contents(value: Value, count: int, room: int) -> str:
    if value.entries:
        shown = [f"{key}: {nested(entry, room)}" for key, entry in list(value.entries.items())[:count]]
    else:
        shown = [nested(item, room) for item in value.items[:count]]
    size = value.length if value.length is not None else len(shown)
    rest = f", +{size - len(shown)} more" if size > len(shown) else ""
    opening, closing = ("{", "}") if value.entries or value.type in ("set", "frozenset", "dict") else ("[", "]")
    return f" {opening}{', '.join(shown)}{rest}{closing}"


def _object_texts(value: Value, words: Collection[str]) -> list[str]:
    short = value.type
    if value.value is not None:
        said = value.value if isinstance(value.value, str) else scalar(value.value)
        short = said if said.startswith(value.type) else f"{value.type} {said}"
    told = short[:120] + _facts(value.facts)
    named = {key: entry for key, entry in value.attributes.items() if key in words or entry.value in words}
    return [
        told,
        told + _attributes(named, 8, 40),
        told + _attributes({**named, **value.attributes}, 12, 40),
        short + _facts(value.facts) + _attributes({**named, **value.attributes}, 60, 80) + _contents_if_any(value) + _cut(value),
    ]


def _attributes(attributes: Mapping[str, Value], count: int, room: int) -> str:
    shown = [f"{key}={nested(entry, room)}" for key, entry in list(attributes.items())[:count]]
    rest = f", +{len(attributes) - len(shown)} more" if len(attributes) > len(shown) else ""
    return f"({', '.join(shown)}{rest})" if shown else ""


def _contents_if_any(value: Value) -> str:
    return _contents(value, 12, 40) if value.entries or value.items else ""


def _facts(facts: Mapping[str, Scalar]) -> str:
    """Observations in words: `fitted=False` reads `not fitted`, `sampled=1000` stays."""
    return "".join(f", {_fact(key, fact)}" for key, fact in facts.items())


def _fact(key: str, fact: Scalar) -> str:
    if fact is True:
        return key
    if fact is False:
        return f"not {key}"
    return f"{key} {scalar(fact)}"


def _cut(value: Value) -> str:
    return f" ({value.cut})" if value.cut else ""
