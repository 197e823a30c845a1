"""Small descriptions of what a program notes: on a log line, on a span, in a message."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from agentlog.events import Value, plain
from agentlog.settings import Limits

SMALL = Limits(items=12, columns=40, depth=3, text_chars=1_000)
"""How much of a value a log line or a span keeps."""
SHORT = 200
"""Longest text that is kept as it is without a look."""
_INT = 1 << 63


def _small(value: object) -> Value:
    from agentlog.describe import describe  # a program that logs numbers and short texts never pays for it

    return describe(value, SMALL)


def noted_value(value: object) -> Value:
    """A small description of `value`."""
    return _small(value)


def described(values: Mapping[Any, object]) -> dict[str, Value]:
    """Small descriptions of `values` by name."""
    return {text_of(name): _small(value) for name, value in values.items()}


def plain_described(values: Mapping[str, object]) -> dict[str, Any]:
    """What `plain(described(values))` gives, the short way for numbers and short text: log lines are made of them."""
    return {text_of(name): _plain_value(value) for name, value in values.items()}


def _plain_value(value: object) -> Any:
    kind = type(value)
    if kind is str:
        text = str(value)
        return {"t": "str", "v": text, "n": len(text)} if len(text) <= SHORT and text.isascii() else plain(_small(value))
    if kind is int:
        return {"t": "int", "v": value} if -_INT <= value < _INT else plain(_small(value))  # type: ignore[operator]
    if kind is bool:
        return {"t": "bool", "v": value}
    if kind is float:
        return {"t": "float", "v": value} if isfinite(value) else plain(_small(value))  # type: ignore[arg-type]
    return plain(_small(value))


def text_of(value: object) -> str:
    """`value` if it is text, else a short description: never the user's own __str__."""
    if type(value) is str:
        return value
    seen = _small(value)
    return str(seen.value) if seen.value is not None else seen.type
