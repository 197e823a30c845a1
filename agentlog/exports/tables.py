"""The tables of an export: columns with their types, and the rows of a selection.

sessions     one row a session
executions   one row an execution of a cell
errors       one row an exception that reached the recorder, in a cell or not
calls        one row a span: tool calls, model calls with tokens and cost, functions
events       one row a record, the record itself as JSON in the last column
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from agentlog.errors import UsageError
from agentlog.events import ErrorRaised, SpanEnded
from agentlog.exports.selection import Selection
from agentlog.gather import error_line
from agentlog.past import Execution, Session

Kind = Literal["text", "integer", "real", "boolean", "time", "json"]
"""time: the text of `ids.timestamp`, UTC; json: JSON text."""
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its columns (name, kind), and the rows of a selection, each parallel to the columns."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    rows: Callable[[Selection], Iterator[Row]]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]


def table_named(name: str) -> Table:
    """The table called `name`. Raises UsageError."""
    if name not in TABLES:
        raise UsageError(f"unknown table {name!r}; the tables are {', '.join(TABLES)}")
    return TABLES[name]


def as_text(value: object) -> str | None:
    """`value` as text: JSON where it is no text, without half characters; None stays None."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def as_number(value: object, kind: type = float) -> Any:
    """`value` as a number, None where it is none, or is no 64-bit one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (isinstance(value, float) and value != value):
        return None
    if kind is int:
        return int(value) if -(2**63) <= value < 2**63 else None
    return float(value)


# --- sessions and executions ----------------------------------------------------------------------------------------


def _sessions(selection: Selection) -> Iterator[Row]:
    return map(session_row, selection.sessions())


def session_row(session: Session) -> Row:
    """A session as a row of the table."""
    git = session.git
    return (
        session.id, as_text(session.title), session.life, as_text(session.agent), as_text(session.task), session.parent,
        as_text(session.host), session.python, as_text(session.notebook), as_text(session.cwd), session.started, session.ended,
        session.how, session.executions, session.failures, session.errors, as_text(git.get("commit")), as_text(git.get("branch")),
        as_text(dict(session.packages)),
    )  # fmt: skip


def _executions(selection: Selection) -> Iterator[Row]:
    return (execution_row(*pair) for pair in selection.executions())


def execution_row(session: Session, one: Execution) -> Row:
    """An execution as a row of the table."""
    return (
        one.id, one.session, as_text(session.agent), as_text(session.task), as_text(one.notebook or session.notebook),
        as_text(session.cwd), one.number, one.count, as_text(one.cell_id), as_text(one.source), one.started, one.ended, one.status,
        as_number(one.ms), as_text(one.error), one.hash, " ".join(one.reads), " ".join(one.writes), one.rss, one.peak, one.within,
    )  # fmt: skip


# --- records --------------------------------------------------------------------------------------------------------


def _errors(selection: Selection) -> Iterator[Row]:
    for record in selection.records({ErrorRaised.kind}):
        failure = record.get("failure") or {}
        frames = [frame for frame in failure.get("frames") or () if frame.get("kind") in ("cell", "user")]
        frame = frames[-1] if frames else {}
        cause = failure.get("cause") or {}
        yield (
            record.get("i"), record.get("t"), record.get("s"), record.get("x"), as_text(failure.get("type")),
            as_text(failure.get("message")), failure.get("hash"), record.get("origin", "cell"), as_text(frame.get("file")),
            as_number(frame.get("line"), int), as_text(frame.get("function")),
            as_text((failure.get("expression") or {}).get("text")),
            error_line(as_text(cause.get("type")), as_text(cause.get("message"))) if cause else None,
        )  # fmt: skip


def _calls(selection: Selection) -> Iterator[Row]:
    for record in selection.records({SpanEnded.kind}):
        tokens = record.get("tokens") or {}
        yield (
            record.get("i"), record.get("t"), record.get("s"), record.get("x"), record.get("what", "span"),
            as_text(record.get("name")), as_text(record.get("model")), as_text(record.get("provider")), record.get("ok", True) is True,
            as_text(record.get("error")), as_number(record.get("ms", 0.0)), *(as_number(tokens.get(name), int) for name in TOKENS),
            as_number(record.get("cost")), as_text(record.get("span")), as_text(record.get("parent")), as_text(record.get("trace")),
        )  # fmt: skip


def _events(selection: Selection) -> Iterator[Row]:
    for record in selection.records():
        kind = str(record.get("e"))
        yield (
            as_text(record.get("i")), record.get("t"), record.get("s"), record.get("x"), kind, as_text(record.get("l")),
            as_text(record.get(_NAME.get(kind, "name"))), as_text(record.get(_SAYS.get(kind, "m"))), as_text(record.get("status")),
            as_number(record.get("ms")), as_text(without_chain(record)),
        )  # fmt: skip


def without_chain(record: dict[str, Any]) -> dict[str, Any]:
    """The record without what holds only in its own segment: the hash chain's `h`, the sequence `q`."""
    return {key: value for key, value in record.items() if key not in ("h", "q")}


TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")
_NAME = {"display": "display_id", "log": "logger", "outcome": "outcome", "message": "role", "decision": "question"}
_SAYS = {
    "cell.start": "source", "stream": "text", "cell.skipped": "reason", "decision": "choice", "message": "text",
    "session.end": "detail", "outcome": "reason", "fault": "reason", "span": "error", "process.died": "signal",
}  # fmt: skip

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "sessions",
            (
                ("id", "text"), ("title", "text"), ("life", "text"), ("agent", "text"), ("task", "text"), ("parent", "text"),
                ("host", "text"), ("python", "text"), ("notebook", "text"), ("cwd", "text"), ("started", "time"), ("ended", "time"),
                ("how", "text"), ("executions", "integer"), ("failures", "integer"), ("errors", "integer"), ("git_commit", "text"),
                ("git_branch", "text"), ("packages", "json"),
            ),
            _sessions,
        ),
        Table(
            "executions",
            (
                ("id", "text"), ("session", "text"), ("agent", "text"), ("task", "text"), ("notebook", "text"), ("cwd", "text"),
                ("number", "integer"), ("count", "integer"), ("cell_id", "text"), ("source", "text"), ("started", "time"),
                ("ended", "time"), ("status", "text"), ("ms", "real"), ("error", "text"), ("hash", "text"), ("reads", "text"),
                ("writes", "text"), ("rss", "integer"), ("peak", "integer"), ("within", "text"),
            ),
            _executions,
        ),
        Table(
            "errors",
            (
                ("id", "text"), ("time", "time"), ("session", "text"), ("execution", "text"), ("type", "text"), ("message", "text"),
                ("hash", "text"), ("origin", "text"), ("file", "text"), ("line", "integer"), ("function", "text"),
                ("expression", "text"), ("cause", "text"),
            ),
            _errors,
        ),
        Table(
            "calls",
            (
                ("id", "text"), ("time", "time"), ("session", "text"), ("execution", "text"), ("what", "text"), ("name", "text"),
                ("model", "text"), ("provider", "text"), ("ok", "boolean"), ("error", "text"), ("ms", "real"),
                *((f"tokens_{name}", "integer") for name in TOKENS), ("cost", "real"), ("span", "text"), ("parent", "text"),
                ("trace", "text"),
            ),
            _calls,
        ),
        Table(
            "events",
            (
                ("id", "text"), ("time", "time"), ("session", "text"), ("execution", "text"), ("kind", "text"), ("level", "text"),
                ("name", "text"), ("message", "text"), ("status", "text"), ("ms", "real"), ("record", "json"),
            ),
            _events,
        ),
    )
}  # fmt: skip
