"""Read recordings back: JSON lines of `agentlog export`, a bundle of `agentlog push`, a session of `agentlog share`.

Records are redacted on their way in. A record that is in the store already (by its id) is left out: importing twice
changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from agentlog.commands.pull import take
from agentlog.desk import Desk
from agentlog.errors import NotFound, UsageError
from agentlog.exports.segment_writer import Empty, Record, write_segment
from agentlog.exports.unbundle import is_bundle
from agentlog.followers.d1 import D1, PREFIX, Received, receive
from agentlog.gather import parse_line
from agentlog.ids import new_id, timestamp
from agentlog.redact import Redactor
from agentlog.settings import store_folder
from agentlog.store import Store
from agentlog.tables import Text

JSON = True
_BATCH = 500


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE", help="JSON lines, a bundle, or d1:<session>; - is standard input (JSON lines)")


def run(args: argparse.Namespace, desk: Desk) -> object:
    """What was read."""
    folder = Path(desk.place).expanduser().absolute() if desk.place is not None else store_folder()
    if args.source == "-":
        return import_lines(sys.stdin.buffer, folder)
    if args.source.startswith(PREFIX):
        return FromD1(str(folder), receive(args.source, folder, D1.from_environment()))
    path = Path(args.source)
    if not path.is_file():
        raise NotFound(f"no file {path} to import")
    if is_bundle(path):
        return take(path, folder)
    with open(path, "rb") as file:
        return import_lines(file, folder)


def import_lines(file: BinaryIO, folder: Path) -> Imported:
    """Add the records of JSON lines to the store in `folder`. Raises UsageError where not one line is a record."""
    counts = {"known": 0, "strange": 0}
    records = _new_records(_records(file, counts), folder, counts)
    try:
        count = write_segment(folder, records, "imported")
    except Empty:
        count = 0
    if not count and not counts["known"]:
        raise UsageError(
            'no line of it is a record of agentlog\'s (a JSON object with "e", the kind of event); nothing was imported'
        )
    return Imported(str(folder), count, counts["known"], counts["strange"])


def _records(file: BinaryIO, counts: dict[str, int]) -> Iterator[Record]:
    for line in file:
        record = parse_line(line.strip())
        if record is None or not isinstance(record.get("e"), str):
            counts["strange"] += bool(line.strip())
        elif not record["e"].startswith("segment."):
            yield record


def _new_records(records: Iterable[Record], folder: Path, counts: dict[str, int]) -> Iterator[Record]:
    """Records that the store does not have, redacted, with id and time."""
    redactor, known = Redactor(), _Known(folder)
    source = iter(records)
    try:
        while some := list(islice(source, _BATCH)):
            there = known.of([str(record["i"]) for record in some if record.get("i")])
            for record in some:
                if str(record.get("i")) in there:
                    counts["known"] += 1
                    continue
                yield redactor.record({**record, "i": str(record.get("i") or new_id()), "t": str(record.get("t") or timestamp())})
    finally:
        known.close()


class _Known:
    """Which events a store has; an absent store has none."""

    def __init__(self, folder: Path) -> None:
        try:
            self._store: Store | None = Store.open(folder)
        except NotFound:
            self._store = None

    def of(self, ids: list[str]) -> set[str]:
        return self._store.known_events(ids) if self._store is not None else set()

    def close(self) -> None:
        if self._store is not None:
            self._store.close()


@dataclass(frozen=True, repr=False)
class Imported(Text):
    """Records that are new, that were there already, and lines that are no records."""

    folder: str
    records: int
    known: int = 0
    strange: int = 0

    def __str__(self) -> str:
        rest = [f"{self.known:,} were there already"] if self.known else []
        rest += [f"{self.strange:,} lines are no records and were left out"] if self.strange else []
        return "; ".join([f"{self.folder}: {self.records:,} records imported", *rest])

    def as_json(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)


@dataclass(frozen=True, repr=False)
class FromD1(Text):
    """A session that was shared."""

    folder: str
    received: Received

    def __str__(self) -> str:
        one = self.received
        return f"{self.folder}: session {one.session[-6:]}, {one.records:,} records, {one.new:,} of them new"

    def as_json(self) -> dict[str, Any]:
        """{"folder", "session", "records", "new"}."""
        return {"folder": self.folder, **asdict(self.received)}
