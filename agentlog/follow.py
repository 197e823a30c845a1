"""Taking what is new in the journal's segments into the tables, from the offsets that the tables remember."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from agentlog.errors import StoreError
from agentlog.gather import Batch, SegmentState
from agentlog.processes import is_alive
from agentlog.progress import Progress
from agentlog.segments import SegmentFile, Source

COMMIT_BYTES = 32 << 20
"""Journal bytes a transaction takes in."""


def follow(connection: sqlite3.Connection, source: Source, files: dict[str, SegmentFile]) -> list[str]:
    """Bring the tables up to date with `files`; returns what could not be read. Raises sqlite3.Error, changing nothing
    since the last full transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = _known_segments(connection)
        for name in known.keys() - files.keys():
            _purge(connection, known[name][0], drop=True)
            source.forget(name)
        changed = [(name, file) for name, file in files.items() if name not in known or known[name][2] != file.size]
        with Progress("indexing the journal", sum(file.size - known.get(name, (0, 0, 0))[2] for name, file in changed)) as done:
            troubles = [_take_in(connection, source, file, done, *known.get(name, (0, 0, 0))) for name, file in changed]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return [trouble for trouble in troubles if trouble]


def settled(connection: sqlite3.Connection, files: dict[str, SegmentFile], known: Collection[str]) -> set[str]:
    """Segments beside those `known` that will not grow any more: they were closed, or their process is gone."""
    rows = connection.execute("SELECT name, bytes, ended, pid, host, boot, start FROM segments").fetchall()
    found = set()
    for name, size, ended, *process in rows:
        file = files.get(name)
        if file is None or name in known or size != file.size:
            continue
        if ended or file.packed or (is_alive(*process) is False and _size(file) == size):
            found.add(name)  # a process may write and go between our reading and our asking for it: hence the size again
    return found


def _size(file: SegmentFile) -> int | None:
    try:
        return file.path.stat().st_size
    except OSError:
        return None


def _known_segments(connection: sqlite3.Connection) -> dict[str, tuple[int, int, int]]:
    rows = connection.execute("SELECT name, number, place, bytes FROM segments")
    return {name: (number, place, size) for name, number, place, size in rows}


def _take_in(
    connection: sqlite3.Connection, source: Source, file: SegmentFile, done: Progress, number: int, place: int, size: int
) -> str | None:
    """Read what is new in one segment; one that has become shorter was replaced, and is read from its start.

    Returns why it cannot be read, if so: the other segments can.
    """
    if number == 0:
        number = connection.execute("INSERT INTO segments (name) VALUES (?)", (file.name,)).lastrowid or 0
    else:
        source.forget(file.name)  # it may have been packed or replaced
    try:
        if source.plain_size(file.name) < place:
            _purge(connection, number, drop=False)
            place = 0
        state = SegmentState(number, file.name, place)
        _read_lines(connection, source, state, done)
    except StoreError as error:
        return str(error)
    _note_segment(connection, state, file.size)
    return None


def _read_lines(connection: sqlite3.Connection, source: Source, state: SegmentState, done: Progress) -> None:
    taken, batch = 0, Batch(connection)
    for place, data in source.chunks(state.name, state.place):
        batch.add_lines(state, place, data)
        batch.write()
        taken += len(data)
        done.add(len(data))
        if taken >= COMMIT_BYTES:
            _note_segment(connection, state, state.place)
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
            taken = 0


def _note_segment(connection: sqlite3.Connection, state: SegmentState, size: int) -> None:
    values = (state.place, size, state.lines, state.torn, state.ended, state.number)
    connection.execute(
        "UPDATE segments SET place = ?, bytes = ?, lines = lines + ?, torn = torn + ?, ended = max(ended, ?) WHERE number = ?",
        values,
    )
    state.lines = state.torn = 0
    first = state.first
    if first is not None:
        pid = first.get("pid") if isinstance(first.get("pid"), int) else None
        texts = [first[key] if isinstance(first.get(key), str) else None for key in ("host", "boot", "start")]
        version = first.get("schema") if isinstance(first.get("schema"), int) else None
        connection.execute(
            "UPDATE segments SET schema = ?, pid = ?, host = ?, boot = ?, start = ? WHERE number = ?",
            (version, pid, *texts, state.number),
        )
        state.first = None


def _purge(connection: sqlite3.Connection, number: int, *, drop: bool) -> None:
    """Forget what came from one segment: it was removed (`drop`) or replaced."""
    for table in ("events", "failures", "tags", "executions"):
        connection.execute(f"DELETE FROM {table} WHERE segment = ?", (number,))
    connection.execute("DELETE FROM sessions WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.session = sessions.number)")
    if drop:
        connection.execute("DELETE FROM segments WHERE number = ?", (number,))
    else:
        connection.execute("UPDATE segments SET place = 0, lines = 0, torn = 0, ended = 0 WHERE number = ?", (number,))
