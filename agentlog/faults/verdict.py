"""What a rule answers, and the ways to say it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentlog.ancestry import Author, Holds, author, version_before
from agentlog.events import Failure, Value
from agentlog.situation import Situation


@dataclass(frozen=True, slots=True)
class Blame:
    """`label`: the cell; `execution`: its id; `here`: it is the crashed one; `reason` in words, "" where there is none."""

    label: str
    execution: str
    here: bool
    reason: str


Rule = Callable[[Situation, Failure], "Blame | None"]


def here(case: Situation, reason: str = "") -> Blame:
    assert case.execution is not None
    return Blame(case.execution.label, case.execution.id, True, reason)


def earlier(case: Situation, found: Author | None, what: str) -> Blame | None:
    """Blame for an earlier cell, None where nobody or a loader is found."""
    if found is None or found.raw:
        return None
    line = f": {found.line}" if found.line else ""
    return Blame(found.execution.label, found.execution.id, False, f"{named(what, found)}{line}")


def named(what: str, found: Author) -> str:
    """`what` with the name for its `{name}`; no format: labels of the user's stand in it, and may have braces."""
    return what.replace("{name}", found.name)


def made(case: Situation, name: str, reason: str) -> Blame | None:
    """Blame for the earlier cell that bound `name`."""
    found = next((v.execution for v in case.versions(name) if v.change.kind in ("made", "rebound")), None)
    return Blame(found.label, found.id, False, reason) if found is not None else None


def of_property(
    case: Situation, names: Sequence[str], suspicious: Holds, same: Callable[[Value], Holds], what: str
) -> Blame | None:
    """The author of the property, for the first of `names` that has it."""
    for name in names:
        now = version_before(case, name, None)
        value = now.value if now is not None else case.described(name)
        if value is not None and suspicious(value):
            return earlier(case, author(case, name, same(value)), what)
    return None
