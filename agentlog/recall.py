"""What the store remembers of a kind of failure: when it was seen, in which sessions, and what made it go away.

The index knows all that is needed of each sighting; no failure is read back to be counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from agentlog.events import ErrorRaised, PatternSeen
from agentlog.fixes import Fix, last_fix
from agentlog.gather import error_line
from agentlog.ids import id_time, is_id
from agentlog.past import Sighting
from agentlog.patterns import normalise_message

if TYPE_CHECKING:
    from agentlog.store import Store

MOST = 200
"""Sightings of one kind that are looked at, the latest."""
AGAIN_SECONDS = 1.0
"""An exception that several hooks saw on its way out is one sighting."""
SIMILAR = 0.6
"""Least likeness (0 to 1) of two failures that are called similar."""
_OUTWARD = {"captured": 0, "logging": 0, "future": 0, "task": 1}
"""How far out an exception was seen; 2 for the ends of programs, cells and threads."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything known of one kind of failure before a moment.

    sightings: in order, each exception once; first, last: of them, as they were described
    """

    pattern: str
    sightings: tuple[Sighting, ...] = ()
    marks: tuple[PatternSeen, ...] = ()
    fix: Fix | None = None
    first: ErrorRaised | None = None
    last: ErrorRaised | None = None

    @property
    def times(self) -> int:
        """How often it was seen."""
        return len(self.sightings) + sum(mark.action == "seen" for mark in self.marks)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Sessions it was seen in, in order."""
        seen = [one.session for one in self.sightings] + [mark.session for mark in self.marks if mark.action == "seen"]
        return tuple(dict.fromkeys(session for session in seen if session))

    @property
    def first_seen(self) -> str:
        """When it was seen first; "" where it never was."""
        return min(self._moments(), default="")

    @property
    def last_seen(self) -> str:
        """When it was seen last; "" where it never was."""
        return max(self._moments(), default="")

    def _moments(self) -> list[str]:
        told = [error.time for error in (self.first, self.last) if error is not None]
        return told + [mark.time for mark in self.marks if mark.action == "seen"]

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `correlate_error` returns it."""
        last = self.last.failure if self.last else None
        return {
            "pattern": self.pattern,
            "is_new": self.times == 0,
            "times_seen_before": self.times,
            "first_seen": self.first_seen or None,
            "last_seen": self.last_seen or None,
            "sessions": list(self.sessions),
            "error_type": last.type if last else None,
            "message": last.message if last else None,
            "notes": [mark.note for mark in self.marks if mark.note],
            "last_fix": _fix_json(self.fix),
        }


def remembered(store: Store, pattern: str, *, before: str | None = None) -> Remembered:
    """What is known of failures with the hash `pattern`, as far as it was recorded before the event `before` (None: now)."""
    marks = [
        event
        for event in store.events(kinds={PatternSeen.kind})
        if isinstance(event, PatternSeen) and event.pattern == pattern and (before is None or event.id < before)
    ]
    sightings = tuple(_each_once(_latest(store, pattern, before)))
    ends = [store.event(one.at) for one in (sightings[:1] + sightings[-1:])]
    first, last = (event if isinstance(event, ErrorRaised) else None for event in ends or (None, None))
    return Remembered(pattern, sightings, tuple(marks), last_fix(store, sightings, marks, before), first, last)


def told_before(store: Store, error: ErrorRaised) -> list[Sighting]:
    """Earlier reports of the exception that `error` tells of: logged or out of a task a moment before, in order."""
    found: list[Sighting] = []
    said = error_line(error.failure.type, error.failure.message)
    last = Sighting(error.id, error.session, error.execution, said, error.origin, error.failure.hash or "")
    for one in reversed(_latest(store, error.failure.hash, error.id)):
        if not _told_again(one, last):
            break
        found.append(one)
        last = one
    return found[::-1]


def similar(store: Store, kind: str, message: str, pattern: str | None = None, limit: int = 5) -> list[dict[str, Any]]:
    """Other kinds of failures like this one, the most alike first: {"pattern", "similarity", "error_type", "message", "times", "last_seen"}."""
    wanted = normalise_message(message)
    found = []
    for other in store.error_kinds():
        if other.hash != pattern:
            likeness = _likeness(kind, wanted, other.type, normalise_message(other.message))
            if likeness >= SIMILAR:
                found.append((likeness, other))
    found.sort(key=lambda pair: (-pair[0], pair[1].last), reverse=False)
    return [
        {"pattern": one.hash, "similarity": round(likeness, 3), "error_type": one.type, "message": one.message, "times": one.times,
         "last_seen": one.last}
        for likeness, one in found[:limit]
    ]  # fmt: skip


# --- within ---------------------------------------------------------------------------------------------------------


_LATEST = """SELECT f.at, s.id, e.id, f.message, f.origin, f.hash FROM failures f JOIN sessions s ON s.number = f.session
    LEFT JOIN executions e ON e.number = f.execution WHERE f.hash = ? AND f.at < ? ORDER BY f.at DESC LIMIT ?"""


def _latest(store: Store, pattern: str | None, before: str | None) -> list[Sighting]:
    """The last failures of a kind that were recorded before the event `before`, in order, as the index knows them."""
    rows = store.ask(_LATEST, pattern, before or "~", MOST)  # "~": after every id
    return [Sighting(*row) for row in reversed(rows)]


def _each_once(errors: Iterable[Sighting]) -> Iterator[Sighting]:
    """Without those that tell again what an inner hook told a moment before: logged, then uncaught; in a task, then in the process."""
    before: Sighting | None = None
    for error in errors:
        if before is None or not _told_again(before, error):
            yield error
        before = error


def _told_again(before: Sighting, error: Sighting) -> bool:
    outward = _OUTWARD.get(error.origin, 2) > _OUTWARD.get(before.origin, 2)
    return outward and before.said == error.said and _gap(before, error) < timedelta(seconds=AGAIN_SECONDS)


def _gap(one: Sighting, other: Sighting) -> timedelta:
    return id_time(other.id) - id_time(one.id) if is_id(one.id) and is_id(other.id) else timedelta.max


def _likeness(kind: str, message: str, other_kind: str, other_message: str) -> float:
    ratio = SequenceMatcher(None, message, other_message, autojunk=False).ratio() if message or other_message else 1.0
    return 0.35 * (kind == other_kind) + 0.65 * ratio


def _fix_json(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    return {
        "how": fix.how, "text": fix.text, "diff": list(fix.diff), "commit": fix.commit, "execution": fix.execution,
        "session": fix.session, "time": fix.time,
    }  # fmt: skip
