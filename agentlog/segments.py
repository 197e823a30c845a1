"""Reading segments from a byte offset on, plain (`.jsonl`) or packed (`.jsonl.z`).

An offset always means the plain text, so packing a segment changes nothing for whoever remembers offsets. Only whole
lines are handed out: the line that a writer is writing, or was writing when it was killed, waits.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from agentlog.clock import clock
from agentlog.errors import StoreError
from agentlog.packed import Damaged, Packed

FOLDER = "journal"
PLAIN, PACKED, FAULT = ".jsonl", ".jsonl.z", ".fault"
CHUNK = 1 << 20
OPEN_FILES = 32
TICK = 50_000_000
"""Nanoseconds within which a file system may give two changes the same time."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A segment as the folder lists it. `size`: bytes on disk."""

    name: str
    path: Path
    size: int
    modified: float = 0.0

    @property
    def packed(self) -> bool:
        return self.path.name.endswith(PACKED)


class Source(Protocol):
    """Where an index reads segments from: a folder, or memory."""

    def files(self, settled: Collection[str] = ()) -> dict[str, SegmentFile]:
        """The segments by name, in the order of their names (and so of their starts).

        Those in `settled` will not be written to any more: they need no second look while the folder stays as it is.
        """

    def chunks(self, name: str, start: int) -> Iterator[tuple[int, bytes]]:
        """(offset, bytes) from `start` on, each a run of whole lines."""

    def plain_size(self, name: str) -> int:
        """Bytes of the segment's plain text."""

    def read(self, name: str, place: int, size: int) -> bytes:
        """`size` bytes at `place`; fewer where the segment is shorter or gone."""

    def forget(self, name: str) -> None:
        """The segment's file was replaced or removed."""

    def close(self) -> None:
        """Close what was opened."""


class Segments:
    """The segments of the store in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder) / FOLDER
        self._open: OrderedDict[str, _Plain | Packed] = OrderedDict()
        self._listed: dict[str, SegmentFile] = {}
        self._listed_at = 0
        """the folder's own time when it was listed; 0 where a change right after it could go unnoticed"""

    def files(self, settled: Collection[str] = ()) -> dict[str, SegmentFile]:
        """See Source. Where a segment is there in both forms (packing was cut short) the plain one counts."""
        try:
            changed = os.stat(self.folder).st_mtime_ns
            if changed != self._listed_at or not self._restat(settled):
                self._listed = self._list()
                self._listed_at = changed if clock.time_ns() - changed > TICK else 0
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(f"cannot read {self.folder}: {error.strerror or error}") from None
        return dict(self._listed)

    def _restat(self, settled: Collection[str]) -> bool:
        """Look again at the segments that may have grown; False where one is gone."""
        for name in [name for name in self._listed if name not in settled]:
            file = self._listed[name]
            try:
                status = os.stat(file.path)
            except FileNotFoundError:
                return False
            if status.st_size != file.size:
                self._listed[name] = replace(file, size=status.st_size, modified=status.st_mtime)
        return True

    def _list(self) -> dict[str, SegmentFile]:
        found: dict[str, SegmentFile] = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                file = _segment_file(entry)
                if file and not (file.packed and file.name in found):
                    found[file.name] = file
        return {name: found[name] for name in sorted(found)}

    def chunks(self, name: str, start: int) -> Iterator[tuple[int, bytes]]:
        """See Source. Stops at the last newline; at a damaged packed block it stops with StoreError."""
        place, wanted = start, CHUNK
        while True:
            data = self.read(name, place, wanted)
            whole = data.rfind(b"\n") + 1
            if whole:
                yield place, data[:whole]
                place, wanted = place + whole, CHUNK
            elif len(data) < wanted:
                return
            else:
                wanted *= 4  # one line longer than a chunk

    def plain_size(self, name: str) -> int:
        """See Source."""
        file = self._file(name)
        return 0 if file is None else file.size

    def read(self, name: str, place: int, size: int) -> bytes:
        """See Source."""
        file = self._file(name)
        if file is None:
            return b""
        try:
            return file.read(place, size)
        except (OSError, Damaged) as error:
            raise StoreError(f"cannot read segment {name} in {self.folder}: {error}") from None

    def forget(self, name: str) -> None:
        """Close the segment: its file was replaced."""
        file = self._open.pop(name, None)
        if file is not None:
            file.close()

    def close(self) -> None:
        """See Source."""
        for name in list(self._open):
            self.forget(name)

    def _file(self, name: str) -> _Plain | Packed | None:
        file = self._open.get(name)
        if file is None:
            file = self._opened(name)
            if file is None:
                return None
            self._open[name] = file
            if len(self._open) > OPEN_FILES:
                self.forget(next(iter(self._open)))
        self._open.move_to_end(name)
        return file

    def _opened(self, name: str) -> _Plain | Packed | None:
        for suffix, opener in ((PLAIN, _Plain), (PACKED, Packed), (PLAIN, _Plain)):  # again: packing may come between
            try:
                return opener(self.folder / f"{name}{suffix}")
            except FileNotFoundError:
                continue
            except (OSError, Damaged) as error:
                raise StoreError(f"cannot read {self.folder / name}{suffix}: {error}") from None
        return None


class _Plain:
    """A plain segment open for reading, as long as it grows."""

    def __init__(self, path: Path) -> None:
        self.file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def read(self, place: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self.file.fileno(), size, place)
        self.file.seek(place)
        return self.file.read(size) or b""

    def close(self) -> None:
        self.file.close()


def _segment_file(entry: os.DirEntry[str]) -> SegmentFile | None:
    for suffix in (PLAIN, PACKED):
        if entry.name.endswith(suffix) and not entry.name.startswith("."):
            try:
                status = entry.stat()
            except FileNotFoundError:  # packed or collected in between
                return None
            return SegmentFile(entry.name[: -len(suffix)], Path(entry.path), status.st_size, status.st_mtime)
    return None


class MemorySegment:
    """One segment that lives in memory: the source of `Store.in_memory()`."""

    NAME = "memory"

    def __init__(self) -> None:
        self._text = bytearray()

    def append(self, line: bytes) -> None:
        """Add a line, newline included."""
        self._text += line

    def files(self, settled: Collection[str] = ()) -> dict[str, SegmentFile]:
        """See Source."""
        return {self.NAME: SegmentFile(self.NAME, Path(self.NAME + PLAIN), len(self._text))}

    def chunks(self, name: str, start: int) -> Iterator[tuple[int, bytes]]:
        """See Source."""
        if start < len(self._text):
            yield start, bytes(self._text[start:])

    def plain_size(self, name: str) -> int:
        """See Source."""
        return len(self._text)

    def read(self, name: str, place: int, size: int) -> bytes:
        """See Source."""
        return bytes(self._text[place : place + size])

    def forget(self, name: str) -> None:
        """See Segments."""

    def close(self) -> None:
        """See Source."""


class Held:
    """The segments of a folder, and records beside them that a process holds in memory because the disk refuses them."""

    def __init__(self, segments: Segments, memory: MemorySegment) -> None:
        self._segments = segments
        self._memory = memory

    def _of(self, name: str) -> Segments | MemorySegment:
        return self._memory if name == MemorySegment.NAME else self._segments

    def files(self, settled: Collection[str] = ()) -> dict[str, SegmentFile]:
        """See Source; what is held comes last, as it was recorded last. The disk may refuse to be read, too."""
        found: dict[str, SegmentFile] = {}
        with suppress(StoreError):
            found.update(self._segments.files(settled))
        return {**found, **self._memory.files()}

    def chunks(self, name: str, start: int) -> Iterator[tuple[int, bytes]]:
        """See Source."""
        return self._of(name).chunks(name, start)

    def plain_size(self, name: str) -> int:
        """See Source."""
        return self._of(name).plain_size(name)

    def read(self, name: str, place: int, size: int) -> bytes:
        """See Source."""
        return self._of(name).read(name, place, size)

    def forget(self, name: str) -> None:
        """See Source."""
        self._of(name).forget(name)

    def close(self) -> None:
        """See Source."""
        self._segments.close()
