"""Files that are written whole or not at all, and what is no such file."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("jupyter_client")

from agentlog.exports.target import text_file
from agentlog_ipy.whole_files import write_text


def exported(path: Path, text: str) -> None:
    """As an export writes a file."""
    with text_file(path) as file:
        file.write(text)


WAYS = pytest.mark.parametrize("write", [write_text, exported])


@WAYS
def test_a_link_stays(write: Callable[[Path, str], None], tmp_path: Path) -> None:
    """What it leads to is written."""
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "elsewhere" / "file.txt")
    for text in ("first", "second"):
        write(link, text)
        assert (tmp_path / "elsewhere" / "file.txt").read_text() == text
    assert link.is_symlink()
    assert [path.name for path in tmp_path.rglob("*.txt")] == ["link.txt", "file.txt"]


@WAYS
def test_a_pipe_stays(write: Callable[[Path, str], None], tmp_path: Path) -> None:
    """`/dev/stdout`, `/dev/null` and named pipes are written to: a file in their place would be a loss for the whole machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write(pipe, "text")
    if not pipe.is_fifo():  # let the reader go
        pipe.unlink()
        pytest.fail("there is a file in its place")
    reader.join(60)
    assert read == ["text"]


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No half of a file, and nothing beside it."""
    path = tmp_path / "file.txt"
    write_text(path, "old", mode=0o640)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_the_mode_is_kept(tmp_path: Path) -> None:
    """A file that was there keeps its mode; a new one has the usual one."""
    write_text(tmp_path / "old.txt", "1", mode=0o640)
    write_text(tmp_path / "old.txt", "2")
    assert (tmp_path / "old.txt").stat().st_mode & 0o777 == 0o640
    (tmp_path / "usual.txt").touch()
    write_text(tmp_path / "new.txt", "1")
    assert (tmp_path / "new.txt").stat().st_mode == (tmp_path / "usual.txt").stat().st_mode
