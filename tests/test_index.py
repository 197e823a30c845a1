"""The index is a cache: whatever happens to it, nothing that was recorded is lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from store_suite import KEY_ERROR, Story

from agentlog.errors import StoreError
from agentlog.events import to_record
from agentlog.journal import Journal
from agentlog.places import cache_folder, index_places, locked, on_network
from agentlog.settings import Limits
from agentlog.store import Store


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def story() -> Story:
    """A session of 200 cells, every tenth of which fails."""
    story = Story()
    session = story.session()
    for number in range(200):
        failed = number % 10 == 9
        story.cell(
            session,
            number,
            f"x{number}",
            printed="text\n",
            status="error" if failed else "ok",
            error=KEY_ERROR if failed else None,
        )
    return story


@pytest.fixture
def journal(store_folder: Path, story: Story) -> Iterator[Journal]:
    """A journal that holds the story."""
    journal = Journal(store_folder, Limits())
    for event in story.events:
        journal.append(to_record(event))
    yield journal
    journal.close()


def everything(folder: Path) -> tuple[list[str], list[str], str]:
    """(ids of all events, sources of all executions, the index's place) as a new reader sees them."""
    store = Store.open(folder)
    try:
        return [event.id for event in store.events()], [one.source for one in store.executions()], str(store.status()["index"])
    finally:
        store.close()


def check(folder: Path, story: Story, place: str | None = None) -> None:
    """All of the story is read, from an index at `place`."""
    ids, sources, where = everything(folder)
    assert ids == [event.id for event in story.events]
    assert sources == [f"x{number}" for number in range(200)]
    assert where == (place or str(folder / "index.sqlite"))


def _delete(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _noise(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def _noise_within(path: Path) -> None:
    """Noise over the middle third; the header stays a good one."""
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(size // 3)
        file.write(random.Random(2).randbytes(size // 3))


def _text(path: Path) -> None:
    path.write_text("this is no database\n" * 100)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _older(path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    connection.executescript("UPDATE about SET value = '0'; UPDATE executions SET source = 'old'")
    connection.commit()
    connection.close()


DAMAGES = [_delete, _empty, _halve, _noise, _noise_within, _text, _older]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_a_damaged_index_is_built_anew(
    store_folder: Path, journal: Journal, story: Story, damage: Callable[[Path], None]
) -> None:
    """Deleted, emptied, truncated, overwritten or of another version between two reads: nothing is lost."""
    check(store_folder, story)
    damage(store_folder / "index.sqlite")
    check(store_folder, story)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_an_index_damaged_under_an_open_store_is_built_anew(
    store_folder: Path, journal: Journal, story: Story, damage: Callable[[Path], None]
) -> None:
    """The reader that has the file open goes on with a new one, and sees what is written later."""
    store = Store.open(store_folder)
    assert len(store.executions()) == 200
    damage(store_folder / "index.sqlite")
    assert [event.id for event in store.events()] == [event.id for event in story.events]
    story.cell(store.session().id, 200, "later")
    for event in story.events[-3:]:
        journal.append(to_record(event))
    damage(store_folder / "index.sqlite")
    assert len(store.executions()) == 201
    assert any("built anew" in note for note in store.status()["notes"])
    store.close()


def test_a_folder_in_the_indexs_place_is_no_hindrance(store_folder: Path, journal: Journal, story: Story) -> None:
    """What cannot be replaced is left alone, and the index lives in memory."""
    check(store_folder, story)
    _folder(store_folder / "index.sqlite")
    check(store_folder, story, "in memory")


def test_a_copied_store_is_read(store_folder: Path, journal: Journal, story: Story, tmp_path: Path) -> None:
    """A copy of the whole folder, index included, is a store like any other."""
    check(store_folder, story)
    shutil.copytree(store_folder, tmp_path / "copy")
    check(tmp_path / "copy", story)


def test_noise_in_a_segment_is_skipped_and_counted(store_folder: Path, journal: Journal, story: Story) -> None:
    """Lines that are no JSON objects are left out; all others are read."""
    path = journal.path
    assert path is not None
    lines = path.read_bytes().splitlines(keepends=True)
    noise = [b"\xff\xfe noise\n", b"[1, 2]\n", b'{"e": "stream", "half": \n', b"\n"]
    path.write_bytes(b"".join(lines[:10] + noise + lines[10:]))
    store = Store.open(store_folder)
    assert [event.id for event in store.events()] == [event.id for event in story.events]
    assert store.status()["torn_lines"] == 3
    store.close()


def test_an_unfinished_line_waits_for_its_end(store_folder: Path, journal: Journal, story: Story) -> None:
    """A line is read when it is whole, and read once."""
    path = journal.path
    assert path is not None
    whole = path.read_bytes()
    os.truncate(path, len(whole) - 20)
    store = Store.open(store_folder)
    assert len(list(store.events())) == len(story.events) - 1
    with open(path, "ab") as file:
        file.write(whole[-20:-5])
        file.flush()
        assert len(list(store.events())) == len(story.events) - 1
        file.write(whole[-5:])
    assert len(list(store.events())) == len(story.events)
    assert store.status()["torn_lines"] == 0
    store.close()


def test_a_segment_that_was_replaced_is_read_from_its_start(store_folder: Path, journal: Journal, story: Story) -> None:
    """A segment that became shorter is another one: what it held before is forgotten."""
    store = Store.open(store_folder)
    assert len(store.executions()) == 200
    path = journal.path
    assert path is not None
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:6]))
    assert len(store.executions()) == 1
    assert len(list(store.events())) == 5
    store.close()


def test_a_removed_segment_is_forgotten_with_its_session(store_folder: Path, journal: Journal) -> None:
    """What was collected is no longer listed; rows that come later do not take its place."""
    store = Store.open(store_folder)
    assert len(store.sessions()) == 1
    assert journal.path is not None
    journal.path.unlink()
    assert store.sessions() == []
    assert list(store.events()) == []
    other, story = Journal(store_folder, Limits()), Story()
    story.cell(story.session(), 1, "new")
    for event in story.events:
        other.append(to_record(event))
    other.close()
    assert [one.source for one in store.executions()] == ["new"]
    assert len(list(store.events())) == len(story.events)
    store.close()


def test_two_readers_and_a_writer_at_once(store_folder: Path, journal: Journal, story: Story) -> None:
    """Readers that follow the same journal at the same time all end with everything, without an error."""
    troubles: list[BaseException] = []
    counts: list[int] = []
    done = threading.Event()

    def follow() -> None:
        try:
            store = Store.open(store_folder)
            while not done.is_set():
                store.executions()
            counts.append(len(store.executions()))
            store.close()
        except BaseException as error:
            troubles.append(error)

    readers = [threading.Thread(target=follow) for _ in range(3)]
    for reader in readers:
        reader.start()
    more = Story()
    session = more.session()
    for number in range(100):
        more.cell(session, number, "more")
    for event in more.events:
        journal.append(to_record(event))
    done.set()
    for reader in readers:
        reader.join(60)
    assert troubles == []
    assert counts == [300, 300, 300]


def test_many_processes_build_the_index_at_once(store_folder: Path, journal: Journal) -> None:
    """Four readers start on a store without an index: each answers rightly, and one index is left."""
    code = "import sys; from agentlog.store import Store; s = Store.open(sys.argv[1]); print(len(s.executions()))"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(store_folder)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [process.communicate(timeout=120)[0].strip() for process in running] == ["200"] * 4
    left = sorted(path.name for path in store_folder.iterdir() if path.name.startswith("index"))
    assert left == ["index.lock", "index.sqlite"]


def test_a_reader_that_waits_too_long_reads_what_is_there(
    store_folder: Path, journal: Journal, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process holds the lock, the index is read as it is."""
    monkeypatch.setattr("agentlog.index.BUSY", 0.0)
    check(store_folder, story)
    story.cell(story.events[0].session, 200, "later")
    for event in story.events[-3:]:
        journal.append(to_record(event))
    with locked(store_folder / "index.lock", 1) as mine:
        assert mine
        assert len(everything(store_folder)[1]) == 200
    assert len(everything(store_folder)[1]) == 201


AS_NOBODY = """
import os, sys
from agentlog.store import Store
os.setgid(65534); os.setuid(65534)
store = Store.open(sys.argv[1])
print(len(store.executions()), store.status()["index"])
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="users are told apart by POSIX ids here")
@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no cache"])
def test_a_reader_without_write_permission(store_folder: Path, journal: Journal, tmp_path: Path, cache: bool) -> None:
    """Who may only read the folder keeps the index in the cache directory, or in memory where that is closed too."""
    cached = tmp_path / "cache"
    cached.mkdir()
    _readable(store_folder)
    environment = {**os.environ, "XDG_CACHE_HOME": str(cached) if cache else "/proc/none"}
    if os.getuid() == 0:
        os.chmod(cached, 0o777)
        _passable(tmp_path)
        code = AS_NOBODY
    else:
        os.chmod(store_folder, 0o555)
        code = AS_NOBODY.replace("os.setgid(65534); os.setuid(65534)", "")
    done = subprocess.run([sys.executable, "-c", code, str(store_folder)], capture_output=True, text=True, env=environment)
    os.chmod(store_folder, 0o755)
    assert done.returncode == 0, done.stderr
    count, place = done.stdout.strip().split(" ", 1)
    assert count == "200"
    assert place.startswith(str(cached)) if cache else place == "in memory"
    assert not (store_folder / "index.sqlite").exists()


def _readable(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _passable(folder: Path) -> None:
    """Another user may pass through the folders above the test's own, and load this interpreter's modules."""
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)


FULL = """
import resource, sys
from agentlog.store import Store
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
store = Store.open(sys.argv[1])
print(len(store.executions()), store.status()["index"], store.status()["notes"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_full_disk_while_indexing(store_folder: Path, journal: Journal) -> None:
    """The system refuses to let the index grow: it lives in memory, nothing half is left, and the notes say why."""
    done = subprocess.run([sys.executable, "-c", FULL, str(store_folder)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("200 in memory")
    assert "it is kept in memory" in done.stdout
    assert [path.name for path in store_folder.iterdir() if "sqlite" in path.name] == []


def test_no_error_of_sqlite_escapes(store_folder: Path, journal: Journal) -> None:
    """A statement that cannot be answered becomes a StoreError that names the file."""
    store = Store.open(store_folder)
    store.refresh()
    with pytest.raises(StoreError, match=r"cannot read the index .*index.sqlite"):
        store._index.rows("SELECT * FROM nowhere")
    store.close()


def test_the_index_is_private(store_folder: Path, journal: Journal, story: Story) -> None:
    """It holds the sources of cells: only its owner may read it."""
    check(store_folder, story)
    assert (store_folder / "index.sqlite").stat().st_mode & 0o077 == 0


def test_network_disks_are_known_by_the_mount_table(tmp_path: Path) -> None:
    """The longest mount point above the folder decides; then the index goes to the cache directory."""
    here = os.path.realpath(tmp_path)
    mounts = tmp_path / "mounts"
    mounts.write_text(f"none / ext4 rw 0 0\nserver:/x {here} nfs4 rw 0 0\nnone {here}/local tmpfs rw 0 0\n")
    (tmp_path / "local").mkdir()
    assert on_network(tmp_path, mounts)
    assert on_network(tmp_path / "deeper", mounts)
    assert not on_network(tmp_path / "local", mounts)
    assert not on_network(Path("/"), mounts)
    assert not on_network(tmp_path, tmp_path / "missing")
    assert index_places(tmp_path) == [tmp_path / "index.sqlite", index_places(tmp_path)[1]]
    assert index_places(tmp_path)[1].parent == cache_folder()
