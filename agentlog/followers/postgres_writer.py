"""Taking the journal into PostgreSQL: exactly once, whatever happens to the connection.

A piece of a segment, its rows and how far the segment was read are one transaction. Whoever comes back asks the database how
far it is: a transaction that was cut off did not happen, one whose answer was lost did. Many followers may write at the
same time, of one folder or of many machines; an advisory lock puts them in a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from agentlog.blobs import Blobs
from agentlog.errors import StoreError
from agentlog.followers.postgres import prepare
from agentlog.followers.postgres_link import Link, Lost, Trace
from agentlog.followers.postgres_schema import LOCK
from agentlog.gather import Batch, Record, SegmentState
from agentlog.tail import Piece

_EXECUTION_IDS = re.compile(rb'"x":"([^"\\]{1,64})"')
_DIGESTS = re.compile(rb'"([0-9a-f]{64})"')
_NUMBERS = {
    "session.start": ("pid",), "cell.start": ("number", "count", "rss"), "cell.end": ("ms", "count", "rss", "peak"),
}  # fmt: skip
_NUMBERS_AHEAD = 100
_EVENTS = """INSERT INTO events SELECT * FROM unnest(?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
    ON CONFLICT DO NOTHING"""
_LINES = "INSERT INTO lines SELECT ?, * FROM unnest(?::bigint[], ?::bytea[]) ON CONFLICT DO NOTHING"


@dataclass(slots=True)
class PostgresBatch(Batch):
    """A batch whose row numbers come from the database; ids of a piece are looked up at once."""

    ahead: list[int] = field(default_factory=list)

    def add_lines(self, segment: SegmentState, place: int, data: bytes) -> None:
        """See Batch."""
        ids = list({found.decode("utf-8", "replace") for found in _EXECUTION_IDS.findall(data)})
        if ids:
            rows = self.connection.execute("SELECT id, number FROM executions WHERE id = ANY(?)", (ids,)).fetchall()
            self.executions.update(rows)
            for identifier in set(ids) - self.executions.keys():
                self.executions[identifier] = -1
        Batch.add_lines(self, segment, place, data)

    def write(self) -> None:
        """See Batch; events, the bulk of it, in one statement."""
        if self.events:
            columns = [list(column) for column in zip(*self.events, strict=True)]
            self.connection.execute(_EVENTS, columns)
            self.events.clear()
        Batch.write(self)

    def _add(self, segment: SegmentState, record: Record, place: int, size: int) -> None:
        kind = str(record.get("e"))
        strange = [key for key in _NUMBERS.get(kind, ()) if key in record and not _is_number(record[key])]
        flags: Record = {key: record[key] is True for key in ("own", "internal") if kind == "cell.start" and key in record}
        plain = {key: value for key, value in record.items() if key not in strange} if strange or flags else record
        Batch._add(self, segment, {**plain, **flags}, place, size)

    def _stored_session(self, identifier: str) -> tuple[int, str]:
        row = self.connection.execute("SELECT number, at, parent FROM sessions WHERE id = ?", (identifier,)).fetchone()
        if row is None:
            made = self.connection.execute(
                "INSERT INTO sessions (id, at) VALUES (?, ?) RETURNING number", (identifier, identifier)
            )
            return int(made.fetchone()[0]), ""
        return row[0], self._floor(row[2])

    def _execution(self, identifier: str, session: int) -> int:
        if self.executions.get(identifier) == -1:
            self.executions[identifier] = self._new_execution(identifier, session)
        return Batch._execution(self, identifier, session)

    def _new_execution(self, identifier: str, session: int) -> int:
        if not self.ahead:
            sql = "SELECT nextval(pg_get_serial_sequence('executions', 'number')) FROM generate_series(1, ?)"
            self.ahead = [row[0] for row in reversed(self.connection.execute(sql, (_NUMBERS_AHEAD,)).fetchall())]
        number = self.ahead.pop()
        self.fresh[number] = {"number": number, "id": identifier, "session": session}
        return number


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and abs(value) < 2**63


class PostgresTarget:
    """A database that follows journals. Raises Lost (try again), StoreError (do not)."""

    def __init__(self, url: str, blobs: Blobs, trace: Trace | None = None) -> None:
        self.link = Link(url, trace)
        self._blobs = blobs
        self._ready = False

    def places(self, names: list[str]) -> dict[str, int]:
        """How far each of these segments has been taken."""
        if not self._ready:
            prepare(self.link)
            self._ready = True
        rows = self.link.execute("SELECT name, place FROM segments WHERE name = ANY(?)", (names,)).fetchall()
        return dict(rows)

    def take(self, piece: Piece) -> None:
        """Take a piece; what of it is there already is left out. Raises Gap where what comes before it is missing."""
        with self.link.transaction():
            self._take(piece)

    def close(self) -> None:
        """Close the connection."""
        self.link.close()

    def _take(self, piece: Piece) -> None:
        link = self.link
        link.execute("SELECT pg_advisory_xact_lock(?)", (LOCK,))
        link.execute("INSERT OR IGNORE INTO segments (name) VALUES (?)", (piece.segment,))
        number, place = link.execute("SELECT number, place FROM segments WHERE name = ?", (piece.segment,)).fetchone()
        if place < piece.place:
            raise Gap(f"segment {piece.segment} is wanted from byte {place} on")
        data = piece.data[place - piece.place :]
        if not data:
            return
        self._take_blobs(data)
        state, batch = SegmentState(number, piece.segment, place), PostgresBatch(link)  # type: ignore[arg-type]
        batch.add_lines(state, place, data)
        batch.write()
        self._take_lines(number, place, data)
        self._note(state, place + len(data))

    def _take_lines(self, number: int, place: int, data: bytes) -> None:
        lines = data.split(b"\n")[:-1]
        places = list(accumulate((len(line) + 1 for line in lines[:-1]), initial=place))
        self.link.execute(_LINES, (number, places, lines))

    def _take_blobs(self, data: bytes) -> None:
        named = {found.decode() for found in _DIGESTS.findall(data)}
        if named:
            there = {
                row[0] for row in self.link.execute("SELECT digest FROM blobs WHERE digest = ANY(?)", (list(named),)).fetchall()
            }
            for digest in sorted(named - there):
                body = self._packed_blob(digest)
                if body is not None:
                    self.link.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (digest, body))

    def _packed_blob(self, digest: str) -> bytes | None:
        """The output as the folder keeps it; None where it is gone, or the digits were no digest of an output."""
        try:
            return self._blobs.path(digest).read_bytes()
        except OSError:
            return None

    def _note(self, state: SegmentState, place: int) -> None:
        self.link.execute(
            "UPDATE segments SET place = ?, bytes = ?, lines = lines + ?, torn = torn + ?, ended = greatest(ended, ?) WHERE number = ?",
            (place, place, state.lines, state.torn, state.ended, state.number),
        )
        first = state.first
        if first is not None:
            texts = [first[key] if isinstance(first.get(key), str) else None for key in ("host", "boot", "start")]
            numbers = [first[key] if _is_number(first.get(key)) else None for key in ("schema", "pid")]
            self.link.execute(
                "UPDATE segments SET schema = ?, pid = ?, host = ?, boot = ?, start = ? WHERE number = ?",
                (*numbers, *texts, state.number),
            )


class Gap(StoreError):
    """The database is not as far as the follower thought: it was replaced by an older one."""


__all__ = ["Gap", "Lost", "PostgresTarget"]


def target_for(url: str, folder: Path, trace: Trace | None = None) -> PostgresTarget:
    """The database at `url`, to follow the store in `folder`."""
    return PostgresTarget(url, Blobs(folder), trace)
