"""How people and agents refer to sessions and executions: "last", "-2", "14", "In[14]", an id, the end of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from agentlog.errors import NotFound
from agentlog.ids import short

_SHOWN = 5


def steps_back(reference: str | None) -> int:
    """1 for the latest (None, "last", "-1"), 2 for the one before ("-2"), ...; 0 for any other reference."""
    words = "last" if reference is None else str(reference).strip().lower()
    if words in ("last", "latest", "-1"):
        return 1
    return int(words[1:]) if re.fullmatch(r"-[1-9]\d{0,5}", words) else 0


def cell_number(reference: str) -> int | None:
    """14 of "14", "In[14]", "in [14]"; None for any other reference."""
    match = re.fullmatch(r"\s*(?:in\s*)?(\[)?\s*(\d{1,9})\s*(?(1)\])\s*", reference, re.IGNORECASE)
    return int(match[2]) if match else None


def one_of(what: str, reference: str, rows: Sequence[tuple[Any, ...]], place: str, lister: str) -> tuple[Any, ...]:
    """The only one of `rows` (each begins with its id) that ends with `reference`, or the one that equals it.

    Raises NotFound, naming the candidates where there are several.
    """
    exact = [row for row in rows if row[0] == reference]
    if exact or len(rows) == 1:
        return (exact or list(rows))[0]
    if not rows:
        raise NotFound(f"no {what} {reference!r} in {place}; `{lister}` lists them")
    first = ", ".join(_longer(row[0], reference) for row in rows[-_SHOWN:])
    raise NotFound(f"{reference!r} means {len(rows)} {what}s in {place}, among them {first}: give more of the id")


def _longer(identifier: str, reference: str) -> str:
    """The end of `identifier`, by some characters longer than what did not suffice."""
    return identifier[-max(len(short(identifier)), len(reference) + 4) :]
