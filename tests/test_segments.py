"""Reading segments from an offset on, plain and packed."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from agentlog import packed, segments
from agentlog.errors import StoreError
from agentlog.packed import Damaged, Packed, pack
from agentlog.segments import Segments


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store's folder with an empty journal."""
    (tmp_path / "journal").mkdir()
    return tmp_path


def text_of(lines: int, seed: int = 1) -> bytes:
    """Lines of JSON of very different lengths."""
    dice = random.Random(seed)
    return b"".join(json.dumps({"q": n, "x": "ü" * dice.choice([0, 3, 50, 4000])}).encode() + b"\n" for n in range(lines))


def write(folder: Path, name: str, body: bytes) -> Path:
    """A plain segment."""
    path = folder / "journal" / f"{name}.jsonl"
    path.write_bytes(body)
    return path


def put_packed(folder: Path, name: str, body: bytes) -> Path:
    """The same, packed."""
    plain = write(folder, name, body)
    target = plain.with_name(f"{name}.jsonl.z")
    pack(plain, target)
    plain.unlink()
    return target


def read(source: Segments, name: str, start: int) -> bytes:
    """Everything from `start` on, as it is handed out."""
    out, place = b"", start
    for at, data in source.chunks(name, start):
        assert at == place
        assert data.endswith(b"\n")
        out, place = out + data, at + len(data)
    return out


@pytest.mark.parametrize("put", [write, put_packed], ids=["plain", "packed"])
def test_reading_from_any_line(folder: Path, monkeypatch: pytest.MonkeyPatch, put: object) -> None:
    """From the offset of any line, in chunks smaller than the longest line, the rest is read whole."""
    monkeypatch.setattr(segments, "CHUNK", 1000)
    monkeypatch.setattr(packed, "BLOCK", 5000)
    body = text_of(80)
    put(folder, "a", body)  # type: ignore[operator]
    source = Segments(folder)
    assert source.plain_size("a") == len(body)
    starts = [0, *(n + 1 for n, byte in enumerate(body) if byte == 10)]
    for start in starts[::7] + starts[-2:]:
        assert read(source, "a", start) == body[start:]
    for start, end in pairwise(starts):
        assert source.read("a", start, end - start) == body[start:end]
    assert source.read("a", len(body), 100) == b""
    source.close()


def test_an_unfinished_last_line_is_not_handed_out(folder: Path) -> None:
    """Neither plain nor packed; its bytes are there for who asks."""
    body = text_of(5) + b'{"half": '
    write(folder, "a", body)
    put_packed(folder, "b", body)
    source = Segments(folder)
    for name in ("a", "b"):
        assert read(source, name, 0) == text_of(5)
        assert source.plain_size(name) == len(body)
        assert source.read(name, len(text_of(5)), 100) == b'{"half": '
    source.close()


def test_a_packed_segment_is_gzip(folder: Path) -> None:
    """Any tool that reads gzip reads the journal's text from it, and nothing else; it is private and smaller."""
    body = text_of(400)
    path = put_packed(folder, "a", body)
    assert gzip.decompress(path.read_bytes()) == body
    assert path.stat().st_size < len(body) / 3
    assert path.stat().st_mode & 0o077 == 0


def test_files_of_both_forms_are_one_segment(folder: Path) -> None:
    """Packing that was cut short leaves both: the plain one counts. Other files are no segments."""
    plain = write(folder, "b", text_of(3))
    pack(plain, plain.with_name("b.jsonl.z"))
    put_packed(folder, "a", text_of(3))
    for name in ("removed.log", ".b.jsonl.z.17", "c.fault", "d.txt"):
        (folder / "journal" / name).write_text("x")
    found = Segments(folder).files()
    assert {name: file.packed for name, file in found.items()} == {"a": True, "b": False}


def test_a_segment_packed_while_it_is_open_is_read_on(folder: Path) -> None:
    """Offsets mean the plain text, so whoever remembers one goes on in the packed file."""
    body = text_of(50)
    plain = write(folder, "a", body)
    source = Segments(folder)
    assert source.read("a", 0, 100) == body[:100]
    pack(plain, plain.with_name("a.jsonl.z"))
    plain.unlink()
    assert source.read("a", 100, 200) == body[100:300]
    source.forget("a")
    assert source.read("a", 300, 200) == body[300:500]
    source.close()


@pytest.mark.parametrize(
    "damage", [lambda body: body[:-1], lambda body: body[: len(body) // 2], lambda body: b"", lambda body: b"noise" * 100],
    ids=["cut", "half", "empty", "noise"],
)  # fmt: skip
def test_a_damaged_packed_segment_is_said(folder: Path, damage: object) -> None:
    """One that is not whole raises StoreError with its name."""
    path = put_packed(folder, "a", text_of(50))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    source = Segments(folder)
    with pytest.raises(StoreError, match=r"cannot read .*a\.jsonl\.z"):
        source.read("a", 0, 10)
    source.close()


def test_a_damaged_block_is_said_when_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other blocks of the segment are read."""
    monkeypatch.setattr(packed, "BLOCK", 5000)
    body = text_of(60)
    path = put_packed(folder, "a", body)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 30] = bytes(30)
    path.write_bytes(data)
    file = Packed(path)
    assert file.read(0, 1000) == body[:1000]
    assert file.read(len(body) - 1000, 1000) == body[-1000:]
    with pytest.raises(Damaged):
        file.read(0, len(body))
    file.close()


def test_packing_appears_whole_or_not_at_all(folder: Path) -> None:
    """A disk that fills up while packing leaves the plain segment and nothing else."""
    plain = write(folder, "a", os.urandom(300_000).hex().encode() + b"\n")
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom agentlog.packed import pack\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try:\n    pack(Path(sys.argv[1]), Path(sys.argv[1] + '.z'))\nexcept OSError as error:\n    print(error.errno)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(plain)], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0
    assert [path.name for path in plain.parent.iterdir()] == ["a.jsonl"]


def test_an_empty_segment_can_be_packed(folder: Path) -> None:
    """It stays empty."""
    put_packed(folder, "a", b"")
    source = Segments(folder)
    assert source.plain_size("a") == 0
    assert read(source, "a", 0) == b""
    source.close()


def test_few_files_stay_open(folder: Path) -> None:
    """Reading many segments keeps the number of open files bounded."""
    for number in range(100):
        write(folder, f"s{number:03}", text_of(2, number))
    source = Segments(folder)
    for number in range(100):
        assert read(source, f"s{number:03}", 0) == text_of(2, number)
    assert len(source._open) == segments.OPEN_FILES
    source.close()
