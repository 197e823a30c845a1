"""Small descriptions of what a program notes: on a log line, on a span, in a message."""

from __future__ import annotations

from collections.abc import Mapping

from agentlog.describe import describe
from agentlog.events import Value
from agentlog.settings import Limits

SMALL = Limits(items=12, columns=40, depth=3, text_chars=1_000)
"""How much of a value a log line or a span keeps."""


def noted_value(value: object) -> Value:
    """A small description of `value`."""
    return describe(value, SMALL)


def described(values: Mapping[str, object]) -> dict[str, Value]:
    """Small descriptions of `values` by name."""
    return {str(name): describe(value, SMALL) for name, value in values.items()}


def text_of(value: object) -> str:
    """`value` if it is text, else a short description: never the user's own __str__."""
    if type(value) is str:
        return value
    seen = describe(value, SMALL)
    return str(seen.value) if seen.value is not None else seen.type
