"""Elements of a pandas index or series, read without slicing it."""

from __future__ import annotations

from typing import Any

from agentlog import peek

_COMPUTED = frozenset({"RangeIndex", "MultiIndex"})
"""Their labels are made when they are asked for: of these a slice is cheaper than the whole."""


def elements(holder: Any, start: int = 0, stop: int | None = None) -> list[Any]:
    """The elements from `start` to `stop` as plain objects. `holder` is known to be of pandas.

    A slice of an index that was searched before gets a search table of its own; on the way there pandas changes the
    interpreter's warning filters and puts them back, after which the host sees warnings again that it had seen.
    """
    if peek.class_name(type(holder)) in _COMPUTED:
        return list(holder[start:stop].tolist())
    values = holder._values
    text = _text(peek.own(values, "_pa_array"), start, stop)
    return list(values[start:stop].tolist()) if text is None else text


def _text(arrow: Any, start: int, stop: int | None) -> list[str] | None:
    """Elements of Arrow's text where none is missing: pandas would take the long way to the same."""
    if arrow is None or str(arrow.type) not in ("string", "large_string"):
        return None
    found: list[str] = arrow[start:stop].to_pylist()
    return None if None in found else found
