"""The index: an SQLite file that follows the journal's segments from the byte offsets it remembers.

A cache and nothing else. Whoever reads brings it up to date first, under a file lock, in one transaction with the
offsets. Whenever it is missing, damaged, of another version, or was touched by somebody else, it is built anew from the
journal; where no file may be written, or the disk is full, it lives in memory. `sqlite3.Error` never leaves this module.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentlog import schema
from agentlog.errors import StoreError
from agentlog.follow import follow, settled
from agentlog.gather import Record, parse_line
from agentlog.places import locked
from agentlog.segments import SegmentFile, Source

Rows = list[tuple[Any, ...]]

BUSY = 5.0
"""Seconds to wait for another reader that brings the index up to date; then we read what is there."""
BUILDING = 60.0
"""Seconds to wait while there is nothing to read yet because another reader builds the index."""

_MEMORY = ":memory:"


class Index:
    """Rows about the segments of `source`, kept in the first of `places` that can be written, else in memory."""

    def __init__(self, source: Source, places: Sequence[Path] = ()) -> None:
        self.source = source
        self.place: Path | None = None
        self.notes: list[str] = []
        """what went wrong and was got over, for status"""
        self._places = list(places)
        self._connection: sqlite3.Connection | None = None
        self._stamp: tuple[int, ...] = ()
        self._sizes: dict[str, int] | None = None
        self._settled: frozenset[str] = frozenset()
        self._names: dict[int, str] = {}
        self._mutex = threading.RLock()

    # --- asking ---------------------------------------------------------------------------------------------------

    def rows(self, sql: str, parameters: Iterable[Any] = ()) -> Rows:
        """The answer of `sql`. A damaged index is built anew and asked again. Raises StoreError."""
        values = tuple(parameters)
        with self._mutex:
            try:
                return self._connected().execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                self.rebuild(str(error))
            try:
                return self._connected().execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"cannot read the index {self.place or 'in memory'}: {error}; delete it and try again") from None

    def record(self, segment: int, place: int, size: int) -> Record | None:
        """The journal record that a row points to; None where the segment is gone or the row is wrong."""
        name = self._names.get(segment)
        if name is None:
            self._names = dict(self.rows("SELECT number, name FROM segments"))
            name = self._names.get(segment, "")
        return parse_line(self.source.read(name, place, size))

    def records(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[Record]:
        """The records that rows (segment, place, size) point to, one after the other; those that are gone are left out."""
        return (record for row in rows if (record := self.record(*row)) is not None)

    def close(self) -> None:
        """Close the file and the segments."""
        with self._mutex:
            self._disconnect()
            self.source.close()

    # --- following the journal --------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take in what was written since the last time. Raises StoreError only where the journal cannot be read."""
        with self._mutex:
            files = self.source.files(self._settled)
            if self._connection is not None and self._sizes == _sizes_of(files) and self._untouched():
                return
            if self._connection is None:
                self._open(files)
            else:
                self._update(files)

    def rebuild(self, reason: str) -> None:
        """Throw the index away and build it anew. Raises StoreError."""
        with self._mutex:
            self.notes.append(f"index built anew: {reason}")
            files = self.source.files()
            if self.place is None:
                self._open_in_memory(files)
                return
            with locked(self.place.with_suffix(".lock"), BUILDING) as mine:
                if mine:
                    self._build_or_fall_back(self.place, files)
                else:
                    self._open_in_memory(files)

    def _open(self, files: dict[str, SegmentFile]) -> None:
        for place in self._places:
            try:
                place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError:
                continue
            if not os.access(place.parent, os.W_OK | os.X_OK):
                continue
            self.place = place
            self._update(files)
            return
        self._open_in_memory(files)

    def _update(self, files: dict[str, SegmentFile]) -> None:
        """Bring the index up to date; every trouble with the file ends in a new one, or in memory."""
        if self.place is None:
            self._follow(files)
            return
        with locked(self.place.with_suffix(".lock"), BUSY if self.place.exists() else BUILDING) as mine:
            if not mine:
                self._read_what_is_there(files)
                return
            reason = self._unsound()
            if reason:
                self.notes.append(f"index built anew: {reason}")
                self._build_or_fall_back(self.place, files)
                return
            try:
                self._follow(files)
                self._sign()
            except sqlite3.Error as error:
                self.notes.append(f"index built anew: {error}")
                self._build_or_fall_back(self.place, files)

    def _read_what_is_there(self, files: dict[str, SegmentFile]) -> None:
        if self._connection is not None:
            return
        try:
            self._connect(self.place)
            self._check_version()
        except sqlite3.Error:
            self._open_in_memory(files)

    def _build_or_fall_back(self, place: Path, files: dict[str, SegmentFile]) -> None:
        try:
            self._build(place, files)
        except (sqlite3.Error, OSError) as error:
            self.notes.append(f"the index cannot be kept in {place} ({error}); it is kept in memory")
            self._open_in_memory(files)

    def _build(self, place: Path, files: dict[str, SegmentFile]) -> None:
        """Build a new index beside `place` and put it there: other readers keep what they have open."""
        temporary = place.with_name(f"{place.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            self._connect(temporary)
            self._fill(files)
            self._disconnect()
            _remove(f"{place}-journal", f"{place}-wal", f"{place}-shm")
            os.replace(temporary, place)
        finally:
            _remove(str(temporary), f"{temporary}-journal")
        self._connect(place)
        self._sizes = _sizes_of(files)
        self._sign()

    def _open_in_memory(self, files: dict[str, SegmentFile]) -> None:
        self.place = None
        try:
            self._connect(None)
            self._fill(files)
        except sqlite3.Error as error:
            raise StoreError(f"cannot index the journal in memory: {error}") from None

    def _fill(self, files: dict[str, SegmentFile]) -> None:
        connection = self._connected()
        connection.executescript(schema.TABLES)
        self._follow(files)
        connection.executescript(schema.EVENT_INDEXES)
        connection.execute("INSERT INTO about VALUES ('version', ?)", (str(schema.VERSION),))

    def _follow(self, files: dict[str, SegmentFile]) -> None:
        self._sizes, self._names = None, {}
        self.notes += follow(self._connected(), self.source, files)
        self._sizes = _sizes_of(files)
        self._settled |= settled(self._connected(), files, self._settled)

    # --- the file -------------------------------------------------------------------------------------------------

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self.refresh()
        assert self._connection is not None
        return self._connection

    def _connect(self, place: Path | None) -> None:
        self._disconnect()
        name = _MEMORY if place is None else str(place)
        connection = sqlite3.connect(name, timeout=BUSY, isolation_level=None, check_same_thread=False)
        self._connection = connection
        if place is not None:
            os.chmod(place, 0o600)
        for pragma in ("synchronous=OFF", "temp_store=MEMORY", "cache_size=-32000", "cache_spill=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._sizes, self._names, self._stamp = None, {}, ()
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _check_version(self) -> None:
        row = self._connected().execute("SELECT value FROM about WHERE name = 'version'").fetchone()
        if row is None or row[0] != str(schema.VERSION):
            raise sqlite3.DatabaseError(f"it has version {row and row[0]}, this agentlog makes {schema.VERSION}")

    def _unsound(self) -> str | None:
        """Why the file cannot be used, under the lock; None when it is as its last writer left it, and open."""
        assert self.place is not None
        if not self.place.exists():
            return "there was none"
        if self._signature() != _stamp_of(self.place):
            return "it was changed by somebody else"
        if self._connection is not None and self._stamp and self._stamp[0] == os.stat(self.place).st_ino:
            return None
        try:
            self._connect(self.place)
            self._check_version()
        except (sqlite3.Error, OSError) as error:
            return str(error)
        return None

    def _untouched(self) -> bool:
        """Is the file as we last saw it?"""
        if self.place is None:
            return True
        try:
            return _stamp_of(self.place) == self._stamp
        except OSError:
            return False

    def _sign(self) -> None:
        """Note size and time of the file beside it: noise written over it by anybody else shows."""
        assert self.place is not None
        self._stamp = _stamp_of(self.place)
        with suppress(OSError):
            lock = self.place.with_suffix(".lock")
            with open(lock, "r+b" if lock.exists() else "w+b") as file:
                file.write(" ".join(map(str, self._stamp)).encode().ljust(80))

    def _signature(self) -> tuple[int, ...]:
        assert self.place is not None
        try:
            return tuple(map(int, self.place.with_suffix(".lock").read_bytes().split()))
        except (OSError, ValueError):
            return ()


def _sizes_of(files: dict[str, SegmentFile]) -> dict[str, int]:
    return {file.name: file.size for file in files.values()}


def _stamp_of(place: Path) -> tuple[int, ...]:
    status = os.stat(place)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remove(*paths: str) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)
