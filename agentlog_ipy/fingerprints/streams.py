"""Files, streams in memory, connections and loggers: what they say of themselves without being read."""

from __future__ import annotations

import io
import logging
import sys
import threading
from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints.walk import HANDLERS, LIBRARIES, Walk, by_id, short, visit_object


def visit_memory_stream(walk: Walk, value: Any, depth: int) -> None:
    if value.closed:
        walk.tokens.append("closed")
    elif type(value) is io.BytesIO:
        walk.tokens.append(value.tell())
        view = memoryview(value.getvalue())
        walk.keep.append(view)
        walk.visit(view, depth + 1)
    else:
        walk.tokens.append((value.tell(), short(value.getvalue().encode("utf-8", "surrogatepass"))))


def visit_file(walk: Walk, value: Any, depth: int) -> None:
    """A file: whether it is closed and how far it was read; the contents are on the disk."""
    walk.portable = False
    walk.tokens.append((peek.class_name(type(value)), value.closed))
    if value.closed:
        return
    raw = value.buffer if type(value) is io.TextIOWrapper else value
    if type(raw) is io.BufferedReader:
        walk.tokens.append(_position(value))
    else:  # to ask a writer how far it came would have it write
        walk.skip(1, "that it is open")


def _position(reader: Any) -> int:
    try:
        return reader.tell() if reader.seekable() else 0
    except OSError:  # in the middle of a loop over its lines
        return -1


def visit_connection(walk: Walk, value: Any, depth: int) -> None:
    """A connection to SQLite: how many rows it changed so far. What else is in the database is not looked at."""
    sqlite = sys.modules["sqlite3"]
    walk.portable = False
    if type(value) is sqlite.Connection:
        walk.tokens.append(("sqlite3", *_connection(sqlite, value)))
    elif type(value) is sqlite.Cursor:
        walk.tokens.append((value.rowcount, value.lastrowid, value.description is None))
        walk.part(value.connection)
    else:
        visit_object(walk, value, depth)


def _connection(sqlite: Any, value: Any) -> tuple[int, bool] | tuple[str]:
    try:
        return value.total_changes, value.in_transaction
    except sqlite.ProgrammingError:
        return ("closed",)


def visit_lock(walk: Walk, value: Any, depth: int) -> None:
    walk.tokens.append(("lock", value.locked()))


def visit_logger(walk: Walk, value: Any, depth: int) -> None:
    """What a logger was set to, not what it logged."""
    walk.portable = False
    handlers = peek.own(value, "handlers") or ()
    walk.tokens.append((peek.own(value, "name"), peek.own(value, "level"), peek.own(value, "disabled")))
    walk.tokens.append((peek.own(value, "propagate"), *map(id, handlers), *(peek.own(one, "level") for one in handlers)))


_FILES = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO)
HANDLERS.update(by_id(
    ((io.StringIO, io.BytesIO), visit_memory_stream), (_FILES, visit_file), ((type(threading.Lock()),), visit_lock),
    ((logging.Logger, logging.RootLogger), visit_logger),
))  # fmt: skip
LIBRARIES["sqlite3"] = visit_connection
