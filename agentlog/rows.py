"""Rows of the index as objects: the columns that lists need, in the order of the fields they fill."""

from __future__ import annotations

import json
from typing import Any

from agentlog.events import SCHEMA, Event, Unknown, from_record
from agentlog.past import Execution, Session

SESSIONS = """SELECT s.id, s.life, s.agent, s.task, s.parent, s.host, s.pid, s.python, s.notebook, s.kernel, s.cwd,
    s.argv, s.git, s.packages, s.started, s.ended, s.how, s.detail,
    (SELECT count(*) FROM executions e WHERE e.session = s.number AND e.own = 0 AND e.internal = 0 AND e.at IS NOT NULL),
    (SELECT count(*) FROM executions e WHERE e.session = s.number AND e.own = 0 AND e.internal = 0
        AND e.status NOT IN ('ok', 'not_run', 'running')),
    (SELECT count(*) FROM failures f WHERE f.session = s.number), s.segment, s.number
    FROM sessions s"""

_SESSION_NAMES = ("id", "life", "agent", "task", "parent", "host", "pid", "python", "notebook", "kernel", "cwd")

EXECUTIONS = """SELECT e.id, s.id, e.ordinal, e.count, e.cell_id, e.source, e.started, e.ended, e.status, e.ms, e.own, e.internal,
    e.within, e.notebook, e.error, e.hash, e.reads, e.writes, e.rss, e.peak,
    CASE WHEN e.within IS NOT NULL THEN (SELECT o.count FROM executions o WHERE o.id = e.within) END
    FROM executions e JOIN sessions s ON s.number = e.session"""


def session_of(row: tuple[Any, ...], how: str) -> Session:
    """The session of a row of SESSIONS but for its last two columns; `how` it stands (the row's own says only what was recorded)."""
    (*plain, argv, git, packages, started, ended, _, detail, executions, failures, errors) = row
    return Session(
        **dict(zip(_SESSION_NAMES, plain, strict=True)),
        argv=tuple(json.loads(argv or "[]")),
        git=json.loads(git or "{}"),
        packages=json.loads(packages or "{}"),
        started=started,
        ended=ended,
        how=how,
        detail=detail,
        executions=executions,
        failures=failures,
        errors=errors,
    )


def execution_of(row: tuple[Any, ...]) -> Execution:
    """The execution of a row of EXECUTIONS."""
    reads, writes = row[16], row[17]
    names = tuple(reads.split("\n")) if reads else (), tuple(writes.split("\n")) if writes else ()
    rest: list[Any] = [*row[:10], row[10] == 1, row[11] == 1, *row[12:16], *names, *row[18:]]
    return Execution(*rest)


def event_of(record: dict[str, Any]) -> Event:
    """The event of a record; one whose fields are not as this version knows them is read back as Unknown, whole."""
    try:
        return from_record(record)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return Unknown(name=str(record.get("e")), fields={key: value for key, value in record.items() if key != "e"})


def is_newer(schema: int | None) -> bool:
    """Was a segment of this schema written by a newer agentlog?"""
    return schema is not None and schema > SCHEMA
