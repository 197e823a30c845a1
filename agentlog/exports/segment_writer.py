"""Segments of the journal that are made of records from elsewhere: imported, shared, filtered for a bundle, anonymised."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from agentlog.chain import chained
from agentlog.events import SCHEMA
from agentlog.exports.target import whole_file
from agentlog.ids import new_id, timestamp
from agentlog.journal import encode, prepare_folder

Record = dict[str, Any]


class SegmentWriter:
    """Writes a segment with a chain of its own to `out`."""

    def __init__(self, out: BinaryIO, header: Record) -> None:
        self.records = 0
        self._out = out
        self._head = ""
        self.add(header)

    def add(self, record: Record) -> None:
        """One more record; its `q` and `h` become those of this segment."""
        self.records += 1
        plain = {key: value for key, value in record.items() if key not in ("q", "h")}
        self._head, line = chained(self._head, encode({**plain, "q": self.records}))
        self._out.write(line)

    def end(self, stamp: Record | None = None) -> None:
        """The last record, with id and time of `stamp` (now where None)."""
        told = stamp or {"i": new_id(), "t": timestamp()}
        end = {"e": "segment.end", "i": told.get("i"), "t": told.get("t")}
        self.add({**end, "records": self.records, "head": self._head, "next": None})


def write_segment(folder: Path, records: Iterable[Record], origin: str) -> int:
    """Write `records` as a new segment of the store in `folder`, which appears whole; returns how many.

    No process is named as its writer: nobody may take what is not finished in it for what died here.
    """
    name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{origin}-0-{secrets.token_hex(4)}"
    first = {
        "e": "segment.start", "i": new_id(), "t": timestamp(), "schema": SCHEMA, "segment": name, "host": origin, "pid": None,
        "start": None, "boot": None, "previous": None,
    }  # fmt: skip
    count = 0
    with whole_file(prepare_folder(folder) / f"{name}.jsonl") as path, open(path, "wb") as out:
        writer = SegmentWriter(out, first)
        for record in records:
            writer.add(record)
            count += 1
        if not count:
            raise Empty
        writer.end()
    return count


class Empty(Exception):
    """There was nothing to write; no segment was made."""
