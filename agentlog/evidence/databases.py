"""What a SQLite database has, where a statement asked for a table or column that it has not."""

from __future__ import annotations

import functools
import gc
import re
from typing import Any

from agentlog import peek
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import absent
from agentlog.evidence.failing import Failing

_ABSENT = re.compile(r"no such (table|column): (?:\w+\.)*(\S+)|has no column named (\S+)")
_TABLES = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' limit 200"
_COLUMNS = "select name from pragma_table_info(?)"


def there_is(failing: Failing, statement: str) -> list[Fact]:
    """The tables there are; of a missing column, the columns of the tables that the statement names. Only where nothing of the user's runs."""
    told, held = _ABSENT.search(failing.message), _connection(failing)
    if told is None or held is None or not _unwatched(held[1]):
        return []
    about, connection = held
    wanted = told[2] or told[3]
    try:
        tables = _names(connection, _TABLES)
        if told[1] == "table":
            return [_listed("table", wanted, tables, about)]
        named = [table for table in tables if re.search(rf"\b{re.escape(table)}\b", statement, re.I)][:3]
        return [_listed("column", wanted, _names(connection, _COLUMNS, table), f"table {table}") for table in named]
    except peek.loaded("sqlite3", "Error"):  # closed, of another thread, locked
        return []


def _listed(what: str, wanted: str, names: list[str], about: str | None) -> Fact:
    there = f"{probe.counted(len(names), what)}: {', '.join(names[:30])}" if names else f"no {what}s at all"
    return absent(what, wanted, names, about, there=there)


def _names(connection: Any, query: str, *parameters: str) -> list[str]:
    """The first column, by a cursor of our own."""
    cursor = connection.cursor()
    cursor.row_factory = None
    return [str(row[0]) for row in cursor.execute(query, parameters)]


def _connection(failing: Failing) -> tuple[str | None, Any] | None:
    """(name, connection) of what the line works on or handed over, through a cursor too."""
    sqlite, cursors = peek.loaded("sqlite3", "Connection"), peek.loaded("sqlite3", "Cursor")
    for _, value in (*failing.data(), *failing.handed()):
        found = value.connection if cursors is not None and type(value) is cursors else value
        if sqlite is not None and type(found) is sqlite:
            return failing.name_of(found), found
    return None


def _unwatched(connection: Any) -> bool:
    """Has it no callback of the user's for statements, progress or permission, and are its texts plain?"""
    own = (type(connection), str, connection.row_factory)
    held = [part for part in gc.get_referents(connection) if callable(part) and type(part) is not functools._lru_cache_wrapper]
    return connection.text_factory is str and all(any(part is other for other in own) for part in held)
