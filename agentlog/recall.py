"""What the store remembers of a kind of failure: when it was seen, in which sessions, and what made it go away.

A fix is what was different in the first run that worked after the failure: the same cell again, else the same program
or notebook again. Somebody's own word on it (`record_error_pattern(..., fix=...)`) comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from difflib import SequenceMatcher, unified_diff
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from agentlog.classes import dataclass
from agentlog.events import ErrorRaised, PatternSeen, WorkspaceSeen
from agentlog.ids import parse_timestamp
from agentlog.lineage import same_cell
from agentlog.past import Execution, Session
from agentlog.patterns import normalise_message

if TYPE_CHECKING:
    from agentlog.store import Store

MOST = 200
"""Sightings of one kind that are looked at, the latest."""
LOOKED_AT = 3
"""Sightings, the latest, whose aftermath is searched for a fix."""
AGAIN_SECONDS = 1.0
"""An exception that several hooks saw on its way out is one sighting."""
LATER_SESSIONS = 30
"""Sessions after a failure that are searched for a run that worked."""
SIMILAR = 0.6
"""Least likeness (0 to 1) of two failures that are called similar."""
EDIT_LINES = 40
_OUTWARD = {"captured": 0, "logging": 0, "future": 0, "task": 1}
"""How far out an exception was seen; 2 for the ends of programs, cells and threads."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What made a failure go away. `how`: "note" (somebody said so), "edit" (of the cell), "input", "commit", "workspace", "rerun".

    text: in words; diff: changed lines, `-` and `+`; commit: the one it worked at; execution, session: that worked.
    """

    how: str
    text: str
    diff: tuple[str, ...] = ()
    commit: str | None = None
    execution: str | None = None
    session: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything known of one kind of failure before a moment. `sightings`: in order, each exception once."""

    pattern: str
    sightings: tuple[ErrorRaised, ...]
    marks: tuple[PatternSeen, ...]
    fix: Fix | None

    @property
    def times(self) -> int:
        """How often it was seen."""
        return len(self.sightings) + sum(mark.action == "seen" for mark in self.marks)

    @property
    def sessions(self) -> tuple[str, ...]:
        """Sessions it was seen in, in order."""
        return tuple(dict.fromkeys(event.session for event in (*self.sightings, *self._seen()) if event.session))

    @property
    def moments(self) -> tuple[str, ...]:
        """When it was seen, in order."""
        return tuple(sorted(event.time for event in (*self.sightings, *self._seen())))

    def _seen(self) -> Iterable[PatternSeen]:
        return (mark for mark in self.marks if mark.action == "seen")

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `correlate_error` returns it."""
        moments = self.moments
        last = self.sightings[-1].failure if self.sightings else None
        return {
            "pattern": self.pattern,
            "is_new": self.times == 0,
            "times_seen_before": self.times,
            "first_seen": moments[0] if moments else None,
            "last_seen": moments[-1] if moments else None,
            "sessions": list(self.sessions),
            "error_type": last.type if last else None,
            "message": last.message if last else None,
            "notes": [mark.note for mark in self.marks if mark.note],
            "last_fix": _fix_json(self.fix),
        }


def remembered(store: Store, pattern: str, *, before: str | None = None) -> Remembered:
    """What is known of failures with the hash `pattern`, as far as it was recorded before the event `before` (None: now)."""
    seen = _latest(store, pattern, before)
    marks = [
        event
        for event in store.events(kinds={PatternSeen.kind})
        if isinstance(event, PatternSeen) and event.pattern == pattern and (before is None or event.id < before)
    ]
    sightings = tuple(_each_once(seen))
    return Remembered(pattern, sightings, tuple(marks), last_fix(store, sightings, marks, before))


def told_before(store: Store, error: ErrorRaised) -> list[ErrorRaised]:
    """Earlier reports of the exception that `error` tells of: logged or out of a task a moment before, in order."""
    found: list[ErrorRaised] = []
    last = error
    for one in reversed(_latest(store, error.failure.hash, error.id)):
        if not _told_again(one, last):
            break
        found.append(one)
        last = one
    return found[::-1]


def last_fix(
    store: Store, sightings: Iterable[ErrorRaised], marks: Iterable[PatternSeen], before: str | None = None
) -> Fix | None:
    """The latest known fix: what somebody said, else what the store shows of the latest sighting that was followed by success."""
    said = [mark for mark in marks if mark.fix]
    if said:
        return Fix("note", str(said[-1].fix), session=said[-1].session or None, time=said[-1].time)
    runs = cache(store.executions)
    for sighting in list(sightings)[: -LOOKED_AT - 1 : -1]:
        fix = _fix_of_cell(store, sighting, before, runs) if sighting.execution else _fix_of_program(store, sighting, before)
        if fix is not None:
            return fix
    return None


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


def _latest(store: Store, pattern: str | None, before: str | None) -> list[ErrorRaised]:
    """The last failures of a kind that were recorded before the event `before`, in order."""
    newest = store.errors(hash=pattern, newest=True)
    return list(islice((error for error in newest if before is None or error.id < before), MOST))[::-1]


def _each_once(errors: Iterable[ErrorRaised]) -> Iterator[ErrorRaised]:
    """Without those that tell again what an inner hook told a moment before: logged, then uncaught; in a task, then in the process."""
    before: ErrorRaised | None = None
    for error in errors:
        if before is None or not _told_again(before, error):
            yield error
        before = error


def _told_again(before: ErrorRaised, error: ErrorRaised) -> bool:
    outward = _OUTWARD.get(error.origin, 2) > _OUTWARD.get(before.origin, 2)
    return outward and before.failure.message == error.failure.message and _gap(before, error) < timedelta(seconds=AGAIN_SECONDS)


def _gap(one: ErrorRaised, other: ErrorRaised) -> timedelta:
    return parse_timestamp(other.time) - parse_timestamp(one.time)


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


def _fix_of_cell(store: Store, sighting: ErrorRaised, before: str | None, runs: Callable[..., list[Execution]]) -> Fix | None:
    """The next run of the same cell that worked: in its session, else in later ones of the same notebook."""
    failed = next((one for one in runs(sighting.session, own=True) if one.id == sighting.execution), None)
    if failed is None:
        return None
    here = store.session(failed.session)
    for session in [here, *_later(store, here)]:
        for run in runs(session.id):
            if run.id > failed.id and run.status == "ok" and (before is None or run.id < before) and same_cell(run, failed):
                return _difference(store, failed, run, here, session)
    return None


def _difference(store: Store, failed: Execution, worked: Execution, then: Session, now: Session) -> Fix:
    """What was different: the code, else what it read, else the commit."""
    edits = edited(failed.source, worked.source)
    commit = _commit(now)
    if edits:
        return Fix(
            "edit", f"{worked.label} worked after an edit", tuple(edits[:EDIT_LINES]), commit, worked.id, now.id, worked.started
        )
    cause = _first_cause(store, failed, worked)
    moved = _commit(then) != commit and commit is not None
    how = "input" if cause else "commit" if moved else "rerun"
    text = cause or (f"commit {commit}" if moved else "the same code worked when run again")
    return Fix(how, f"{worked.label} worked: {text}", (), commit, worked.id, now.id, worked.started)


def _first_cause(store: Store, failed: Execution, worked: Execution) -> str:
    """What `diff` of the two finds first, apart from their effect."""
    from agentlog.diff import compare_executions

    found = compare_executions(store, failed, worked)
    return (
        str(found.first.cause)
        if found.first is not None and found.first.cause.kind in ("input", "code", "source", "package")
        else ""
    )


def _fix_of_program(store: Store, sighting: ErrorRaised, before: str | None) -> Fix | None:
    """The next run of the same program or task that ended well and did not fail like this."""
    here = store.session(sighting.session)
    for session in _later(store, here):
        if before is not None and session.id >= before:
            return None
        if session.how in ("exit", "ended") and not any(store.errors(session.id, hash=sighting.failure.hash)):
            return _program_difference(store, here, session)
    return None


def _program_difference(store: Store, then: Session, now: Session) -> Fix:
    commit = _commit(now)
    name = now.title
    if commit is not None and commit != _commit(then):
        return Fix("commit", f"{name} worked at commit {commit}", (), commit, None, now.id, now.started)
    one, other = (_workspace(store, session) for session in (then, now))
    edits = edited(one or "", other or "")
    if edits and other:
        return Fix(
            "workspace",
            f"{name} worked after changes that are not committed",
            tuple(edits[:EDIT_LINES]),
            commit,
            None,
            now.id,
            now.started,
        )
    return Fix("rerun", f"{name} worked when run again", (), commit, None, now.id, now.started)


def _workspace(store: Store, session: Session) -> str | None:
    seen = [
        event.diff for event in store.events(session=session.id, kinds={WorkspaceSeen.kind}) if isinstance(event, WorkspaceSeen)
    ]
    return seen[-1] if seen else None


def _later(store: Store, session: Session) -> list[Session]:
    """Later sessions of the same notebook, program or task, in order."""
    later = [one for one in store.sessions(since=session.started) if one.id > session.id and same_subject(one, session)]
    return later[::-1][:LATER_SESSIONS]


def same_subject(one: Session, other: Session) -> bool:
    """Are both runs of one notebook, program or task?"""
    if one.notebook or other.notebook:
        return one.notebook == other.notebook
    return (one.life, one.cwd, one.argv, one.agent, one.task) == (other.life, other.cwd, other.argv, other.agent, other.task)


def _commit(session: Session) -> str | None:
    commit = session.git.get("commit")
    return str(commit)[:10] if commit else None


def edited(old: str, new: str) -> list[str]:
    """The changed lines, `-` and `+`, without their surroundings."""
    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    return [line for line in lines if not line.startswith("@@")]
