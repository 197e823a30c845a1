"""Sessions in Cloudflare D1, over its HTTP interface: shared with one command, read back with one.

    AGENTLOG_D1_ACCOUNT, AGENTLOG_D1_DATABASE, AGENTLOG_D1_TOKEN     the account's id, the database's id, an API token (D1 edit)
    AGENTLOG_D1_URL                                                  another place that speaks the same (a Worker of one's own)

Records go as they are in the journal, redacted once more, many in one statement (`json_each` over one parameter): D1
allows 100 parameters a statement and 2 MB a row, so records larger than PART characters are kept in several rows. All is
upserted by the event's id, so that sharing again sends only what is new; the session's own row comes last, with count and
checksum: what was not sent whole cannot be taken for whole.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import agentlog
from agentlog.blobs import Blobs
from agentlog.errors import NotFound, StoreError, UsageError
from agentlog.exports.segment_writer import Empty, write_segment
from agentlog.exports.tables import without_chain
from agentlog.gather import parse_line
from agentlog.ids import timestamp
from agentlog.past import Session
from agentlog.redact import Redactor
from agentlog.store import Store
from agentlog.transfer import Refused, send_json

API = "https://api.cloudflare.com/client/v4"
PREFIX = "d1:"
PART = 300_000
"""Characters of a record or an output in one row."""
PARAMETER = 900_000
"""Characters of the JSON that one statement takes in; at most BATCH rows."""
BATCH = 1_000
ANSWER = 4_000_000
"""Characters an answer may have, about."""
_DIGEST = re.compile(r'"([0-9a-f]{64})"')
_NAMES = {"account": "AGENTLOG_D1_ACCOUNT", "database": "AGENTLOG_D1_DATABASE", "token": "AGENTLOG_D1_TOKEN"}

TABLES = (
    """CREATE TABLE IF NOT EXISTS agentlog_sessions (id TEXT PRIMARY KEY, title TEXT, agent TEXT, started TEXT, ended TEXT,
    executions INTEGER, failures INTEGER, records INTEGER NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, shared TEXT, agentlog TEXT)""",
    """CREATE TABLE IF NOT EXISTS agentlog_records (session TEXT NOT NULL, id TEXT NOT NULL, part INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (session, id, part)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS agentlog_blobs (digest TEXT NOT NULL, part INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (digest, part)) WITHOUT ROWID""",
)
_PUT_RECORDS = """INSERT INTO agentlog_records SELECT value->>0, value->>1, value->>2, value->>3 FROM json_each(?) WHERE true
    ON CONFLICT (session, id, part) DO UPDATE SET body = excluded.body"""
_PUT_BLOBS = """INSERT INTO agentlog_blobs SELECT value->>0, value->>1, value->>2 FROM json_each(?) WHERE true
    ON CONFLICT (digest, part) DO UPDATE SET body = excluded.body"""
_PUT_SESSION = """INSERT INTO agentlog_sessions SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6,
    value->>7, value->>8, value->>9, value->>10, value->>11 FROM json_each(?) WHERE true ON CONFLICT (id) DO UPDATE SET title = excluded.title,
    agent = excluded.agent, ended = excluded.ended, executions = excluded.executions, failures = excluded.failures,
    records = excluded.records, size = excluded.size, sha256 = excluded.sha256, shared = excluded.shared, agentlog = excluded.agentlog"""

Row = list[Any]


@dataclass(frozen=True, slots=True)
class Synced:
    """A session in D1: its handle, how many records it has there, how many of them and of its outputs were sent now."""

    handle: str
    records: int
    sent: int
    blobs: int


@dataclass(frozen=True, slots=True)
class Received:
    """A session taken from D1: its id, how many records it has, how many of them are new here."""

    session: str
    records: int
    new: int


class D1:
    """One database. Raises UsageError, StoreError."""

    def __init__(self, account: str, database: str, token: str, url: str = API) -> None:
        self._url = f"{url.rstrip('/')}/accounts/{account}/d1/database/{database}/query"
        self._headers = {"Authorization": f"Bearer {token}"}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> D1:
        """The database that the environment names. Raises UsageError."""
        env = os.environ if environment is None else environment
        missing = [name for name in _NAMES.values() if not env.get(name)]
        if missing:
            raise UsageError(f"sharing by Cloudflare D1 needs {', '.join(missing)} in the environment (see docs/d1.md)")
        account, database, token = (env[name] for name in _NAMES.values())
        return cls(account, database, token, env.get("AGENTLOG_D1_URL") or API)

    def ask(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """The rows that a statement answers with."""
        try:
            answer = send_json(self._url, {"sql": sql, "params": [str(value) for value in values]}, headers=self._headers)
        except Refused as refused:
            raise StoreError(f"D1 refuses: {_reason(refused)}") from None
        if not isinstance(answer, dict) or not answer.get("success"):
            raise StoreError(f"D1 refuses: {_errors(answer)}")
        results = answer.get("result")
        return list(results[0].get("results") or ()) if isinstance(results, list) and results else []

    def put(self, sql: str, rows: Iterable[Row]) -> int:
        """A statement with `json_each(?)` over the rows, as often as they need; returns how many there were."""
        count = 0
        for some in _batches(rows):
            self.ask(sql, some)
            count += some.count("\n")
        return count


def _batches(rows: Iterable[Row]) -> Iterator[str]:
    """JSON arrays of rows, a row a line, each array within the bounds of a parameter."""
    pieces: list[str] = []
    size = 0
    for row in rows:
        piece = json.dumps(row, ensure_ascii=True)
        if pieces and (size + len(piece) > PARAMETER or len(pieces) == BATCH):
            yield "[" + ",\n".join(pieces) + "\n]"
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece)
    if pieces:
        yield "[" + ",\n".join(pieces) + "\n]"


def _reason(refused: Refused) -> str:
    with suppress(ValueError):
        return _errors(json.loads(refused.body))
    return str(refused)


def _errors(answer: object) -> str:
    found = answer.get("errors") if isinstance(answer, dict) else None
    said = [f"{one.get('message')} (code {one.get('code')})" for one in found or () if isinstance(one, dict)]
    return "; ".join(said) or "its answer says neither success nor why not"


# --- there ----------------------------------------------------------------------------------------------------------


def sync(store: Store, session: Session, database: D1) -> Synced:
    """Bring the session in D1 up to date."""
    for sql in TABLES:
        database.ask(sql)
    there, digests, blobs = _ids_there(database, session.id), hashlib.sha256(), set[str]()
    count = size = sent = 0

    def fresh() -> Iterator[Row]:
        nonlocal count, size, sent
        redactor = Redactor()
        for record in store.records(session=session.id):
            body = json.dumps(redactor.record(without_chain(record)), ensure_ascii=True, separators=(",", ":"))
            identifier = str(record.get("i") or hashlib.sha256(body.encode()).hexdigest()[:20])
            digests.update(body.encode() + b"\n")
            count, size = count + 1, size + len(body)
            blobs.update(_digests(body))
            if identifier not in there:
                sent += 1
                yield from ([session.id, identifier, number, part] for number, part in _parts(body))

    database.put(_PUT_RECORDS, fresh())
    stored = _put_blobs(store, database, blobs)
    row = [
        session.id, session.title, session.agent, session.started, session.ended, session.executions, session.failures, count, size,
        digests.hexdigest(), timestamp(), agentlog.__version__,
    ]  # fmt: skip
    database.put(_PUT_SESSION, [row])
    return Synced(PREFIX + session.id, count, sent, stored)


def _ids_there(database: D1, session: str) -> set[str]:
    """Ids of the session's records that D1 has whole."""
    found: list[str] = []
    while True:
        rows = database.ask(
            "SELECT id FROM agentlog_records WHERE part = 0 AND session = ? AND id > ? ORDER BY id LIMIT 20000",
            session,
            found[-1] if found else "",
        )
        found += [str(row["id"]) for row in rows]
        if len(rows) < 20_000:
            return set(found)


def _put_blobs(store: Store, database: D1, digests: set[str]) -> int:
    wanted = json.dumps(sorted(digests))
    there = {
        row["digest"]
        for row in database.ask(
            "SELECT digest FROM agentlog_blobs WHERE part = 0 AND digest IN (SELECT value FROM json_each(?))", wanted
        )
    }
    count = 0
    for digest in sorted(digests - there):
        with suppress(NotFound):
            text = base64.b64encode(zlib.compress(store.blob(digest), 6)).decode()
            database.put(_PUT_BLOBS, [[digest, number, part] for number, part in _parts(text)])
            count += 1
    return count


def _digests(body: str) -> list[str]:
    return _DIGEST.findall(body)


def _parts(text: str) -> list[tuple[int, str]]:
    """(number, part), the first part last: where it is, all the others are."""
    return [(start // PART, text[start : start + PART]) for start in range(0, max(len(text), 1), PART)][::-1]


# --- and back ----------------------------------------------------------------------------------------------------------


def receive(handle: str, folder: Path, database: D1) -> Received:
    """Add the shared session to the store in `folder`. Raises NotFound, StoreError where it is not there whole."""
    session = handle.removeprefix(PREFIX)
    rows = database.ask("SELECT records, size, sha256 FROM agentlog_sessions WHERE id = ?", session)
    if not rows:
        raise NotFound(f"no session {session[-6:]} was shared to this database")
    bodies = list(_bodies(database, session, int(rows[0]["records"]), int(rows[0]["size"])))
    found = hashlib.sha256(b"".join(body.encode() + b"\n" for body in bodies)).hexdigest()
    if len(bodies) != int(rows[0]["records"]) or found != rows[0]["sha256"]:
        raise StoreError(f"session {session[-6:]} is not whole in D1: share it again")
    records = [
        record for body in bodies if (record := parse_line(body.encode())) and not str(record.get("e")).startswith("segment.")
    ]
    _get_blobs(database, folder, {digest for body in bodies for digest in _digests(body)})
    new = _new(folder, records)
    with suppress(Empty):
        write_segment(folder, map(Redactor().record, new), "shared")
    return Received(session, len(bodies), len(new))


def _bodies(database: D1, session: str, count: int, size: int) -> Iterator[str]:
    """The session's records in order, each joined from its parts."""
    page = max(1, min(1_000, ANSWER // max(size // max(count, 1), 1), ANSWER // PART if size > count * PART else 1_000))
    last, part, body = "", -1, ""
    while True:
        rows = database.ask(
            "SELECT id, part, body FROM agentlog_records WHERE session = ? AND (id > ? OR (id = ? AND part > CAST(? AS INTEGER))) ORDER BY id, part LIMIT ?",
            session, last, last, part, page,
        )  # fmt: skip
        for row in rows:
            if row["id"] != last and body:
                yield body
                body = ""
            last, part = str(row["id"]), int(row["part"])
            body += str(row["body"])
        if len(rows) < page:
            break
    if body:
        yield body


def _get_blobs(database: D1, folder: Path, digests: set[str]) -> None:
    blobs = Blobs(folder)
    for digest in sorted(digests):
        if blobs.has(digest):
            continue
        text, part = "", -1
        while rows := database.ask(
            "SELECT part, body FROM agentlog_blobs WHERE digest = ? AND part > CAST(? AS INTEGER) ORDER BY part LIMIT ?",
            digest,
            part,
            ANSWER // PART,
        ):
            text += "".join(str(row["body"]) for row in rows)
            part = int(rows[-1]["part"])
        if text:
            try:
                body = zlib.decompress(base64.b64decode(text))
            except (ValueError, zlib.error):
                raise StoreError(f"the output {digest[:12]}… is damaged in D1: share the session again") from None
            if hashlib.sha256(body).hexdigest() == digest:
                blobs.put(body)


def _new(folder: Path, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the store in `folder` does not have."""
    try:
        store = Store.open(folder)
    except NotFound:
        return records
    try:
        known: set[str] = set()
        ids = iter([str(record.get("i")) for record in records])
        while some := list(islice(ids, 500)):
            known |= store.known_events(some)
    finally:
        store.close()
    return [record for record in records if str(record.get("i")) not in known]
