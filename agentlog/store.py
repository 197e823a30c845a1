"""The questions the reading side asks: sessions, executions, events, failures, outputs.

    store = Store.open()
    failed = store.last_failure()
    for event in store.events(execution=failed.id): ...

Where `session` is None the whole store is meant. A reference to a session or execution is its id, the unambiguous end of
one, or "last"; "14" and "In[14]" are the latest In[14].
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from agentlog.blobs import Blobs, MemoryBlobs
from agentlog.deaths import Deaths
from agentlog.errors import NotFound
from agentlog.events import SCHEMA, Change, ErrorRaised, Event, NamespaceChanged, StreamWritten, to_record
from agentlog.filters import Filter, Where, add_execution_terms, like
from agentlog.ids import id_time, is_id, new_id, short, timestamp
from agentlog.index import Index
from agentlog.past import Death, ErrorKind, Execution, Session
from agentlog.places import index_places
from agentlog.references import cell_number, one_of, steps_back
from agentlog.rows import EXECUTIONS, SESSIONS, event_of, execution_of, session_of
from agentlog.schema import COMMON_KINDS
from agentlog.search import executions_holding
from agentlog.segments import Held, MemorySegment, Segments, Source
from agentlog.settings import store_folder

ANY = Filter()
_INSIDE = """FROM sessions t JOIN segments a ON a.number = t.segment, sessions p JOIN segments b ON b.number = p.segment
    WHERE (t.number = p.number OR (p.life <> 'task' AND coalesce(a.pid, 0) = coalesce(b.pid, 0)
        AND coalesce(a.host, '') = coalesce(b.host, '') AND coalesce(a.start, '') = coalesce(b.start, '')
        AND ((p.life IN ('kernel', 'ipython') AND t.life IN ('task', p.life) AND t.at < p.at) OR (t.life = 'task' AND t.at >= p.at))))"""
_MEMBERS = f"SELECT t.id {_INSIDE} AND p.id = ?"
"""A session, the tasks that were started in the same process, and of a kernel what it was before the extension was reloaded."""
_WHOLE = f"SELECT p.id {_INSIDE} AND t.id = ? AND p.life <> 'task' ORDER BY p.at DESC LIMIT 1"
"""The process that a task was started in."""
PAGE = 500
"""Rows fetched at a time while events are read one after the other."""


class Store:
    """A store open for reading. It follows the journal: every question sees what was written before it was asked."""

    def __init__(self, index: Index, blobs: Blobs, folder: Path | None, *, title: str = "memory") -> None:
        """`title`: what to call it where it has no folder."""
        self.folder = folder
        self._title = title
        self._index = index
        self._blobs = blobs
        self._memory: MemorySegment | None = None
        self._deaths = Deaths(index, folder)
        self._still = 0
        self._whole: str | None = None

    @classmethod
    def open(cls, place: str | Path | None = None, *, held: Sequence[Mapping[str, Any]] = ()) -> Store:
        """The store in the folder `place` (default: where a process started here would write), or at a PostgreSQL URL.

        Raises NotFound, StoreError.

        held: records that this process's recorder keeps in memory while the disk refuses them (`Recorder.held()`).
        """
        if isinstance(place, str) and place.startswith(("postgresql://", "postgres://")):
            return _in_postgres(place)
        folder = Path(place).expanduser().absolute() if place is not None else store_folder()
        source = Segments(folder)
        if held:
            memory = MemorySegment()
            for record in held:
                memory.append(json.dumps(record).encode() + b"\n")
            return cls(Index(Held(source, memory)), Blobs(folder), folder)
        if not source.folder.is_dir():
            raise NotFound(
                f"no store yet at {folder}: record something first (%load_ext agentlog, or AGENTLOG=true), or name one with --store"
            )
        return cls(Index(source, index_places(folder)), Blobs(folder), folder)

    @classmethod
    def in_memory(cls) -> Store:
        """An empty store that lives in memory; `add` fills it."""
        memory = MemorySegment()
        store = cls(Index(memory), MemoryBlobs(), None)
        store._memory = memory
        return store

    def add(self, event: Event) -> Event:
        """Make `event` readable (a store in memory only); its id and time are filled in where they are empty."""
        if self._memory is None:
            raise TypeError("events are written by a Recorder; only a store in memory takes them")
        event = replace(event, id=event.id or new_id(), time=event.time or timestamp())
        self._memory.append(json.dumps(to_record(event)).encode() + b"\n")
        return event

    def add_blob(self, body: bytes) -> str:
        """Keep `body` (a store in memory only); returns its digest."""
        return self._blobs.put(body)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Within it every question is answered as of its beginning: many questions look at the journal once."""
        self.refresh()
        self._still += 1
        try:
            yield
        finally:
            self._still -= 1

    def refresh(self) -> None:
        """Take in what was written since; every question does it by itself."""
        if self._still:
            return
        self._deaths.forget()
        self._index.refresh()

    def close(self) -> None:
        """Close the files."""
        self._index.close()

    # --- sessions -------------------------------------------------------------------------------------------------

    def count_as_one(self, session: str) -> None:
        """From here on `session`, the life of a process, holds what the named tasks inside it hold too."""
        self._whole = session

    def whole_of(self, session: Session) -> Session:
        """The life of the process that `session` is a task inside of, which counts as one from here on; else itself."""
        rows = self.ask(_WHOLE, session.id) if session.life == "task" else []
        if not rows:
            return session
        self.count_as_one(rows[0][0])
        return self.session(rows[0][0])

    def members(self, session: str) -> list[str]:
        """The ids of the sessions that count as `session`: itself alone, or its tasks too (`count_as_one`)."""
        return [row[0] for row in self.ask(_MEMBERS, session)] or [session] if session == self._whole else [session]

    def sessions(
        self, *, limit: int | None = None, agent: str | None = None, notebook: str | None = None, parent: str | None = None,
        since: str | None = None, until: str | None = None, ended: bool | None = None,
    ) -> list[Session]:  # fmt: skip
        """Sessions, the latest first. `notebook`: the end of its path; `since`, `until`: started then (`filters.moment`);
        `ended`: said so (None: whether or not)."""
        where = Where()
        where.add("s.id <> ''")
        if ended is not None:
            where.add(f"s.how IS {'NOT ' if ended else ''}NULL")
        for term, value in (
            ("s.agent = ?", agent), ("s.parent = ?", parent), ("s.started >= ?", since), ("s.started < ?", until),
        ):  # fmt: skip
            if value is not None:
                where.add(term, value)
        if notebook is not None:
            where.add("s.notebook LIKE ? ESCAPE '\\'", "%" + like(notebook))
        sql = f"{SESSIONS} WHERE {where} ORDER BY s.at DESC LIMIT ?"
        return [self._session(row) for row in self.ask(sql, *where.values, -1 if limit is None else limit)]

    def session(self, reference: str | None = None) -> Session:
        """The session `reference`; None and "last": the latest, "-2" the one before. Raises NotFound."""
        back = steps_back(reference)
        if back:
            rows = self.ask(f"{SESSIONS} WHERE s.id <> '' ORDER BY s.at DESC LIMIT 1 OFFSET ?", back - 1)
            if not rows:
                raise NotFound(f"no {'session' if back == 1 else f'{back} sessions'} recorded yet in {self._name()}")
            return self._session(rows[0])
        if is_id(str(reference)) and (rows := self.ask(f"{SESSIONS} WHERE s.id = ?", reference)):
            return self._session(rows[0]) if reference != self._whole else self._summed(rows[0])
        rows = self.ask(f"{SESSIONS} WHERE s.id LIKE ? ESCAPE '\\' ORDER BY s.at", "%" + like(str(reference)))
        return self._session(one_of("session", str(reference), rows, self._name(), "agentlog sessions"))

    # --- executions -----------------------------------------------------------------------------------------------

    def executions(
        self, session: str | None = None, *, own: bool = False, internal: bool = False, wanted: Filter = ANY
    ) -> list[Execution]:
        """Executions in order: of `session` (None: of the whole store), as far as `wanted` wants them.

        own, internal: also cells of %agentlog lines only, and those that front ends run by themselves.
        """
        where = self._execution_terms(session, own=own, internal=internal)
        add_execution_terms(where, wanted)
        found = self._executions(f"{where} ORDER BY e.at DESC", where.values)
        if wanted.status is not None:
            found = [one for one in found if one.status == wanted.status or (wanted.status == "failed" and one.failed)]
        if wanted.text is not None:
            holding = executions_holding(self._index, wanted.text, {one.session for one in found})
            found = [one for one in found if one.id in holding]
        return found[: wanted.limit][::-1]

    def executions_where(self, terms: str, *values: Any) -> list[Execution]:
        """Executions in order that meet `terms`, SQL over `executions e JOIN sessions s` (`schema`)."""
        return self._executions(f"e.at IS NOT NULL AND {terms} ORDER BY e.at", values)

    def execution(self, reference: str | None = None, session: str | None = None) -> Execution:
        """The execution `reference`: "14" or "In[14]", an id or the end of one, "last", "-2". Raises NotFound."""
        where = self._execution_terms(session, own=True, internal=True)
        back = steps_back(reference)
        if back:
            where = self._execution_terms(session, own=False, internal=False)
            found = self._executions(f"{where} ORDER BY e.at DESC LIMIT 1 OFFSET ?", [*where.values, back - 1])
            if not found:
                raise NotFound(f"no {'execution' if back == 1 else f'{back} executions'} recorded yet in {self._place(session)}")
            return found[0]
        reference = str(reference).rpartition("/")[2]  # the label of a cell that another one ran: "In[14]/272f6k"
        count = cell_number(reference)
        if count is not None:
            terms = f"{where} AND e.count = ? AND e.internal = 0 ORDER BY e.at DESC LIMIT 1"
            found = self._executions(terms, [*where.values, count])
            if found:
                return found[0]
        if is_id(reference) and (found := self._executions(f"{where} AND e.id = ?", [*where.values, reference])):
            return found[0]
        terms = f"{where} AND e.id LIKE ? ESCAPE '\\' ORDER BY e.at"
        rows = [(one.id, one) for one in self._executions(terms, [*where.values, "%" + like(reference)])]
        return cast(Execution, one_of("execution", reference, rows, self._place(session), "agentlog history")[1])

    def last_failure(self, session: str | None = None) -> Execution | None:
        """The latest execution that failed, of `session` or of the whole store. Errors outside cells: `errors`."""
        where = self._execution_terms(session, own=False, internal=False)
        where.add("e.status NOT IN ('ok', 'not_run')")
        offset, size = 0, 2
        while True:
            some = self._executions(f"{where} ORDER BY e.at DESC LIMIT {size} OFFSET {offset}", where.values)
            failed = next((one for one in some if one.failed), None)
            if failed or len(some) < size:
                return failed
            offset, size = offset + size, PAGE

    def changes(self, execution: str) -> tuple[Change, ...]:
        """What the execution did to names."""
        looked = self.events(execution=execution, kinds={NamespaceChanged.kind})
        return tuple(change for event in looked if isinstance(event, NamespaceChanged) for change in event.changes)

    # --- events ---------------------------------------------------------------------------------------------------

    def events(
        self, *, session: str | None = None, execution: str | None = None, kinds: Collection[str] | None = None,
        after: str | None = None, limit: int | None = None,
    ) -> Iterator[Event]:  # fmt: skip
        """Events in order, of `session` and `execution` (ids), of `kinds`, after the event with the id `after`.

        Of a stream that could still change what followed is given, not what was written in between."""
        records = self.records(session=session, execution=execution, kinds=kinds, after=after, limit=limit)
        return (event for event in map(event_of, records) if not self._is_followed(event))

    def _is_followed(self, event: Event) -> bool:
        """Is it a look at what could still change of a stream, which went on?"""
        if not isinstance(event, StreamWritten) or not event.unfinished:
            return False
        whose = (event.execution, event.name)
        later = map(event_of, self.records(session=event.session, execution=whose[0], kinds={event.kind}, after=event.id))
        return any(isinstance(one, StreamWritten) and (one.execution, one.name) == whose for one in later)

    def records(
        self, *, session: str | None = None, execution: str | None = None, kinds: Collection[str] | None = None,
        after: str | None = None, limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:  # fmt: skip
        """The same events as the records of the journal, as they were written."""
        where = Where()
        if session is not None:
            where.add(*self._of(session))
        if execution is not None:
            where.add("execution = (SELECT number FROM executions WHERE id = ?)", execution)
        if kinds is not None:
            where.add(f"kind IN ({', '.join('?' * len(kinds))})", *sorted(kinds))
            if execution is None and not any(f"'{kind}'" in COMMON_KINDS for kind in kinds):
                where.add(f"kind NOT IN {COMMON_KINDS}")
        return self._in_order(where, after or "", limit)

    def event(self, at: str) -> Event | None:
        """The event that stands at `at` in the order of all."""
        rows = self.ask("SELECT segment, place, size FROM events WHERE at = ?", at)
        return next(map(event_of, self._index.records(rows)), None)

    def segments(self, sessions: Collection[str] | None = None) -> list[str]:
        """Names of the journal's segments, in order; of these sessions (ids) alone, where they are given."""
        if sessions is None:
            return [row[0] for row in self.ask("SELECT name FROM segments ORDER BY name")]
        of_session = """SELECT DISTINCT g.name FROM events e JOIN sessions s ON s.number = e.session
            JOIN segments g ON g.number = e.segment WHERE s.id = ?"""
        return sorted({row[0] for session in sessions for row in self.ask(of_session, session)})

    @property
    def source(self) -> Source:
        """The segments, to be followed (`tail.Tail`)."""
        return self._index.source

    def running(self) -> int:
        """How many executions run now."""
        where = self._execution_terms(None, own=False, internal=False)
        where.add("e.status = 'running'")
        return sum(one.status == "running" for one in self._executions(str(where), where.values))

    def known_events(self, ids: Collection[str]) -> set[str]:
        """Those of `ids` whose events are here."""
        if not ids:
            return set()
        return {row[0] for row in self.ask(f"SELECT at FROM events WHERE at IN ({', '.join('?' * len(ids))})", *ids)}

    def lines(self, segment: str) -> Iterator[bytes]:
        """The whole lines of a segment as they were written, without their newlines."""
        for _, data in self._index.source.chunks(segment, 0):
            yield from data.split(b"\n")[:-1]

    def errors(
        self, session: str | None = None, *, execution: str | None = None, hash: str | None = None, newest: bool = False
    ) -> Iterator[ErrorRaised]:
        """Errors in order (`newest`: the latest first), of cells or not; `hash`: those of one kind (`Failure.hash`)."""
        where = Where()
        if session is not None:
            where.add(*self._of(session))
        for term, value in (("execution = (SELECT number FROM executions WHERE id = ?)", execution), ("hash = ?", hash)):
            if value is not None:
                where.add(term, value)
        records = self._newest_failures(where) if newest else self._in_order(where, "", None, table="failures")
        for event in map(event_of, records):
            if isinstance(event, ErrorRaised):
                yield event

    def error_kinds(self) -> list[ErrorKind]:
        """Each kind of error once, with its latest message, the most frequent first; those without a hash are left out."""
        sql = (
            """SELECT hash, type, message, count(*), max(at) FROM failures WHERE hash IS NOT NULL GROUP BY hash ORDER BY 4 DESC"""
        )
        return [
            ErrorKind(
                hash,
                kind or "",
                message.removeprefix(f"{kind}: "),
                times,
                timestamp(id_time(at[-20:]).timestamp()) if is_id(at[-20:]) else "",
            )
            for hash, kind, message, times, at in self.ask(sql)
        ]

    def _newest_failures(self, where: Where) -> Iterator[dict[str, Any]]:
        sql = f"SELECT at, segment, place, size FROM failures WHERE {where} AND at < ? ORDER BY at DESC LIMIT ?"
        size, before = PAGE // 10, "~"  # after every id
        while rows := self.ask(sql, *where.values, before, size):
            yield from self._index.records([row[1:] for row in rows])
            size, before = PAGE, rows[-1][0]

    def _in_order(self, where: Where, after: str, limit: int | None, table: str = "events") -> Iterator[dict[str, Any]]:
        sql = f"SELECT at, segment, place, size FROM {table} WHERE {where} AND at > ? ORDER BY at LIMIT ?"
        left = limit
        while left is None or left > 0:
            rows = self.ask(sql, *where.values, after, PAGE if left is None else min(PAGE, left))
            yield from self._index.records([row[1:] for row in rows])
            if len(rows) < PAGE:
                return
            after, left = rows[-1][0], None if left is None else left - len(rows)

    # --- outputs --------------------------------------------------------------------------------------------------

    def blob(self, digest: str) -> bytes:
        """The body kept under `digest`. Raises NotFound, StoreError."""
        return self._blobs.get(digest)

    def text(self, event: StreamWritten) -> str:
        """All the text of `event`, from the blob where the journal holds only head and tail."""
        if event.blob is None:
            return event.text
        return self.blob(event.blob).decode("utf-8", "replace")

    def status(self) -> dict[str, Any]:
        """Where store and index are, what they hold, and what could not be read."""
        lines, torn, segments = self.ask("SELECT coalesce(sum(lines), 0), coalesce(sum(torn), 0), count(*) FROM segments")[0]
        newer = self.ask("SELECT name, schema FROM segments WHERE schema > ?", SCHEMA)
        return {
            "folder": self._name(), "index": str(self._index.place or "in memory"), "segments": segments, "lines": lines,
            "torn_lines": torn, "newer_segments": dict(newer), "notes": list(self._index.notes),
        }  # fmt: skip

    def death(self, execution: Execution) -> Death | None:
        """How the process died that ran `execution`, with the Python stack where one exists; None where it did not."""
        if execution.status != "died":
            return None
        printed = self.events(execution=execution.id, kinds={StreamWritten.kind})
        text = "".join(event.text for event in printed if isinstance(event, StreamWritten))
        return self._deaths.death(execution, text)

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The answer of the index (its tables: `schema`) to `sql`."""
        self.refresh()
        return self._index.rows(sql, values)

    # --- within ---------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        return str(self.folder or self._title)

    def _place(self, session: str | None) -> str:
        return f"session {short(session)}" if session else self._name()

    def _session(self, row: tuple[Any, ...]) -> Session:
        recorded, segment, number = row[-7], row[-2], row[-1]
        gone = recorded is None and self._deaths.session_died(number, segment)
        return session_of(row[:-2], recorded or ("died" if gone else "running"))

    def _of(self, session: str, column: str = "session") -> tuple[str, ...]:
        """The term that is true of what belongs to `session`, and its values."""
        members = self.members(session)
        if len(members) == 1:
            return f"{column} = (SELECT number FROM sessions WHERE id = ?)", session
        return f"{column} IN (SELECT number FROM sessions WHERE id IN ({', '.join('?' * len(members))}))", *members

    def _summed(self, row: tuple[Any, ...]) -> Session:
        """The session of `row` with the counts of all that counts as it."""
        whole = self._session(row)
        parts = [self._session(self.ask(f"{SESSIONS} WHERE s.id = ?", one)[0]) for one in self.members(whole.id)]
        counts = {name: sum(getattr(one, name) for one in parts) for name in ("executions", "failures", "errors")}
        return replace(whole, **counts)

    def _execution_terms(self, session: str | None, *, own: bool, internal: bool) -> Where:
        where = Where()
        where.add("e.at IS NOT NULL")
        if session is not None:
            where.add(*self._of(session, "e.session"))
        if not own:
            where.add("e.own = 0")
        if not internal:
            where.add("e.internal = 0")
        return where

    def _executions(self, terms: str, values: Iterable[Any]) -> list[Execution]:
        found = [execution_of(row) for row in self.ask(f"{EXECUTIONS} WHERE {terms}", *values)]
        return [one if one.status != "running" else self._deaths.presented(one) for one in found]


def _in_postgres(url: str) -> Store:
    from agentlog.followers.postgres import open_store

    return open_store(url)
