"""The writing end of the journal."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agentlog import journal as journal_module
from agentlog.journal import Journal, encode
from agentlog.pen import Pen
from agentlog.processes import boot_id, process_start
from agentlog.settings import Limits


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "journal").glob("*.jsonl"), key=lambda path: lines(path)[0]["i"])


def test_a_segment_says_who_writes_and_ends_in_order(store_folder: Path) -> None:
    """First record: the process; last: how many records and the head of the chain; mode 0600; the folder ignores itself."""
    journal = Journal(store_folder, Limits())
    journal.append({"e": "log", "m": "hello"})
    path = journal.path
    assert path is not None
    journal.close()
    first, second, last = lines(path)
    assert (first["e"], first["pid"], first["start"], first["boot"]) == (
        "segment.start",
        os.getpid(),
        process_start(os.getpid()),
        boot_id(),
    )
    assert (second["m"], second["q"]) == ("hello", 2)
    assert (last["e"], last["records"], last["head"], last["q"]) == ("segment.end", 2, second["h"], 3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (store_folder / ".gitignore").read_text() == "*\n"


def test_each_line_carries_the_chain(store_folder: Path) -> None:
    """h is the hash of the previous h and the line without h: checked here by hand."""
    journal = Journal(store_folder, Limits())
    for number in range(5):
        journal.append({"e": "log", "m": f"line {number}"})
    journal.close()
    assert journal.path is not None
    head = ""
    for line in journal.path.read_text().splitlines():
        body, _, written = line.rpartition(',"h":"')
        head = hashlib.sha256((head + body + "}").encode()).hexdigest()[:32]
        assert written == head + '"}'


def test_segments_rotate_and_name_each_other(store_folder: Path) -> None:
    """A segment beyond its size is ended and the next one says what came before it; no record is lost."""
    journal = Journal(store_folder, Limits(segment_bytes=2_000))
    for number in range(60):
        journal.append({"e": "log", "m": f"line {number}"})
    journal.close()
    files = segments(store_folder)
    assert len(files) > 2
    told = [record["m"] for file in files for record in lines(file) if record["e"] == "log"]
    assert told == [f"line {number}" for number in range(60)]
    for before, after in pairwise(files):
        assert lines(before)[-1]["next"] == after.stem
        assert lines(after)[0]["previous"] == before.stem


def test_what_the_disk_took_in_part_is_cut_off_again(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short write raises, leaves no half line, and the chain goes on from the last whole record."""
    journal = Journal(store_folder, Limits())
    journal.append({"e": "log", "m": "before"})
    monkeypatch.setattr(Pen, "write", lambda pen, descriptor, data: os.write(descriptor, data[:9]))
    with pytest.raises(OSError) as caught:
        journal.append({"e": "log", "m": "lost"})
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    journal.append({"e": "log", "m": "after"})
    journal.close()
    assert journal.path is not None
    assert [record.get("m") for record in lines(journal.path)][1:3] == ["before", "after"]


def test_a_half_line_that_cannot_be_cut_is_fenced_off(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even truncating fails, the next record starts on a line of its own."""
    journal = Journal(store_folder, Limits())
    journal.append({"e": "log", "m": "before"})

    def refuse(*_: object) -> None:
        raise OSError("no truncate here")

    monkeypatch.setattr(Pen, "write", lambda pen, descriptor, data: os.write(descriptor, data[:9]))
    monkeypatch.setattr(journal_module.os, "ftruncate", refuse)
    with pytest.raises(OSError):
        journal.append({"e": "log", "m": "lost"})
    monkeypatch.undo()
    journal.append({"e": "log", "m": "after"})
    journal.close()
    assert journal.path is not None
    whole = [json.loads(line) for line in journal.path.read_text().splitlines() if line.endswith("}")]
    assert [record.get("m") for record in whole][1:3] == ["before", "after"]


def test_a_segment_that_could_not_say_who_writes_it_is_none(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full when a segment begins leaves no file; the first record of the next try says who writes."""
    journal = Journal(store_folder, Limits())
    monkeypatch.setattr(Pen, "write", lambda pen, descriptor, data: os.write(descriptor, data[:9]))
    with pytest.raises(OSError):
        journal.append({"e": "log", "m": "refused"})
    assert list((store_folder / "journal").iterdir()) == []
    monkeypatch.undo()
    journal.append({"e": "log", "m": "taken"})
    journal.close()
    (segment,) = segments(store_folder)
    assert [record["e"] for record in lines(segment)] == ["segment.start", "log", "segment.end"]


def test_a_next_segment_that_cannot_begin_refuses_no_record_that_was_written(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was refused was not written: whoever tries again writes nothing twice."""
    journal = Journal(store_folder, Limits(segment_bytes=2_000))
    refused = []

    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    journal.open()
    monkeypatch.setattr(journal_module.os, "open", refuse)
    for number in range(30):
        try:
            journal.append({"e": "log", "m": number})
        except OSError:
            refused.append(number)
    monkeypatch.undo()
    for number in refused:
        journal.append({"e": "log", "m": number})
    journal.close()
    assert refused
    assert [record["m"] for file in segments(store_folder) for record in lines(file) if record["e"] == "log"] == list(range(30))


def test_a_deleted_folder_is_made_again(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records after `rm -r` go to a new segment, not into a file that nobody can open."""
    monkeypatch.setattr(journal_module, "UNSEEN", 0.0)
    journal = Journal(store_folder, Limits())
    journal.append({"e": "log", "m": "gone"})
    journal.append({"e": "log", "m": "just before"})
    shutil.rmtree(store_folder)
    journal.append({"e": "log", "m": "kept"})
    journal.close()
    assert [record["m"] for file in segments(store_folder) for record in lines(file) if record["e"] == "log"] == [
        "just before",
        "kept",
    ]


def test_lines_are_json_for_any_parser() -> None:
    """NaN, infinity and lone surrogates are written as text; others keep their letters."""
    assert encode({"a": float("nan"), "b": [float("-inf")]}) == b'{"a":"nan","b":["-inf"]}'
    assert json.loads(encode({"a": "\ud800 ü"})) == {"a": "\ud800 ü"}
    assert encode({"a": "数据"}) == '{"a":"数据"}'.encode()


def test_what_was_written_to_a_segment_that_was_just_deleted_is_written_again(store_folder: Path) -> None:
    """That the folder is gone is noticed only after a moment: what was written in it is not lost, nor the starts of what runs."""
    journal = Journal(store_folder, Limits())
    journal.append({"e": "session.start", "s": "a"})
    journal.append({"e": "cell.start", "x": "ended"})
    journal.append({"e": "cell.end", "x": "ended"})
    journal.append({"e": "cell.start", "x": "runs"})
    journal._seen = 0.0  # long ago
    journal.append({"e": "stream", "n": 0})
    shutil.rmtree(store_folder)
    journal._seen = float("inf")  # only just
    journal.append({"e": "stream", "n": 1})
    journal._seen = 0.0
    journal.append({"e": "cell.end", "x": "runs"})
    journal.close()
    (path,) = store_folder.glob("journal/*.jsonl")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = [record["e"] for record in records]
    assert kinds == ["segment.start", "session.start", "cell.start", "stream", "stream", "cell.end", "segment.end"]
    assert [record["q"] for record in records] == list(range(1, 8))
    assert [record["n"] for record in records if "n" in record] == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_does_not_search_for_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loader's lock may be held by a thread that the child does not have: how to write is known from before the fork."""
    ctypes = pytest.importorskip("ctypes")
    before = Pen()._direct
    monkeypatch.setattr(ctypes, "PyDLL", lambda name: pytest.fail("searched for a library"))
    assert Pen()._direct is before
