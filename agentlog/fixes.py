"""What made a failure go away: what was different in the first run that worked after it.

The same cell again, else the same program or notebook again. Somebody's own word on it comes first
(`record_error_pattern(..., fix=...)`). The index is asked for what may be such a run; only that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import chain, islice
from typing import TYPE_CHECKING

from agentlog.errors import NotFound
from agentlog.events import PatternSeen, WorkspaceSeen
from agentlog.filters import like
from agentlog.lineage import same_cell
from agentlog.past import Execution, Session, Sighting
from agentlog.rows import EXECUTIONS, execution_of

if TYPE_CHECKING:
    from agentlog.store import Store

LOOKED_AT = 3
"""Sightings, the latest, whose aftermath is searched for a fix."""
LATER_SESSIONS = 30
"""Sessions after a failure that are searched for a run that worked."""
EDIT_LINES = 40
LINE = 200
"""Characters of a line by which runs of a cell are found."""

_WORKED_AFTER = f"""{EXECUTIONS} WHERE e.session = (SELECT number FROM sessions WHERE id = ?) AND e.id > ? AND e.status = 'ok'
    AND e.at IS NOT NULL AND e.own = 0 AND e.internal = 0
    AND (e.cell_id = ? OR ((coalesce(e.cell_id, '') = '' OR ? = '') AND e.source LIKE ? ESCAPE '\\'))
    AND NOT EXISTS (SELECT 1 FROM failures f WHERE f.hash = ? AND f.execution = e.number) ORDER BY e.at"""
_FAILED_LIKE = "SELECT 1 FROM failures WHERE session = (SELECT number FROM sessions WHERE id = ?) AND hash = ? LIMIT 1"
_LATER = """SELECT id FROM sessions WHERE at > (SELECT at FROM sessions WHERE id = ?) AND coalesce(notebook, '') = ?
    AND (notebook IS NOT NULL OR (life = ? AND coalesce(agent, '') = ? AND coalesce(task, '') = ?)) ORDER BY at"""


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


def last_fix(store: Store, sightings: Sequence[Sighting], marks: Iterable[PatternSeen], before: str | None = None) -> Fix | None:
    """The latest known fix: what somebody said, else what the store shows of the latest sighting that was followed by success."""
    said = [mark for mark in marks if mark.fix]
    if said:
        return Fix("note", str(said[-1].fix), session=said[-1].session or None, time=said[-1].time)
    for sighting in sightings[: -LOOKED_AT - 1 : -1]:
        fix = _fix_of_cell(store, sighting, before) if sighting.execution else _fix_of_program(store, sighting, before)
        if fix is not None:
            return fix
    return None


def _fix_of_cell(store: Store, sighting: Sighting, before: str | None) -> Fix | None:
    """The next run of the same cell that worked: in its session, else in later ones of the same notebook."""
    try:
        failed, here = store.execution(sighting.execution, sighting.session), store.session(sighting.session)
    except NotFound:  # removed meanwhile
        return None
    for session in chain([here], _later(store, here)):
        for run in _worked_after(store, failed, session, sighting.hash):
            if (before is None or run.id < before) and same_cell(run, failed):
                return _difference(store, failed, run, here, session)
    return None


def _worked_after(store: Store, failed: Execution, session: Session, known: str) -> Iterator[Execution]:
    """Runs of `session` after `failed` that went well and may be of its cell: by cell id, else by its longest line.

    One that left a thread or a task with the same failure (`known`: its hash) behind did not go well.
    """
    line = max(failed.source.strip().splitlines(), key=len, default="").strip()
    cell, like_line = failed.cell_id or "", f"%{like(line[:LINE])}%"
    return map(execution_of, store.ask(_WORKED_AFTER, session.id, failed.id, cell, cell, like_line, known))


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


def _fix_of_program(store: Store, sighting: Sighting, before: str | None) -> Fix | None:
    """The next run of the same program or task that ended well and did not fail like this."""
    try:
        here = store.session(sighting.session)
    except NotFound:
        return None
    for session in _later(store, here):
        if before is not None and session.id >= before:
            return None
        if session.how in ("exit", "ended") and not store.ask(_FAILED_LIKE, session.id, sighting.hash):
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


def _later(store: Store, session: Session) -> Iterator[Session]:
    """Later sessions of the same notebook, program or task, in order."""
    subject = session.notebook or "", session.life, session.agent or "", session.task or ""
    found = (store.session(row[0]) for row in store.ask(_LATER, session.id, *subject))
    return islice((one for one in found if same_subject(one, session)), LATER_SESSIONS)


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
