"""Following the journal from where one was: the loop beneath metrics, watching and the followers to other stores.

    tail = Tail(source, places)
    for piece in tail.new(): ...        whole lines written since, segment by segment
    tail.places                         how far each segment was read: keep it, and go on from there another time

A place means the plain text, so a segment that was packed meanwhile is known again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentlog.errors import StoreError
from agentlog.gather import Record, parse_line
from agentlog.segments import Source


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of whole lines of `segment`, `place` being where the first of them starts."""

    segment: str
    place: int
    data: bytes

    def records(self) -> Iterator[Record]:
        """The records of the lines; what is no record is left out."""
        return filter(None, map(parse_line, self.data.split(b"\n")))

    @property
    def end(self) -> int:
        """Where the next line starts."""
        return self.place + len(self.data)


class Tail:
    """Reads `source` on from `places` (segment -> offset of the next line)."""

    def __init__(self, source: Source, places: Mapping[str, int] | None = None) -> None:
        self.places = dict(places or {})
        self.troubles: list[str] = []
        """segments that could not be read, and why; they are tried again the next time"""
        self._source = source
        self._sizes: dict[str, int] = {}

    def new(self) -> Iterator[Piece]:
        """What was written since. A place moves on when the next piece is asked for: the one before was dealt with then."""
        self.troubles = []
        files = self._source.files()
        for name in self.places.keys() - files.keys():
            self._source.forget(name)
            del self.places[name]
        for name, file in files.items():
            if self._sizes.get(name) != file.size:
                yield from self._of(name)
                self._sizes[name] = file.size

    def skip(self) -> None:
        """Go to the end of all segments: only what comes after is new."""
        for name in self._source.files():
            with suppress(StoreError):
                size = self._source.plain_size(name)
                whole = size == 0 or self._source.read(name, size - 1, 1) == b"\n"
                self.places[name] = (
                    size if whole else max((at + len(data) for at, data in self._source.chunks(name, 0)), default=0)
                )

    def _of(self, name: str) -> Iterator[Piece]:
        try:
            if name in self._sizes:
                self._source.forget(name)  # it may have been packed
            start = self.places.get(name, 0)
            if self._source.plain_size(name) < start:
                start = 0  # replaced by a shorter one
            for place, data in self._source.chunks(name, start):
                piece = Piece(name, place, data)
                yield piece
                self.places[name] = piece.end
        except StoreError as error:
            self.troubles.append(str(error))


def load_state(path: Path) -> dict[str, object]:
    """What was kept at `path`; empty where there is nothing, or noise."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep_state(path: Path, state: Mapping[str, object]) -> None:
    """Keep `state` at `path`, whole or not at all. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(state), "utf-8")
    os.replace(temporary, path)
