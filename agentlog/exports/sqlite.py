"""An SQLite copy: every table of `tables.TABLES` in one file that is complete in itself, for SQL and for data frames."""

from __future__ import annotations

import sqlite3
from itertools import islice
from pathlib import Path

from agentlog.errors import StoreError, UsageError
from agentlog.exports.selection import Selection
from agentlog.exports.tables import TABLES, Table
from agentlog.exports.target import STANDARD_OUTPUT, whole_file

SUFFIX = ".sqlite"
TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "boolean": "INTEGER", "time": "TEXT", "json": "TEXT"}
_INDEXES = {
    "sessions": ("started",), "executions": ("session", "started", "hash"), "errors": ("session", "execution", "hash", "time"),
    "calls": ("session", "model", "time"), "events": ("session", "execution", "kind", "time"),
}  # fmt: skip
_BATCH = 2_000


def write(selection: Selection, target: str | Path, *, table: Table | None = None) -> int:
    """Write `table`, or all of them, to a new file; returns the rows of all tables together."""
    if str(target) == STANDARD_OUTPUT:
        raise UsageError("an SQLite copy needs a file to go to, not standard output")
    with whole_file(Path(target)) as path:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16000")
            return sum(_fill(connection, one, selection) for one in ([table] if table else TABLES.values()))
        except sqlite3.Error as error:
            raise StoreError(f"cannot write {target}: {error}") from None
        finally:
            connection.close()


def _fill(connection: sqlite3.Connection, table: Table, selection: Selection) -> int:
    columns = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in table.columns)
    connection.execute(f"CREATE TABLE {table.name} ({columns})")
    insert = f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.columns))})"
    rows, count = table.rows(selection), 0
    connection.execute("BEGIN")
    while some := list(islice(rows, _BATCH)):
        connection.executemany(insert, some)
        count += len(some)
    connection.execute("COMMIT")
    for name in _INDEXES[table.name]:
        connection.execute(f'CREATE INDEX "{table.name}_by_{name}" ON {table.name} ("{name}")')
    return count
