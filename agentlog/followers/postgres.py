"""A store in PostgreSQL, open for reading: the same questions, asked of the database.

store = open_store("postgresql://reader@db.example/recordings")
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from agentlog.blobs import Blobs
from agentlog.errors import NotFound, StoreError
from agentlog.followers.postgres_link import Link, Lost, shown
from agentlog.followers.postgres_schema import SCHEMA, TABLES, VERSION
from agentlog.gather import Record, parse_line
from agentlog.index import Index, Rows
from agentlog.segments import CHUNK, PLAIN, SegmentFile
from agentlog.store import Store

_PAGE = 1_000
_AT_ONCE = 200


def open_store(url: str) -> Store:
    """The store at `url`. Raises NotFound where no follower has ever written to it, StoreError, MissingExtra."""
    link = Link(url)
    version = _version(link)
    if version is None:
        link.close()
        raise NotFound(f"no store yet at {shown(url)}: `agentlog follow URL` makes one of a folder's recordings")
    if version != VERSION:
        link.close()
        raise StoreError(f"{shown(url)} has tables of version {version}, this agentlog reads {VERSION}")
    index = PostgresIndex(link)
    return Store(index, PostgresBlobs(link), None, title=shown(url))


def prepare(link: Link) -> None:
    """Make the tables where there are none (the role needs CREATE then, and only then)."""
    if _version(link) is not None:
        return
    schema = f"CREATE SCHEMA IF NOT EXISTS {SCHEMA};" if "search_path" not in link.url else ""
    made = f"INSERT INTO about VALUES ('version', '{VERSION}');"
    try:
        link.script(f"BEGIN; SELECT pg_advisory_xact_lock({VERSION}); {schema} {TABLES} {made} COMMIT;")
    except Lost:
        raise
    except StoreError:
        with suppress(StoreError):
            link.script("ROLLBACK")
        if _version(link) is None:  # unless another follower made them meanwhile
            raise


def _version(link: Link) -> int | None:
    if link.execute("SELECT to_regclass('about')").fetchone()[0] is None:
        return None
    row = link.execute("SELECT value FROM about WHERE name = 'version'").fetchone()
    return int(row[0]) if row else None


class PostgresIndex(Index):
    """Rows of the database. Nothing is followed here: `agentlog follow` writes them."""

    def __init__(self, link: Link) -> None:
        super().__init__(PostgresSource(link))
        self._link = link

    def rows(self, sql: str, parameters: Iterable[Any] = ()) -> Rows:
        """See Index; asked once more where the connection had broken."""
        values = tuple(parameters)
        with suppress(Lost):
            return list(self._link.execute(sql, values).fetchall())
        return list(self._link.execute(sql, values).fetchall())

    def record(self, segment: int, place: int, size: int) -> Record | None:
        """See Index."""
        return next(self.records([(segment, place, size)]), None)

    def records(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[Record]:
        """See Index; fetched many at a time."""
        source = iter(rows)
        while some := list(islice(source, _AT_ONCE)):
            segments, places = [row[0] for row in some], [row[1] for row in some]
            sql = """SELECT l.segment, l.place, l.body FROM lines l
                JOIN unnest(?::bigint[], ?::bigint[]) AS wanted (segment, place) USING (segment, place)"""
            bodies = {row[:2]: row[2] for row in self.rows(sql, (segments, places))}
            yield from filter(None, (parse_line(bodies.get((row[0], row[1]), b"")) for row in some))

    def refresh(self) -> None:
        """Nothing: the database is as its followers left it."""

    def rebuild(self, reason: str) -> None:
        """There is nothing to build it from. Raises StoreError."""
        raise StoreError(reason)

    def close(self) -> None:
        """See Index."""
        self._link.close()


class PostgresSource:
    """The segments as the database has them: a `segments.Source`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def files(self, settled: Collection[str] = ()) -> dict[str, SegmentFile]:
        """See Source."""
        rows = self._link.execute("SELECT name, place FROM segments ORDER BY name").fetchall()
        return {name: SegmentFile(name, Path(name + PLAIN), place) for name, place in rows}

    def chunks(self, name: str, start: int) -> Iterator[tuple[int, bytes]]:
        """See Source."""
        pieces: list[bytes] = []
        place, size = start, 0
        for at, body in self._lines(name, start):
            if size >= CHUNK:
                yield place, b"".join(pieces)
                place, pieces, size = at, [], 0
            pieces.append(bytes(body) + b"\n")
            size += len(pieces[-1])
        if pieces:
            yield place, b"".join(pieces)

    def _lines(self, name: str, start: int) -> Iterator[tuple[int, bytes]]:
        sql = """SELECT l.place, l.body FROM lines l JOIN segments s ON s.number = l.segment
            WHERE s.name = ? AND l.place >= ? ORDER BY l.place LIMIT ?"""
        while True:
            rows = self._link.execute(sql, (name, start, _PAGE)).fetchall()
            yield from rows
            if len(rows) < _PAGE:
                return
            start = rows[-1][0] + 1

    def plain_size(self, name: str) -> int:
        """See Source."""
        row = self._link.execute("SELECT place FROM segments WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def read(self, name: str, place: int, size: int) -> bytes:
        """See Source. `place` must be where a line begins, or within the last line before it."""
        first = self._link.execute(
            "SELECT coalesce(max(l.place), 0) FROM lines l JOIN segments s ON s.number = l.segment WHERE s.name = ? AND l.place <= ?",
            (name, place),
        ).fetchone()[0]
        found = b""
        for _, data in self.chunks(name, first):
            found += data
            if len(found) >= place - first + size:
                break
        return found[place - first :][:size]

    def forget(self, name: str) -> None:
        """See Source."""

    def close(self) -> None:
        """See Source."""
        self._link.close()


class PostgresBlobs(Blobs):
    """Outputs in the database."""

    def __init__(self, link: Link) -> None:
        super().__init__(Path(shown(link.url)))
        self._link = link

    def put(self, body: bytes) -> str:
        """See Blobs."""
        digest = hashlib.sha256(body).hexdigest()
        self._link.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (digest, zlib.compress(body, 6)))
        return digest

    def get(self, digest: str) -> bytes:
        """See Blobs."""
        row = self._link.execute("SELECT body FROM blobs WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise NotFound(f"no stored output {digest[:12]}… in {shown(self._link.url)}")
        body = zlib.decompress(bytes(row[0]))
        if hashlib.sha256(body).hexdigest() != digest:
            raise StoreError(f"stored output {digest[:12]}… in {shown(self._link.url)} is damaged")
        return body

    def has(self, digest: str) -> bool:
        """See Blobs."""
        return self._link.execute("SELECT 1 FROM blobs WHERE digest = ?", (digest,)).fetchone() is not None

    def __iter__(self) -> Iterator[str]:
        return iter([row[0] for row in self._link.execute("SELECT digest FROM blobs ORDER BY digest").fetchall()])
