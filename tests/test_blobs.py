"""Large bodies by content."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from agentlog.blobs import Blobs, MemoryBlobs
from agentlog.errors import NotFound, StoreError


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """Both kinds behave alike."""
    return Blobs(tmp_path) if request.param == "folder" else MemoryBlobs()


def test_what_was_put_is_got_back(blobs: Blobs) -> None:
    """By its sha256, empty and binary bodies too; the same body is kept once."""
    for body in (b"", b"text\n" * 1000, bytes(range(256))):
        digest = blobs.put(body)
        assert digest == hashlib.sha256(body).hexdigest() == blobs.put(body)
        assert blobs.get(digest) == body
        assert blobs.has(digest)
    assert len(list(blobs)) == 3


def test_what_is_not_there_is_said(blobs: Blobs) -> None:
    """An unknown digest is NotFound."""
    assert not blobs.has("0" * 64)
    with pytest.raises(NotFound, match=r"no stored output 000000000000…"):
        blobs.get("0" * 64)


@pytest.mark.parametrize("text", ["", "abc", "../../etc/passwd", "G" * 64, "0" * 63 + "\n", "0" * 65])
def test_a_text_that_is_no_digest_names_no_file(tmp_path: Path, text: str) -> None:
    """Nothing outside the folder can be reached by a digest that comes from a journal."""
    blobs = Blobs(tmp_path)
    assert not blobs.has(text)
    with pytest.raises(NotFound, match="not the handle of a stored output"):
        blobs.get(text)


def test_a_damaged_body_is_never_handed_out(tmp_path: Path) -> None:
    """Cut, overwritten or exchanged: StoreError names the file."""
    blobs = Blobs(tmp_path)
    digest, other = blobs.put(b"a" * 10_000), blobs.put(b"b")
    path = blobs.path(digest)
    whole = path.read_bytes()
    for damage in (whole[:-3], b"noise", b"", blobs.path(other).read_bytes()):
        path.write_bytes(damage)
        with pytest.raises(StoreError, match=r"is damaged"):
            blobs.get(digest)


def test_files_are_private_compressed_and_nothing_half_is_left(tmp_path: Path) -> None:
    """Mode 0600, smaller than the body, and no temporary file stays."""
    blobs = Blobs(tmp_path)
    path = blobs.path(blobs.put(b"x" * 100_000))
    assert path.stat().st_mode & 0o077 == 0
    assert path.stat().st_size < 1000
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_made_raises_oserror(tmp_path: Path) -> None:
    """The recorder decides what to do without the body."""
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(OSError, match="blobs"):
        Blobs(tmp_path).put(b"x")


def test_writers_of_the_same_body_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Sixteen threads put the same body: one file, whole."""
    blobs, body = Blobs(tmp_path), os.urandom(200_000)
    threads = [threading.Thread(target=blobs.put, args=(body,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (digest,) = blobs
    assert blobs.get(digest) == body
