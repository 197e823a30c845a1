"""The store on a folder and the store in memory behave alike."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from store_suite import KEY_ERROR, StoreSuite, Story

from agentlog.blobs import Blobs
from agentlog.clock import clock
from agentlog.errors import NotFound, StoreError
from agentlog.events import Event, ExecutionStarted, StreamWritten, Unknown, to_record
from agentlog.ids import new_id
from agentlog.journal import Journal
from agentlog.settings import Limits
from agentlog.store import Store


class TestFolder(StoreSuite):
    """Events written by a Journal, read from its folder."""

    @pytest.fixture(autouse=True)
    def _folder(self, store_folder: Path) -> Iterator[None]:
        self.folder = store_folder
        self.journal = Journal(store_folder, Limits())
        self.opened: list[Store] = []
        yield
        self.journal.close()
        for store in self.opened:
            store.close()

    def write(self, events: Sequence[Event]) -> None:
        self.journal.open()
        for event in events:
            self.journal.append(to_record(event))

    def open(self) -> Store:
        self.opened.append(Store.open(self.folder))
        return self.opened[-1]


class TestMemory(StoreSuite):
    """Events added to a store in memory."""

    @pytest.fixture(autouse=True)
    def _store(self) -> Iterator[None]:
        self.store = Store.in_memory()
        yield
        self.store.close()

    def write(self, events: Sequence[Event]) -> None:
        for event in events:
            self.store.add(event)

    def open(self) -> Store:
        return self.store


@pytest.fixture
def journal(store_folder: Path) -> Iterator[Journal]:
    """A journal of this process."""
    journal = Journal(store_folder, Limits())
    yield journal
    journal.close()


@pytest.fixture
def store(store_folder: Path, journal: Journal) -> Iterator[Store]:
    """The store that `journal` fills."""
    journal.open()
    store = Store.open(store_folder)
    yield store
    store.close()


def test_no_store_yet_says_where_and_what_to_do(tmp_path: Path) -> None:
    """A folder that is missing, and one that is empty, hold no store."""
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(NotFound, match=f"no store yet at {folder}: record something first"):
            Store.open(folder)


def test_a_file_where_the_folder_should_be_is_no_store(tmp_path: Path) -> None:
    """One line, no traceback of the system."""
    (tmp_path / "store").write_text("x")
    with pytest.raises(NotFound, match="no store yet"):
        Store.open(tmp_path / "store")


def test_the_store_of_the_environment_is_the_default(store: Store, store_folder: Path, journal: Journal) -> None:
    """Store.open() reads where a process started here writes."""
    found = Store.open()
    assert found.folder == store_folder
    found.close()


def test_only_a_store_in_memory_takes_events(store: Store) -> None:
    """Anything else is written by a recorder."""
    with pytest.raises(TypeError, match="written by a Recorder"):
        store.add(StreamWritten(text="x"))


def test_the_text_of_a_cut_stream_comes_from_its_blob(store: Store, store_folder: Path) -> None:
    """`text` gives all of it; what gc removed is said in one line."""
    digest = Blobs(store_folder).put(b"all of it")
    assert store.text(StreamWritten(text="all", blob=digest, size=9)) == "all of it"
    assert store.text(StreamWritten(text="short")) == "short"
    with pytest.raises(NotFound, match="removed by `agentlog gc`"):
        store.text(StreamWritten(text="", blob="0" * 64))


def test_an_unknown_kind_is_kept_with_all_it_carried(store: Store, journal: Journal) -> None:
    """A newer agentlog may write what this one does not know; nothing of it is lost."""
    session = new_id()
    journal.append({"e": "hologram", "i": new_id(), "t": "2026-11-21T10:00:00.000000Z", "s": session, "depth": 3})
    (event,) = store.events(session=session)
    assert isinstance(event, Unknown)
    assert (event.name, event.fields["depth"], event.session) == ("hologram", 3, session)


def test_a_known_kind_with_fields_of_another_form_is_kept_too(store: Store, journal: Journal) -> None:
    """Such a record is read as Unknown, and the lists go on."""
    session = new_id()
    journal.append({"e": "error", "i": new_id(), "t": "t", "s": session, "failure": [1, 2]})
    journal.append({"e": "cell.start", "i": new_id(), "t": "t", "s": session, "x": new_id(), "count": {"n": 1}, "source": 2**80})
    journal.append({"e": "cell.end", "i": new_id(), "t": None, "s": session, "x": new_id(), "status": None, "ms": [1], "rss": {}})
    journal.append(
        {"e": "session.start", "i": new_id(), "s": session, "pid": 2**70, "git": [1], "argv": {"a": 1}, "packages": "x"}
    )
    journal.append({"e": "log", "i": new_id(), "s": session, "tags": "abc", "m": "half \ud83d of a character"})
    assert [type(event) for event in store.events(session=session)][:1] == [Unknown]
    assert len(store.executions(session)) == 1
    assert store.session().id == session
    assert store.status()["notes"] in ([], ["index built anew: there was none"])


def test_a_segment_of_a_newer_schema_is_read_as_far_as_understood(store: Store, store_folder: Path) -> None:
    """Its events are there, and the status names it."""
    lines = [
        {"e": "segment.start", "schema": 99, "segment": "z-new"},
        {"e": "stream", "i": new_id(), "s": "s1", "text": "hi", "new": 1},
    ]
    (store_folder / "journal" / "z-new.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (event,) = store.events(session="s1")
    assert isinstance(event, StreamWritten)
    assert event.text == "hi"
    assert store.status()["newer_segments"] == {"z-new": 99}


def test_a_running_cell_of_a_living_process_runs(store: Store, journal: Journal) -> None:
    """This process wrote the start of a cell and lives: nothing died."""
    session, execution = new_id(), new_id()
    journal.append(to_record(ExecutionStarted(session=session, execution=execution, id=new_id(), source="sleep()")))
    (running,) = store.executions(session)
    assert (running.status, store.last_failure(session), store.death(running)) == ("running", None, None)


def test_a_clock_that_jumps_back_does_not_reorder_a_process(
    store: Store, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events keep the order in which the process recorded them while the machine's clock is set back by an hour."""
    real = clock.time_ns
    session, story = new_id(), []
    for turn in range(6):
        monkeypatch.setattr(clock, "time_ns", lambda: real() - (3600 * 10**9 if turn > 2 else 0))  # noqa: B023 - called within the turn
        event = {"e": "stream", "i": new_id(), "s": session, "text": str(turn)}
        journal.append(event)
        story.append(event["i"])
    monkeypatch.undo()
    assert [event.id for event in store.events(session=session)] == story


def test_a_failure_among_thousands_is_found_by_the_index_alone(store: Store, journal: Journal) -> None:
    """The last failure is found without reading the executions after it, as the query plan shows."""
    story = Story()
    session = story.session()
    story.cell(session, 1, "x", status="error", error=KEY_ERROR)
    for event in story.events:
        journal.append(to_record(event))
    assert store.last_failure(session) is not None
    asked = (
        "EXPLAIN QUERY PLAN SELECT id FROM executions e WHERE session = 1 AND status NOT IN ('ok', 'not_run') ORDER BY at DESC"
    )
    plan = str(store._index.rows(asked))
    assert "executions_unwell" in plan
    assert "TEMP B-TREE" not in plan


def test_records_that_the_disk_refuses_are_read_beside_it(store_folder: Path, journal: Journal) -> None:
    """What a recorder holds in memory completes the journal; the index on disk is not touched; no folder is needed."""
    story = Story()
    session = story.session()
    for number in range(2):
        story.cell(session, number, f"x{number}")
    records = [to_record(event) for event in story.events]
    alone = Store.open(store_folder / "never made", held=records)
    assert [one.source for one in alone.executions(session)] == ["x0", "x1"]
    (store_folder.parent / "file").write_text("in the way")
    refused = Store.open(store_folder.parent / "file", held=records)
    assert len(refused.executions()) == 2
    for opened in (alone, refused):
        opened.close()
    for record in records[:4]:
        journal.append(dict(record))
    both = Store.open(store_folder, held=records[4:])
    assert [event.id for event in both.events()] == [event.id for event in story.events]
    assert [one.status for one in both.executions(session)] == ["ok", "ok"]
    assert not (store_folder / "index.sqlite").exists()
    both.close()


def test_reading_never_imports_the_writing_side() -> None:
    """Any process can read what another one wrote, without a recorder."""
    import subprocess
    import sys

    code = "import sys, agentlog.store, agentlog.commands.history, agentlog.commands.show; print([m for m in sys.modules if m in bad])"
    bad = "bad = {'agentlog.recorder', 'agentlog.journal', 'agentlog.session', 'agentlog.redact', 'agentlog_ipy', 'IPython'}\n"
    done = subprocess.run([sys.executable, "-c", bad + code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"


def test_a_journal_that_cannot_be_read_is_said_in_one_line(
    store: Store, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder became unreadable (here: a file took its place)."""
    store.close()
    journal = store_folder / "journal"
    journal.rename(store_folder / "away")
    journal.write_text("not a folder")
    with pytest.raises(StoreError, match=r"cannot read .*journal"):
        store.sessions()
