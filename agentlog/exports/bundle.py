"""A bundle: recordings as one file, checksummed and redacted, to be handed on by any means.

A zip archive that is the same, byte for byte, for the same recordings:

    journal/<segment>.jsonl     as it was written; where lines were left out or redacted: <segment>~<mark>.jsonl, chained anew
                                (the mark stands for the sessions chosen)
    journal/<segment>.fault     what faulthandler left
    blobs/<sha256>              outputs too large for the journal
    manifest.json               version, sessions, size and sha256 of every file

Records pass through redaction once more on their way out; outputs were redacted when they were kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from agentlog.errors import NotFound, StoreError
from agentlog.exports.segment_writer import SegmentWriter
from agentlog.exports.target import whole_file
from agentlog.gather import parse_line
from agentlog.redact import Redactor
from agentlog.segments import FAULT, FOLDER, PLAIN
from agentlog.store import Store

SUFFIX = ".agentlog"
FORMAT, VERSION = "agentlog bundle", 1
MANIFEST = "manifest.json"
_DIGEST = re.compile(rb'"([0-9a-f]{64})"')
CHUNK = 1 << 20
_OLDEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bundled:
    """What a bundle holds: session ids, records, outputs; the file's size and sha256."""

    sessions: tuple[str, ...]
    records: int
    blobs: int
    size: int
    sha256: str


def push(store: Store, target: Path, sessions: tuple[str, ...] | None = None) -> Bundled:
    """Write the bundle of `sessions` (ids; None: all) and of those they started. Raises UsageError, StoreError."""
    chosen = None if sessions is None else _with_children(store, sessions)
    told = tuple(sorted(session.id for session in store.sessions() if chosen is None or session.id in chosen))
    with whole_file(target) as path:
        with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
            packing = _Packing(store, archive, chosen)
            packing.pack()
            manifest = {"format": FORMAT, "version": VERSION, "sessions": told, "files": packing.files}
            packing.write(MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()))
        size, digest = path.stat().st_size, digest_of(path)
    return Bundled(told, packing.records, len(packing.blobs), size, digest)


class _Packing:
    """One bundle in the making."""

    def __init__(self, store: Store, archive: zipfile.ZipFile, chosen: set[str] | None) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.blobs: set[str] = set()
        self.records = 0
        self._store, self._archive, self._chosen = store, archive, chosen
        self._redactor = Redactor()
        self._names: dict[str, str] = {}
        """segment -> what it is called in the bundle"""
        self._mark = hashlib.sha256(",".join(sorted(chosen or ())).encode()).hexdigest()[:12]

    def pack(self) -> None:
        """Segments first, then the outputs that they mention."""
        for segment, previous in self._in_order_of_chains():
            self._segment(segment, previous)
        for digest in sorted(self.blobs):
            self.write(f"blobs/{digest}", io.BytesIO(self._store.blob(digest)))

    def _in_order_of_chains(self) -> Iterator[tuple[str, str | None]]:
        """(segment, the one that it continues): each after the one before it, which may be written under another name."""
        names = self._store.segments(self._chosen)
        before = {name: _header(self._store, name).get("previous") for name in names}
        waiting = dict.fromkeys(names)
        for name in names:
            line = []
            while name in waiting:
                del waiting[name]
                line.append(name)
                name = before[name] or ""
            yield from ((one, before[one]) for one in reversed(line))

    def write(self, name: str, body: BinaryIO) -> None:
        """Add a file, with its checksum to the manifest."""
        info = zipfile.ZipInfo(name, _OLDEST)
        info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
        size, checksum = 0, hashlib.sha256()
        with self._archive.open(info, "w", force_zip64=True) as out:
            while piece := body.read(CHUNK):
                out.write(piece)
                checksum.update(piece)
                size += len(piece)
        if name != MANIFEST:
            self.files[name] = {"size": size, "sha256": checksum.hexdigest()}

    def _segment(self, segment: str, previous: str | None) -> None:
        name = f"{segment.split('~')[0]}~{self._mark}"
        with tempfile.TemporaryFile() as verbatim, tempfile.TemporaryFile() as rewritten:
            changed = self._copy(segment, {"segment": name, "previous": self._names.get(previous or "")}, verbatim, rewritten)
            changed = changed or self._names.get(previous or "") != previous
            body = rewritten if changed else verbatim
            self._names[segment] = name if changed else segment
            body.seek(0)
            self.write(f"{FOLDER}/{self._names[segment]}{PLAIN}", body)
        self._fault(segment)

    def _copy(self, segment: str, header: dict[str, Any], verbatim: BinaryIO, rewritten: BinaryIO) -> bool:
        """Write the segment both ways; True where the second one counts: lines were left out or redacted."""
        changed, writer = False, None
        for line in self._store.lines(segment):
            verbatim.write(line + b"\n")
            record = parse_line(line)
            if record is None or not self._wanted(record):
                changed = changed or record is not None
                continue
            ours = str(record.get("e")).startswith("segment.")
            redacted = record if ours else self._redactor.record(record)
            changed = changed or redacted != record
            if writer is None:
                writer = SegmentWriter(rewritten, {**redacted, **header})
            elif record.get("e") == "segment.end":
                writer.end(record)
            else:
                writer.add(redacted)
            self.records += not ours
            self._note_blobs(line)
        return changed

    def _wanted(self, record: dict[str, Any]) -> bool:
        return self._chosen is None or str(record.get("s") or "") in self._chosen or str(record.get("e")).startswith("segment.")

    def _note_blobs(self, line: bytes) -> None:
        for found in _DIGEST.findall(line):
            digest = found.decode()
            if digest not in self.blobs:
                with suppress(NotFound, StoreError):
                    self._store.blob(digest)
                    self.blobs.add(digest)

    def _fault(self, segment: str) -> None:
        if self._store.folder is not None:
            with suppress(OSError):
                text = (self._store.folder / FOLDER / f"{segment}{FAULT}").read_text("utf-8", "replace").strip("\0")
                if text:
                    self.write(f"{FOLDER}/{self._names[segment]}{FAULT}", io.BytesIO(self._redactor.text(text).encode()))


def _with_children(store: Store, sessions: tuple[str, ...]) -> set[str]:
    """`sessions` and all that were started by them, and by those."""
    found = {store.session(reference).id for reference in sessions}
    fresh = set(found)
    while fresh:
        fresh = {child.id for parent in fresh for child in store.sessions(parent=parent)} - found
        found |= fresh
    return found


def _header(store: Store, segment: str) -> dict[str, Any]:
    """The first record of a segment."""
    return parse_line(next(store.lines(segment), b"")) or {}


def digest_of(path: Path) -> str:
    with open(path, "rb") as file:
        checksum = hashlib.sha256()
        while piece := file.read(CHUNK):
            checksum.update(piece)
    return checksum.hexdigest()
