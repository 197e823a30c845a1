"""What is kept of a store, and for how long: `agentlog gc`.

Whole segments are removed, the oldest first, when they are older than the days to keep or while the store is larger than
the bytes to keep; never one whose writer lives. What was removed is noted in `journal/removed.log` with the head of its
chain, so that `agentlog verify` tells it from tampering. Closed segments that stay are packed. Blobs that no segment
mentions any more go too, once they are a day old: a writer keeps a blob before it mentions it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentlog.blobs import Blobs
from agentlog.chain import unchained
from agentlog.clock import clock
from agentlog.errors import NotFound, StoreError
from agentlog.gather import parse_line
from agentlog.ids import timestamp
from agentlog.packed import pack
from agentlog.places import locked
from agentlog.processes import is_alive
from agentlog.segments import FAULT, FOLDER, PACKED, PLAIN, SegmentFile, Segments
from agentlog.settings import Limits

LOG = "removed.log"
PACK_BYTES = 64_000
"""Smaller segments stay plain: packing them saves next to nothing."""
BLOB_AGE = 86_400.0
PATIENCE = 5.0
"""Seconds to wait for another gc on the same store."""
_DIGEST = re.compile(rb'"([0-9a-f]{64})"')
_TAIL = 1 << 16


@dataclass(frozen=True, slots=True)
class Removed:
    """A segment that gc removed, as its log says."""

    segment: str
    records: int
    head: str
    time: str
    reason: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What gc did, or would do (`dry`). Sizes in bytes on disk, before and after."""

    removed: tuple[str, ...] = ()
    packed: tuple[str, ...] = ()
    blobs: int = 0
    before: int = 0
    after: int = 0
    dry: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    file: SegmentFile
    closed: bool
    records: int
    head: str
    sizes: int


def collect(
    folder: Path, *, keep_days: float | None = None, keep_bytes: int | None = None, packing: bool = True, dry: bool = False
) -> Collected:
    """Remove what is too old or too much, pack what is closed. None: the default of `Limits`. Raises NotFound, StoreError."""
    journal = folder / FOLDER
    if not journal.is_dir():
        raise NotFound(f"no store yet at {folder}: there is nothing to collect")
    days = Limits().keep_days if keep_days is None else keep_days
    most = Limits().keep_bytes if keep_bytes is None else keep_bytes
    with locked(folder / "gc.lock", PATIENCE) as mine:
        if not mine:
            raise StoreError(f"another `agentlog gc` works on {folder}; try again when it is done")
        segments = Segments(folder)
        try:
            return _collect(folder, segments, days, most, packing, dry)
        except OSError as error:
            raise StoreError(f"cannot collect {folder}: {error.strerror or error} ({error.filename})") from None
        finally:
            segments.close()


def removed_segments(folder: Path) -> dict[str, Removed]:
    """What gc removed from the store in `folder`, by segment."""
    try:
        lines = (folder / FOLDER / LOG).read_bytes().splitlines()
    except OSError:
        return {}
    names = ("segment", "records", "head", "time", "reason")
    records = [record for record in map(parse_line, lines) if record and all(name in record for name in names)]
    return {record["segment"]: Removed(*(record[name] for name in names)) for record in records}


def _collect(folder: Path, segments: Segments, days: float, most: int, packing: bool, dry: bool) -> Collected:
    before = _size(folder)
    candidates = [_candidate(segments, file) for file in segments.files().values()]
    going = _going(candidates, clock.time() - days * 86_400, before - most)
    staying = [one for one in candidates if one.file.name not in going]
    small = [one for one in staying if one.closed and not one.file.packed and one.file.size >= PACK_BYTES] if packing else []
    plan = Collected(tuple(going), tuple(one.file.name for one in small), before=before, after=before, dry=dry)
    if dry:
        return plan
    notes = [
        note for one in candidates if one.file.name in going and (note := _remove(folder, segments, one, going[one.file.name]))
    ]
    notes += [note for one in small if (note := _pack(segments, one.file))]
    blobs = _remove_blobs(folder, segments)
    return replace(plan, blobs=blobs, after=_size(folder), notes=tuple(notes))


def _going(candidates: list[_Candidate], oldest: float, excess: int) -> dict[str, str]:
    """Which segments go, and why: those last written before `oldest`, then the oldest until `excess` bytes are gone."""
    going = {}
    for one in sorted(candidates, key=lambda one: one.file.modified):
        if not one.closed:
            continue
        if one.file.modified < oldest:
            going[one.file.name] = "age"
        elif excess > 0:
            going[one.file.name] = "size"
        else:
            continue
        excess -= one.sizes
    return going


def _candidate(segments: Segments, file: SegmentFile) -> _Candidate:
    """What may happen to a segment: only one that was closed, or whose writer is gone, may be touched."""
    first = _first(segments, file.name)
    records, head, ended = _last(segments, file.name)
    facts = [first.get(key) for key in ("pid", "host", "boot", "start")]
    alive = is_alive(*facts) if first else None
    idle = clock.time() - file.modified > BLOB_AGE  # of another machine, or unreadable: only time tells
    closed = file.packed or ended or alive is False or (alive is None and idle)
    return _Candidate(file, closed, records, head, file.size)


def _first(segments: Segments, name: str) -> dict[str, Any]:
    with suppress(StoreError):
        return parse_line(segments.read(name, 0, _TAIL).split(b"\n", 1)[0]) or {}
    return {}


def _last(segments: Segments, name: str) -> tuple[int, str, bool]:
    """(sequence, head, closed in order) of the last whole line."""
    with suppress(StoreError):
        size, tail = segments.plain_size(name), _TAIL
        while True:
            data = segments.read(name, max(size - tail, 0), tail)
            for line in reversed(data.split(b"\n")[:-1]):
                record, parts = parse_line(line), unchained(line)
                if record is not None and parts is not None:
                    return int(record.get("q") or 0), parts[1], record.get("e") == "segment.end"
            if tail >= size:
                break
            tail *= 8
    return 0, "", False


def _remove(folder: Path, segments: Segments, one: _Candidate, reason: str) -> str | None:
    """Note that the segment goes, then remove it with what belongs to it; returns what hindered it."""
    entry = {"segment": one.file.name, "records": one.records, "head": one.head, "time": timestamp(), "reason": reason}
    segments.forget(one.file.name)
    try:
        _append(segments.folder / LOG, json.dumps(entry))
        for suffix in (PLAIN, PACKED, FAULT):
            (segments.folder / f"{one.file.name}{suffix}").unlink(missing_ok=True)
    except OSError as error:
        return f"{one.file.name} stays: {error.strerror or error}"
    return None


def _append(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pack(segments: Segments, file: SegmentFile) -> str | None:
    """Pack a closed segment: the packed file is there, whole, before the plain one goes; its time stays."""
    target = file.path.with_name(f"{file.name}{PACKED}")
    status = file.path.stat()
    segments.forget(file.name)
    try:
        pack(file.path, target)
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        file.path.unlink()
    except OSError as error:
        return f"{file.name} stays plain: {error.strerror or error}"
    return None


def _remove_blobs(folder: Path, segments: Segments) -> int:
    """Remove blobs that are a day old and mentioned nowhere; returns how many."""
    blobs, limit = Blobs(folder), clock.time() - BLOB_AGE
    old = {digest for digest in blobs if _modified(blobs.path(digest)) < limit}
    if not old:
        return 0
    try:
        for name in segments.files():
            old -= set(_mentioned(segments, name))
    except StoreError:
        return 0  # one that cannot be read may mention any of them
    for digest in old:
        blobs.path(digest).unlink(missing_ok=True)
    return len(old)


def _mentioned(segments: Segments, name: str) -> Iterator[str]:
    for _, data in segments.chunks(name, 0):
        for match in _DIGEST.finditer(data):
            yield match[1].decode()


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return clock.time()


def _size(folder: Path) -> int:
    """Bytes of journal and blobs."""
    total = 0
    for part in (FOLDER, "blobs"):
        for base, _, names in os.walk(folder / part):
            for name in names:
                with suppress(OSError):
                    total += os.lstat(os.path.join(base, name)).st_size
    return total
