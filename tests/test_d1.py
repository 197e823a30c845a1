"""Cloudflare D1: sessions go there and come back equal, on a real D1 that runs here; what cannot be is said in one line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "exports"))
from samples import LONG, Samples, a_bit_of_everything

import agentlog
from agentlog import cli
from agentlog.errors import NotFound, StoreError, UsageError
from agentlog.events import Logged, StreamWritten
from agentlog.followers import d1
from agentlog.store import Store

NAMES = {"AGENTLOG_D1_ACCOUNT": "account", "AGENTLOG_D1_DATABASE": "database", "AGENTLOG_D1_TOKEN": "token-of-the-test"}


def _folder_of_miniflare() -> str:
    folder = os.environ.get("NODE_FOLDER", str(Path(__file__).parent.parent))
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (Path(folder) / "node_modules" / "miniflare").is_dir():
        pytest.skip("miniflare is not installed (npm install miniflare@4 in a folder, and NODE_FOLDER=that folder)")
    return folder


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """The address of a local D1."""
    command = ["node", str(Path(__file__).parent / "local_d1.mjs"), _folder_of_miniflare()]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin
    assert child.stdout
    yield child.stdout.readline().strip()
    child.stdin.close()
    child.wait(30)
    child.stdout.close()


@pytest.fixture
def made(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Samples]:
    """A folder with a bit of everything."""
    samples = a_bit_of_everything(store_folder)
    yield samples
    samples.close()


@pytest.fixture
def cloud(place: str, monkeypatch: pytest.MonkeyPatch) -> d1.D1:
    """The database, named by the environment."""
    for name, value in NAMES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AGENTLOG_D1_URL", f"{place}client/v4")
    return d1.D1.from_environment()


def _records(store: Store, session: str) -> list[dict[str, object]]:
    return [{key: value for key, value in record.items() if key not in "hq"} for record in store.records(session=session)]


@pytest.mark.parts
def test_a_session_comes_back_equal(made: Samples, cloud: d1.D1, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the commands: odd texts, outputs of their own, and a record larger than a row may be; nothing of another session."""
    first = made.events[0].session
    made.session = first
    made.add(Logged(message="m" * 2_500_000 + "ünïcode\0"))
    for session in (first, made.events[-2].session):
        capsys.readouterr()
        assert cli.main(["share", session]) == 0
        handle = capsys.readouterr().out.splitlines()[0]
        assert handle == f"d1:{session}"
        other = tmp_path / session
        assert cli.main(["import", handle, "--store", str(other)]) == 0
        with closing(Store.open(other)) as there:
            assert _records(there, session) == _records(made.store(), session)
            assert [one.id for one in there.sessions()] == [session]
            if session == first:
                long = next(event for event in there.events(kinds={"stream"}) if isinstance(event, StreamWritten) and event.blob)
                assert there.text(long) == LONG


@pytest.mark.parts
def test_sharing_again_sends_only_what_is_new(
    made: Samples, cloud: d1.D1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the functions: what is there stays; importing again adds only what is new; a busy server is asked again."""
    session = made.begin()
    made.cell(1, "a")
    first = agentlog.sync_session_to_d1(session)
    assert (first.records, first.sent) == (3, 3)
    assert agentlog.sync_session_to_d1(session).sent == 0
    other = tmp_path / "other"
    monkeypatch.setenv("AGENTLOG_DIR", str(other))
    assert agentlog.import_shared_session(first.handle).new == 3
    made.cell(2, "b")
    monkeypatch.setenv("AGENTLOG_DIR", str(made.folder))
    urllib.request.urlopen(os.environ["AGENTLOG_D1_URL"].replace("client/v4", "busy"), timeout=20).close()
    assert agentlog.share_session(session) == first.handle
    monkeypatch.setenv("AGENTLOG_DIR", str(other))
    received = agentlog.import_shared_session(first.handle)
    assert (received.records, received.new) == (5, 2)
    with closing(Store.open(other)) as there:
        assert [one.source for one in there.executions(session)] == ["a", "b"]


@pytest.mark.parts
def test_what_is_not_whole_is_not_taken(made: Samples, cloud: d1.D1, tmp_path: Path) -> None:
    """A part that is missing or was changed, a sync that was cut off: said, and nothing is imported; sharing again mends the latter."""
    session = made.begin()
    for number in range(30):
        made.cell(number, f"x = {number}")
    made.add(Logged(message="m" * 1_000_000))
    handle = agentlog.share_session(session)
    cloud.ask("DELETE FROM agentlog_records WHERE session = ? AND part = 0 AND length(body) > 100000", session)
    with pytest.raises(StoreError, match="not whole in D1"):
        d1.receive(handle, tmp_path / "other", cloud)
    assert not (tmp_path / "other" / "journal").exists()
    again = agentlog.sync_session_to_d1(session)
    assert again.sent == 1
    assert d1.receive(handle, tmp_path / "other", cloud).new == again.records
    cloud.ask("UPDATE agentlog_records SET body = replace(body, 'x = 7', 'x = 8') WHERE session = ?", session)
    with pytest.raises(StoreError, match="not whole in D1"):
        d1.receive(handle, tmp_path / "another", cloud)
    with pytest.raises(NotFound, match="no session zzzzzz was shared"):
        d1.receive("d1:zzzzzz", tmp_path / "other", cloud)


@pytest.mark.parts
def test_secrets_do_not_go_there(made: Samples, cloud: d1.D1) -> None:
    """What an older recorder let into the store is redacted on its way."""
    session = made.begin()
    made.add(Logged(message="password = 'hunter2-is-my-secret'"))
    agentlog.share_session(session)
    assert "hunter2" not in json.dumps(cloud.ask("SELECT body FROM agentlog_records WHERE session = ?", session))


@pytest.mark.parts
def test_refusals_are_said_in_one_line(
    made: Samples, cloud: d1.D1, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong token, wrong SQL: what D1 says, never the token."""
    with pytest.raises(StoreError, match="no such table: no_such"):
        cloud.ask("SELECT * FROM no_such")
    monkeypatch.setenv("AGENTLOG_D1_TOKEN", "wrong-token")
    assert cli.main(["share"]) == 2
    error = capsys.readouterr().err
    assert "Authentication error" in error
    assert "wrong-token" not in error
    assert error.count("\n") == 1


def test_without_a_database_the_environment_is_named(made: Samples) -> None:
    """It says what is missing."""
    with pytest.raises(UsageError, match="AGENTLOG_D1_ACCOUNT, AGENTLOG_D1_DATABASE, AGENTLOG_D1_TOKEN"):
        agentlog.share_session()


def test_batches_keep_within_the_limits() -> None:
    """At most 1,000 rows and about 900,000 characters in a parameter, none lost."""
    rows: list[d1.Row] = [["s", str(number), 0, "é" * (number % 7 * 1_000)] for number in range(3_000)]
    batches = list(d1._batches(rows))
    assert [row for batch in batches for row in json.loads(batch)] == rows
    assert max(map(len, batches)) <= d1.PARAMETER + 3_000
    assert max(len(json.loads(batch)) for batch in batches) <= d1.BATCH
