"""The truth on disk: each process appends its events, as JSON lines, to a segment of its own.

    <folder>/journal/<UTC start>-<host>-<pid>-<chance>.jsonl        mode 0600, opened O_APPEND

The first record of a segment says who writes (`segment.start`), the last one of a segment closed in order is
`segment.end`. Every line ends with `h`, the head of a hash chain:

    h = sha256(previous h + the line's JSON without h), first 32 hex digits;   the first line's previous h is ""

One `os.write` a record and its count checked: a process that is killed loses at most the line it was writing. A line
that the disk took only in part is cut off again. No lock is shared with other writers.
"""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from agentlog.chain import chained
from agentlog.clock import clock
from agentlog.events import SCHEMA
from agentlog.ids import new_id, timestamp
from agentlog.pen import Pen
from agentlog.processes import boot_id, host_name, process_start
from agentlog.settings import Limits

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)


def _encoder() -> Callable[[dict[str, Any], int], Iterable[str]]:
    """`_ENCODER.iterencode`, without making the C encoder anew for each record: that is more than half of its time."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda record, _: _ENCODER.iterencode(record)
    text_of = json.encoder.encode_basestring
    encoder: Callable[[dict[str, Any], int], Iterable[str]]
    encoder = make(None, _ENCODER.default, text_of, None, ":", ",", False, False, False)
    return encoder


_chunks = _encoder()


def encode(record: dict[str, Any]) -> bytes:
    """`record` as one line of JSON that any parser reads: UTF-8, no NaN, no lone surrogates."""
    try:
        text = "".join(_chunks(record, 0))
    except ValueError:
        text = "".join(_chunks(_without_nan(record), 0))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), separators=(",", ":")).encode()


UNSEEN = 0.05
"""Seconds for which a segment that was there is taken to be there still: asking costs as much as writing."""
_BEGINS, _ENDS = {"session.start": "s", "cell.start": "x"}, {"session.end": "s", "cell.end": "x"}
"""Kinds of records that begin and end what others belong to, and the key that names it."""


class Busy(Exception):
    """The journal is in the middle of a write on this very thread; try later."""


class Journal:
    """The writing end of one process's segments. Every method may raise OSError; `recorder` deals with it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.records = 0
        self._limits = limits
        self._lock = threading.RLock()
        self._writing = False
        self._descriptor: int | None = None
        self._size = 0
        self._head = ""
        self._previous: str | None = None
        self._torn = False
        self._seen = 0.0
        self._begun: dict[tuple[str, object], dict[str, Any]] = {}
        self._unsure: list[dict[str, Any]] = []
        self._again: list[dict[str, Any]] = []
        self._pen = Pen()
        self.path: Path | None = None

    def append(self, record: dict[str, Any]) -> None:
        """Write `record`; it gets its sequence `q` and chain `h`. On return the kernel of the system has it.

        Raises Busy in a signal handler that interrupted this very thread in the middle of a write.
        """
        with self._lock:
            if self._writing:
                raise Busy("a signal handler interrupted a write")
            self._writing = True
            try:
                self._ready()
                if self._size >= self._limits.segment_bytes:
                    self._rotate()  # before the record: should it fail, the record was not written, and may come again
                self._write(record)
                self._remember(record)
            finally:
                self._writing = False

    def open(self) -> Path:
        """Open the segment if none is open, and return its path."""
        with self._lock:
            self._ready()
            assert self.path is not None
            return self.path

    def close(self) -> None:
        """Write the segment's last record and close it."""
        with self._lock:
            if self._descriptor is None:
                return
            try:
                self._end(None)
            finally:
                self._let_go()

    # --- within the lock ------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        """Have a segment that still exists: the folder may have been deleted under us. A new one begins with the starts
        of what still runs, and with what was written since the old one was last seen: it may have gone with it."""
        now = clock.monotonic()
        if self._descriptor is not None and now - self._seen < UNSEEN:
            return
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
            self._let_go()
            begun = list(self._begun.values())
            self._again = begun + [record for record in self._unsure if not any(record is known for known in begun)]
        if self._descriptor is None:
            self._open(_segment_name())
        while self._again:
            self._write(self._again[0])
            del self._again[0]
        self._seen = now
        self._unsure.clear()

    def _remember(self, record: dict[str, Any]) -> None:
        """Should somebody delete the segment: what would be missing in the next one."""
        self._unsure.append(record)
        kind = record.get("e", "")
        if kind in _BEGINS:
            self._begun[_BEGINS[kind], record.get(_BEGINS[kind])] = record
        elif kind in _ENDS:
            self._begun.pop((_ENDS[kind], record.get(_ENDS[kind])), None)

    def _open(self, name: str) -> None:
        folder = prepare_folder(self.folder)
        path = folder / f"{name}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(path, flags, 0o600)
        self.path, self._size, self._head, self.records, self._torn = path, 0, "", 0, False
        try:
            self._write(_first_record(name, self._previous))
        except OSError:  # a segment that does not say who writes it is none
            self._let_go()
            os.unlink(path)
            raise

    def _let_go(self) -> None:
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None

    def _rotate(self) -> None:
        assert self.path is not None
        following = _segment_name()
        self._end(following)
        self._let_go()
        self._previous = self.path.stem
        self._open(following)

    def _end(self, following: str | None) -> None:
        self._write(
            {"e": "segment.end", "i": new_id(), "t": timestamp(), "records": self.records, "head": self._head, "next": following}
        )

    def _write(self, record: dict[str, Any]) -> None:
        record["q"] = self.records + 1
        head, line = chained(self._head, encode(record))
        self._write_whole(b"\n" + line if self._torn else line)
        self._head = head
        self.records += 1
        self._torn = False

    def _write_whole(self, line: bytes) -> None:
        """One write; what the disk took only in part is cut off again, so that no half line stays."""
        assert self._descriptor is not None
        written = self._pen.write(self._descriptor, line)
        if written == len(line):
            self._size += written
            return
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._torn, self._size = True, self._size + written
        raise OSError(errno.ENOSPC, f"the disk took {written} of {len(line)} bytes", str(self.path))


def prepare_folder(folder: Path) -> Path:
    """Make the store's folder, with its own .gitignore, and return its journal folder."""
    journal = folder / "journal"
    if not journal.is_dir():
        journal.mkdir(parents=True, exist_ok=True, mode=0o700)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    return journal


def _segment_name() -> str:
    host = re.sub(r"[^A-Za-z0-9_.]+", "_", host_name())[:40] or "host"
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{host}-{os.getpid()}-{os.urandom(4).hex()}"


def _first_record(name: str, previous: str | None) -> dict[str, Any]:
    pid = os.getpid()
    return {
        "e": "segment.start", "i": new_id(), "t": timestamp(), "schema": SCHEMA, "segment": name, "host": host_name(),
        "pid": pid, "start": process_start(pid), "boot": boot_id(), "previous": previous,
    }  # fmt: skip


def _without_nan(data: Any) -> Any:
    """`data` with floats that JSON cannot say as text."""
    if isinstance(data, float) and (data != data or data in (float("inf"), float("-inf"))):
        return str(data)
    if isinstance(data, dict):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_without_nan(item) for item in data]
    return data
