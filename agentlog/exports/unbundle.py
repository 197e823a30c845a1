"""Taking a bundle in. Nothing in it is trusted: names, sizes and checksums are looked at before a file takes its place, and
nothing that is there already is overwritten by something else.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from agentlog.blobs import Blobs
from agentlog.errors import StoreError, UsageError
from agentlog.exports.bundle import CHUNK, FORMAT, MANIFEST, VERSION, digest_of
from agentlog.exports.target import whole_file
from agentlog.gather import parse_line
from agentlog.journal import prepare_folder
from agentlog.segments import FAULT, PACKED, PLAIN, Segments

_NAME = re.compile(r"(?:journal/[\w.~-]{1,200}\.(?:jsonl|fault)|blobs/[0-9a-f]{64})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was taken from a bundle: its sessions, and how many of its files were new or were there already."""

    sessions: tuple[str, ...]
    new: int
    known: int


def is_bundle(path: Path) -> bool:
    """Does the file look like a bundle?"""
    return zipfile.is_zipfile(path)


def check(path: Path, sha256: str) -> None:
    """Raises UsageError unless the file is the one that `push` told of."""
    if digest_of(path) != sha256.strip().lower():
        raise UsageError(f"{path} is not the bundle with the sha256 {sha256[:12]}…; nothing was taken from it")


def pull(source: Path, folder: Path) -> Pulled:
    """Add what the bundle holds to the store in `folder`. Raises UsageError where it is damaged or no bundle; then nothing
    of a file that failed is there."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(archive, source)
            new = [name for name in manifest["files"] if _take(archive, name, manifest["files"][name], folder, source)]
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as error:
        raise UsageError(f"{source} is no whole bundle: {error}") from None
    except OSError as error:
        raise StoreError(f"cannot read {source} into {folder}: {error.strerror or error}") from None
    return Pulled(tuple(manifest["sessions"]), len(new), len(manifest["files"]) - len(new))


def _manifest(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    found = parse_line(archive.read(MANIFEST)) or {}
    if found.get("format") != FORMAT:
        raise UsageError(f"{source} is a zip archive, but no bundle of agentlog's")
    if found.get("version", 0) > VERSION:
        raise UsageError(f"{source} was made by a newer agentlog (version {found['version']}); upgrade to read it")
    strange = [name for name in found["files"] if not _NAME.match(name)] + [
        name for name in archive.namelist() if name != MANIFEST and name not in found["files"]
    ]
    if strange:
        raise UsageError(f"{source} holds {strange[0]!r}, which has no place in a bundle; nothing was taken from it")
    return found


def _take(archive: zipfile.ZipFile, name: str, told: dict[str, Any], folder: Path, source: Path) -> bool:
    """Put one file in its place; False where it was there already."""
    with _verified(archive, name, told, source) as body:
        if name.startswith("blobs/"):
            return _take_blob(body, name[6:], folder, source)
        return _take_segment(body, name, folder, source)


@contextmanager
def _verified(archive: zipfile.ZipFile, name: str, told: dict[str, Any], source: Path) -> Iterator[BinaryIO]:
    """The file's content, its size and checksum being as the manifest says."""
    checksum, left = hashlib.sha256(), int(told["size"])
    with tempfile.TemporaryFile() as out, archive.open(name) as packed:
        while left >= 0 and (piece := packed.read(CHUNK)):
            checksum.update(piece)
            out.write(piece)
            left -= len(piece)
        if left or checksum.hexdigest() != told["sha256"]:
            raise UsageError(f"{source} is damaged: {name} is not what its manifest says")
        out.seek(0)
        yield out


def _take_blob(body: BinaryIO, digest: str, folder: Path, source: Path) -> bool:
    blobs = Blobs(folder)
    if blobs.has(digest):
        return False
    if blobs.put(body.read()) != digest:
        raise UsageError(f"{source} is damaged: the output {digest[:12]}… has another content than its name")
    return True


def _take_segment(body: BinaryIO, name: str, folder: Path, source: Path) -> bool:
    place = prepare_folder(folder) / name.split("/", 1)[1]
    there = _there(folder, place)
    if there is not None and _is_prefix_of(body, there):
        return False
    if there is not None and (place.name.endswith(FAULT) or not _is_prefix_of(there, body)):
        raise UsageError(f"{source} holds another {place.name} than the one that is there: one of the two was changed")
    if there is not None and not place.exists():
        return False  # packed here, so it was closed: the longer one is the same segment with its end
    with whole_file(place) as temporary, open(temporary, "wb") as out:
        body.seek(0)
        shutil.copyfileobj(body, out)
    return True


def _there(folder: Path, place: Path) -> BinaryIO | None:
    """What the store has in that place already, plain."""
    with suppress(FileNotFoundError):
        return io.BytesIO(place.read_bytes())
    name = place.name[: -len(PLAIN)]
    if place.name.endswith(PLAIN) and os.path.exists(place.parent / f"{name}{PACKED}"):
        segments = Segments(folder)
        try:
            return io.BytesIO(segments.read(name, 0, segments.plain_size(name)))
        finally:
            segments.close()
    return None


def _is_prefix_of(one: BinaryIO, other: BinaryIO) -> bool:
    one.seek(0)
    other.seek(0)
    while piece := one.read(CHUNK):
        if other.read(len(piece)) != piece:
            return False
    return True
