"""From journal lines to rows of the index: one `Batch` collects the rows of some lines, then writes them at once.

Lines may come in any order across segments: a session or execution that is mentioned before its start was read gets
a row with its id alone, which is filled in later.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentlog.ids import is_id

Record = dict[str, Any]
VERDICTS = frozenset({"timed_out", "died", "not_run"})
"""How an execution ended in the words of who ran it: the kernel itself can only say that it was interrupted, or nothing."""
ERROR_CHARS = 300
"""Characters of the one-line error in the lists."""

_parse = json.JSONDecoder().raw_decode


@dataclass(slots=True)
class SegmentState:
    """What is known of one segment while it is read."""

    number: int
    name: str
    place: int = 0
    lines: int = 0
    torn: int = 0
    last: str = ""
    """the last id seen, for records without one"""
    first: Record | None = None
    ended: bool = False


@dataclass(slots=True)
class Batch:
    """Rows to be written. `sessions` and `executions` map ids to row numbers, for this batch only."""

    connection: sqlite3.Connection
    sessions: dict[str, tuple[int, str]] = field(default_factory=dict)
    """session id -> (row number, floor: nothing of it comes before this)"""
    executions: dict[str, int] = field(default_factory=dict)
    fresh: dict[int, Record] = field(default_factory=dict)
    """rows of executions that the table does not have yet: one INSERT for all that is known"""
    known: dict[int, Record] = field(default_factory=dict)
    """what is new of executions that the table has"""
    events: list[tuple[Any, ...]] = field(default_factory=list)
    failures: list[tuple[Any, ...]] = field(default_factory=list)
    errors: list[tuple[Any, ...]] = field(default_factory=list)
    tags: list[tuple[Any, ...]] = field(default_factory=list)
    notebooks: dict[int, str] = field(default_factory=dict)
    """session -> the notebook its cells say they are of: a kernel that is killed early could not say it of the session"""
    _next: int = 0

    def add_lines(self, segment: SegmentState, place: int, data: bytes) -> None:
        """Collect the whole lines `data` that start at `place` of `segment`."""
        for line in data.split(b"\n")[:-1]:
            size = len(line)
            record = parse_line(line)
            if record is not None and b"\\ud" in line:  # half of a character may not enter SQLite
                record = parse_line(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"))
            if record is None:
                segment.torn += bool(line)
            else:
                self._add(segment, record, place, size)
            place += size + 1
            segment.lines += 1
        segment.place = place

    def write(self) -> None:
        """Write what was collected. Raises sqlite3.Error."""
        connection = self.connection
        connection.executemany(
            _EXECUTION, [[row.get(name, default) for name, default in _COLUMNS] for row in self.fresh.values()]
        )
        for number, row in self.known.items():
            changes = ", ".join(f"{name} = ?" for name in row)
            connection.execute(f"UPDATE executions SET {changes} WHERE number = ?", (*row.values(), number))
        self.fresh.clear()
        self.known.clear()
        for sql, rows in ((_EVENT, self.events), (_FAILURE, self.failures), (_ERROR, self.errors), (_TAG, self.tags)):
            if rows:
                connection.executemany(sql, rows)
                rows.clear()
        for session, notebook in self.notebooks.items():
            connection.execute("UPDATE sessions SET notebook = coalesce(notebook, ?) WHERE number = ?", (notebook, session))
        self.notebooks.clear()
        self.sessions.clear()
        self.executions.clear()

    def _add(self, segment: SegmentState, record: Record, place: int, size: int) -> None:
        kind = str(record.get("e"))
        if kind == "segment.start":
            segment.first = record
            return
        if kind == "segment.end":
            segment.ended = True
            return
        identifier = record.get("i")
        if identifier.__class__ is not str or not identifier:
            identifier = f"{segment.last}.{place:012}"  # not ours: right after what came before it
        else:
            segment.last = identifier
        session, floor = self._session(str(record.get("s") or ""), record, kind)
        at = identifier if identifier > floor else floor + identifier
        known = record.get("x")
        execution = self._execution(str(known), session) if known else None
        self.events.append((at, session, kind, execution, segment.number, place, size))
        handle = _HANDLERS.get(kind)
        if handle is not None:
            handle(self, record, Row(at, session, execution, segment.number, place, size))

    # --- row numbers ----------------------------------------------------------------------------------------------

    def _session(self, identifier: str, record: Record, kind: str) -> tuple[int, str]:
        known = self.sessions.get(identifier)
        if known is None:
            known = self._stored_session(identifier)
        if kind == "session.start" and not known[1]:
            known = (known[0], self._floor(record.get("parent")))
        self.sessions[identifier] = known
        return known

    def _stored_session(self, identifier: str) -> tuple[int, str]:
        row = self.connection.execute("SELECT number, at, parent FROM sessions WHERE id = ?", (identifier,)).fetchone()
        if row is None:
            return self.connection.execute(
                "INSERT INTO sessions (id, at) VALUES (?, ?)", (identifier, identifier)
            ).lastrowid or 0, ""
        return row[0], self._floor(row[2])

    def _floor(self, parent: object) -> str:
        """What everything in a child of session `parent` comes after: the start of that session."""
        if not isinstance(parent, str) or not is_id(parent):
            return ""
        row = self.connection.execute("SELECT at FROM sessions WHERE id = ?", (parent,)).fetchone()
        return str(row[0]) if row and row[0] else parent

    def _execution(self, identifier: str, session: int) -> int:
        number = self.executions.get(identifier)
        if number is None:
            row = self.connection.execute("SELECT number FROM executions WHERE id = ?", (identifier,)).fetchone()
            number = row[0] if row else self._new_execution(identifier, session)
            self.executions[identifier] = number
        return number

    def _new_execution(self, identifier: str, session: int) -> int:
        if not self._next:
            row = self.connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'executions'").fetchone()
            self._next = row[0] + 1 if row else 1
        number, self._next = self._next, self._next + 1
        self.fresh[number] = {"number": number, "id": identifier, "session": session}
        return number

    def execution_row(self, number: int) -> Record:
        """The columns of execution `number` that are to be written."""
        row = self.fresh.get(number)
        return row if row is not None else self.known.setdefault(number, {})

    def status_of(self, number: int) -> Any:
        """How execution `number` stands after the lines collected so far; None where it has not ended."""
        known = self.execution_row(number).get("status")
        if known is None and number not in self.fresh:
            row = self.connection.execute("SELECT status FROM executions WHERE number = ?", (number,)).fetchone()
            known = row[0] if row else None
        return None if known == "running" else known


@dataclass(frozen=True, slots=True)
class Row:
    """Where one event stands: its order, the rows it belongs to, its place in the journal."""

    at: str
    session: int
    execution: int | None
    segment: int
    place: int
    size: int


def parse_line(line: bytes) -> Record | None:
    """The record that `line` holds, or None where it is no JSON object."""
    try:
        text = line.decode()
        record, end = _parse(text)
    except (ValueError, RecursionError):
        return None
    return record if end == len(text) and record.__class__ is dict else None


def error_line(kind: object, message: object) -> str:
    """ "KeyError: 'x'": one line of at most ERROR_CHARS."""
    first = str(message or "").strip().split("\n", 1)[0]
    line = f"{kind}: {first}" if first else str(kind)
    return line if len(line) <= ERROR_CHARS else line[: ERROR_CHARS - 1] + "…"


# --- one function a kind --------------------------------------------------------------------------------------------


def _text(value: Any) -> Any:
    """`value` as SQLite takes it: what is of an unexpected type (noise, a newer version) as JSON text."""
    cls = value.__class__
    if cls is str or value is None or cls is float or cls is bool or (cls is int and -(2**63) <= value < 2**63):
        return value
    return json.dumps(value)


def _value(record: Record, key: str, default: Any) -> Any:
    value = record.get(key)
    return default if value is None else _text(value)


def _session_start(batch: Batch, record: Record, row: Row) -> None:
    values = [_text(record.get(key, default)) for key, default in _SESSION_FIELDS]
    packed = [json.dumps(record.get(key) or empty) for key, empty in (("argv", []), ("git", {}), ("packages", {}))]
    batch.connection.execute(_SESSION, (row.at, row.segment, *values, *packed, row.session))


def _session_learned(batch: Batch, record: Record, row: Row) -> None:
    for column in ("git", "packages"):
        if record.get(column):
            sql = f"UPDATE sessions SET {column} = json_patch(coalesce({column}, '{{}}'), ?) WHERE number = ?"
            batch.connection.execute(sql, (json.dumps(record[column]), row.session))
    if record.get("notebook"):
        batch.connection.execute("UPDATE sessions SET notebook = ? WHERE number = ?", (_text(record["notebook"]), row.session))


def _session_end(batch: Batch, record: Record, row: Row) -> None:
    values = (_text(record.get("t")), _text(record.get("how", "exit")), _text(record.get("detail")), row.session)
    batch.connection.execute("UPDATE sessions SET ended = ?, how = ?, detail = ? WHERE number = ?", values)


def _cell_start(batch: Batch, record: Record, row: Row) -> None:
    if row.execution is not None:
        columns = batch.execution_row(row.execution)
        columns.update(at=row.at, session=row.session, segment=row.segment)
        columns.update((name, _value(record, key, default)) for name, key, default in _START_FIELDS)
        if columns["notebook"] is not None:
            batch.notebooks.setdefault(row.session, columns["notebook"])


def _cell_end(batch: Batch, record: Record, row: Row) -> None:
    """Two may tell of one end, in any order: the verdict is the runner's, the figures are the kernel's own."""
    if row.execution is None:
        return
    said = {name: _value(record, key, default) for name, key, default in _END_FIELDS}
    said.update((key, _text(record[key])) for key in ("count", "rss") if key in record)
    before = batch.status_of(row.execution)
    if before in VERDICTS:
        said["status"] = said["status"] if said["status"] in VERDICTS else before
    elif before is not None and said["status"] in VERDICTS:
        said = {"status": said["status"]}
    batch.execution_row(row.execution).update(said)


def _cell_namespace(batch: Batch, record: Record, row: Row) -> None:
    """What the cell read and wrote; a later look at the same namespace says nothing of that, and takes nothing away."""
    if row.execution is not None:
        columns = batch.execution_row(row.execution)
        columns.update((key, "\n".join(map(str, record[key]))) for key in ("reads", "writes") if record.get(key))


def _error(batch: Batch, record: Record, row: Row) -> None:
    failure = record.get("failure")
    failure = failure if isinstance(failure, dict) else {}
    kind, message = failure.get("type", "Exception"), failure.get("message", record.get("m"))
    origin, known = record.get("origin", "cell"), _text(failure.get("hash"))
    line = error_line(kind, message)
    batch.failures.append((*_place(row), _text(kind), line, known, _text(origin)))
    if row.execution is not None and origin in ("cell", "shown", "uncaught"):
        batch.errors.append((line, known, row.execution, origin))


def _tagged(batch: Batch, record: Record, row: Row) -> None:
    session = batch._session(str(record["subject"]), record, "")[0] if record.get("subject") else row.session
    for tag in (*(record.get("tags") or ()), *((record["outcome"],) if "outcome" in record else ())):
        batch.tags.append((str(tag), session, row.execution or 0, row.segment))


def _place(row: Row) -> tuple[Any, ...]:
    return row.at, row.session, row.execution, row.segment, row.place, row.size


_SESSION_FIELDS = (
    ("life", "process"), ("agent", None), ("task", None), ("parent", None), ("host", None), ("pid", None),
    ("python", None), ("notebook", None), ("kernel", None), ("cwd", None), ("t", None),
)  # fmt: skip
_START_FIELDS = (
    ("ordinal", "number", 0), ("count", "count", None), ("cell_id", "cell_id", None), ("source", "source", ""),
    ("notebook", "notebook", None), ("within", "within", None), ("own", "own", False), ("internal", "internal", False),
    ("started", "t", None), ("rss", "rss", None),
)  # fmt: skip
"""Column, key of the record, what it is where the record does not say."""
_END_FIELDS = (("ended", "t", None), ("status", "status", "ok"), ("ms", "ms", 0.0), ("peak", "peak", None))
_COLUMNS = (
    *((name, None) for name in ("number", "id", "session", "at", "segment")),
    *((name, None if name not in ("own", "internal") else False) for name, _, _ in _START_FIELDS),
    ("ended", None), ("status", "running"), ("ms", None), ("peak", None), ("reads", None), ("writes", None),
)  # fmt: skip

_EVENT = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"
_SESSION = """UPDATE sessions SET at = ?, segment = ?, life = ?, agent = ?, task = ?, parent = ?, host = ?, pid = ?,
    python = ?, notebook = coalesce(notebook, ?), kernel = ?, cwd = ?, started = ?, argv = ?,
    git = json_patch(?, coalesce(git, '{}')), packages = json_patch(?, coalesce(packages, '{}')) WHERE number = ?"""
_EXECUTION = f"INSERT INTO executions ({', '.join(name for name, _ in _COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_FAILURE = """INSERT OR IGNORE INTO failures (at, session, execution, segment, place, size, type, message, hash, origin)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ERROR = "UPDATE executions SET error = ?, hash = ? WHERE number = ? AND (error IS NULL OR ? = 'cell')"
_TAG = "INSERT OR IGNORE INTO tags VALUES (?, ?, ?, ?)"

_HANDLERS: dict[str, Callable[[Batch, Record, Row], None]] = {
    "session.start": _session_start, "session.learned": _session_learned, "session.end": _session_end,
    "cell.start": _cell_start, "cell.end": _cell_end, "cell.namespace": _cell_namespace, "error": _error,
    "outcome": _tagged, "log": _tagged,
}  # fmt: skip
