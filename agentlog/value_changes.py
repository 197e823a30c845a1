"""What an execution did to a name, by the descriptions before and after: equal for certain, the same code, what is different in words."""

from __future__ import annotations

from collections.abc import Iterator

from agentlog.events import Change, Value

SIGNS = {"made": "+", "rebound": "=", "mutated": "~", "deleted": "-", "unknown": "?"}
"""Kind of change -> its sign in lists."""


def same_value(old: Value | None, new: Value | None) -> bool:
    """Equal for certain: equal facts that tell all (a digest of the content, or a short value)."""
    if old is None or new is None or old != new:
        return False
    return "digest" in new.facts or (new.value is not None and not new.cut) or new.type == "NoneType"


def is_code(value: Value | None) -> bool:
    """A module, function or class: bound once, read by all."""
    return value is not None and value.type in ("module", "function", "type")


def is_same_code(change: Change) -> bool:
    """A module, function or class of which nothing says that it is another one now."""
    old, new = change.old, change.new
    if not is_code(new):
        return False
    return old is None or new is None or old.facts.get("digest") == new.facts.get("digest")


def difference(old: Value | None, new: Value | None) -> str:
    """What is different between two descriptions, in words: "100 rows -> 80", "lost column 'a'"; "" for nothing seen."""
    if old is None or new is None:
        return ""
    if old.type != new.type:
        return f"{old.type} -> {new.type}"
    parts = [*_columns(old, new), *_shape(old, new)]
    if old.dtype != new.dtype:
        parts.append(f"dtype {old.dtype} -> {new.dtype}")
    lost, gained = [k for k in old.entries if k not in new.entries], [k for k in new.entries if k not in old.entries]
    if not old.cut and not new.cut:
        parts.extend(
            f"{word} key {', '.join(map(repr, keys[:4]))}" for word, keys in (("lost", lost), ("gained", gained)) if keys
        )
    if not parts and old.value != new.value and old.value is not None and new.value is not None:
        parts.append(f"{_short(old.value)} -> {_short(new.value)}")
    return ", ".join(parts)


def effect(change: Change) -> str:
    """ "+df DataFrame (3, 2): a, b": one change in a few words."""
    if change.kind in ("deleted", "unknown"):
        return f"{SIGNS[change.kind]}{change.name}"
    said = (difference(change.old, change.new) or "content") if change.old is not None else describe_short(change.new)
    return f"{SIGNS[change.kind]}{change.name} {said}".strip()


def describe_short(value: Value | None) -> str:
    """A description in a few words: "DataFrame (100, 3): a, b, c"."""
    if value is None:
        return "not described"
    parts = [value.type]
    if value.shape is not None:
        parts.append(str(value.shape))
    elif value.length is not None:
        parts.append(f"of {value.length}")
    if value.dtype:
        parts.append(value.dtype)
    if value.columns:
        parts.append(": " + ", ".join(column.name for column in value.columns[:8]) + (" ..." if len(value.columns) > 8 else ""))
    elif value.value is not None:
        parts.append(repr(value.value)[:60])
    return " ".join(parts).replace(" :", ":")


def _columns(old: Value, new: Value) -> Iterator[str]:
    before, after = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    for word, names in (("lost", [n for n in before if n not in after]), ("gained", [n for n in after if n not in before])):
        if names and not (old.cut or new.cut):
            yield f"{word} column{'s' * (len(names) > 1)} {', '.join(map(repr, names[:4]))}{' ...' if len(names) > 4 else ''}"
    changed = [f"{n} {before[n].dtype} -> {after[n].dtype}" for n in before if n in after and before[n].dtype != after[n].dtype]
    if changed:
        yield f"dtype of {', '.join(changed[:4])}"


def _shape(old: Value, new: Value) -> Iterator[str]:
    if old.shape != new.shape:
        if old.columns and new.columns and old.shape and new.shape:
            if old.shape[0] != new.shape[0]:
                yield f"{old.shape[0]} rows -> {new.shape[0]}"
        else:
            yield f"shape {old.shape} -> {new.shape}"
    elif old.length != new.length:
        yield f"length {old.length} -> {new.length}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
