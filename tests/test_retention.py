"""What gc removes, what it packs, and what it never touches."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from store_suite import Story

from agentlog import retention
from agentlog.blobs import Blobs
from agentlog.errors import NotFound, StoreError
from agentlog.events import StreamWritten, to_record
from agentlog.journal import Journal
from agentlog.places import locked
from agentlog.retention import collect, removed_segments
from agentlog.settings import Limits
from agentlog.store import Store

DAY = 86_400.0


def recorded(folder: Path, *, days_ago: float, cells: int = 3, closed: bool = True, blob: str | None = None) -> str:
    """A session written `days_ago`; returns its segment's name."""
    story, journal = Story(), Journal(folder, Limits())
    session = story.session()
    for number in range(cells):
        story.cell(session, number, f"x = {number}  # {'-' * 200}")
    if blob:
        story.add(StreamWritten(session=session, text="head", blob=blob, size=10))
    for event in story.events:
        journal.append(to_record(event))
    path = journal.path
    assert path is not None
    if closed:
        journal.close()
    moment = time.time() - days_ago * DAY
    os.utime(path, (moment, moment))
    return path.stem


def names(folder: Path) -> set[str]:
    """Files of the journal."""
    return {path.name for path in (folder / "journal").iterdir()}


def test_old_segments_go_and_the_log_says_so(store_folder: Path) -> None:
    """By the time of their last line; the head of the chain is noted; the store lists what is left."""
    old, new = recorded(store_folder, days_ago=100), recorded(store_folder, days_ago=1)
    (store_folder / "journal" / f"{old}.fault").write_text("x")
    store = Store.open(store_folder)
    assert len(store.sessions()) == 2
    done = collect(store_folder, keep_days=90)
    assert done.removed == (old,)
    assert names(store_folder) == {f"{new}.jsonl", "removed.log"}
    entry = removed_segments(store_folder)[old]
    assert (entry.reason, entry.records, len(entry.head)) == ("age", 12, 32)
    assert len(store.sessions()) == 1
    assert len(store.executions()) == 3
    assert done.after < done.before
    store.close()


def test_the_oldest_go_while_the_store_is_too_large(store_folder: Path) -> None:
    """Until it fits, no further."""
    segments = [recorded(store_folder, days_ago=age) for age in (5, 4, 3, 2)]
    sizes = [(store_folder / "journal" / f"{name}.jsonl").stat().st_size for name in segments]
    done = collect(store_folder, keep_bytes=sum(sizes[2:]) + 10)
    assert done.removed == tuple(segments[:2])
    assert removed_segments(store_folder)[segments[0]].reason == "size"


def test_a_segment_whose_writer_lives_is_never_touched(store_folder: Path) -> None:
    """However old and large it is: neither removed nor packed."""
    living = recorded(store_folder, days_ago=1000, cells=300, closed=False)
    done = collect(store_folder, keep_days=1, keep_bytes=0)
    assert (done.removed, done.packed) == ((), ())
    assert f"{living}.jsonl" in names(store_folder)


def test_a_segment_of_a_dead_writer_counts_as_closed(store_folder: Path) -> None:
    """Its process is gone: nobody will write to it any more."""
    import subprocess
    import sys

    code = (
        "import os, sys\nfrom pathlib import Path\nfrom agentlog.journal import Journal\nfrom agentlog.settings import Limits\n"
        "Journal(Path(sys.argv[1]), Limits()).append({'e': 'stream', 'i': 'x'})\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(store_folder)], check=True)
    assert len(collect(store_folder, keep_days=0).removed) == 1


def test_closed_segments_are_packed_and_read_as_before(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open reader and a new one see the same events; the time by which retention goes stays."""
    monkeypatch.setattr(retention, "PACK_BYTES", 1000)
    name = recorded(store_folder, days_ago=2, cells=200)
    store = Store.open(store_folder)
    before, place = list(store.events()), store_folder / "journal" / f"{name}.jsonl.z"
    done = collect(store_folder)
    assert done.packed == (name,)
    assert names(store_folder) == {place.name}
    assert time.time() - place.stat().st_mtime > DAY
    assert list(store.events()) == before
    assert [one.id for one in store.executions()] == [event.execution for event in before if event.kind == "cell.start"]
    store.close()
    (store_folder / "index.sqlite").unlink()
    again = Store.open(store_folder)
    assert list(again.events()) == before
    again.close()
    assert collect(store_folder, keep_days=1).removed == (name,)


def test_blobs_go_when_nothing_mentions_them_and_they_are_a_day_old(store_folder: Path) -> None:
    """One that is mentioned stays, and one that a writer may be about to mention."""
    blobs = Blobs(store_folder)
    kept, lost, fresh = (blobs.put(body) for body in (b"kept", b"lost", b"fresh"))
    for digest in (kept, lost):
        os.utime(blobs.path(digest), (time.time() - 2 * DAY,) * 2)
    recorded(store_folder, days_ago=1, blob=kept)
    done = collect(store_folder)
    assert done.blobs == 1
    assert sorted(blobs) == sorted([kept, fresh])


def test_a_dry_run_changes_nothing(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what would go and what would be packed."""
    monkeypatch.setattr(retention, "PACK_BYTES", 1000)
    old, new = recorded(store_folder, days_ago=100), recorded(store_folder, days_ago=1)
    before = names(store_folder)
    done = collect(store_folder, dry=True)
    assert (done.removed, done.packed, done.dry) == ((old,), (new,), True)
    assert names(store_folder) == before


def test_no_store_and_a_second_gc_are_said(store_folder: Path) -> None:
    """One line each."""
    with pytest.raises(NotFound, match="nothing to collect"):
        collect(store_folder)
    recorded(store_folder, days_ago=1)
    with locked(store_folder / "gc.lock", 1), pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "PATIENCE", 0.0)
        with pytest.raises(StoreError, match="another `agentlog gc` works"):
            collect(store_folder)
