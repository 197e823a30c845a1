"""Following a folder's journal into another place, until told to stop: catching up after the place was away."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from agentlog.errors import StoreError
from agentlog.followers.postgres_link import Lost
from agentlog.followers.postgres_writer import Gap
from agentlog.processes import is_alive
from agentlog.segments import Segments
from agentlog.tail import Piece, Tail

LONGEST_PAUSE = 30.0


class Target(Protocol):
    """Where pieces of the journal go; it remembers by itself how far it is."""

    def places(self, names: list[str]) -> dict[str, int]: ...

    def take(self, piece: Piece) -> None: ...

    def close(self) -> None: ...


class Follower:
    """Follows the store in `folder` into `target`."""

    def __init__(self, folder: Path, target: Target) -> None:
        self.taken = 0
        """bytes of the journal that were handed over"""
        self.failures = 0
        """tries in a row that did not reach the target"""
        self.trouble = ""
        self._target = target
        self._source = Segments(folder)
        self._tail: Tail | None = None

    def catch_up(self) -> bool:
        """Hand over what is new. False where the target was not reached; `trouble` says why. Raises StoreError."""
        try:
            if self._tail is None:
                self._tail = Tail(self._source, self._target.places(list(self._source.files())))
            for piece in self._tail.new():
                self._target.take(piece)
                self.taken += len(piece.data)
        except (Lost, Gap) as error:
            self._tail, self.trouble = None, str(error)  # the target says anew how far it is
            self.failures += 1
            return False
        self.failures, self.trouble = 0, ""
        return True

    def pause(self, interval: float) -> float:
        """Seconds until the next try: longer with each one that failed."""
        return min(interval * 2**self.failures, LONGEST_PAUSE) if self.failures else interval

    def writers(self) -> bool:
        """Does any process still write to the folder, as far as this machine can know?"""
        return any(_lives(self._source, name) for name, file in self._source.files().items() if not file.packed)

    def close(self) -> None:
        """Close both ends."""
        self._source.close()
        self._target.close()


def run(
    follower: Follower, *, interval: float = 1.0, patience: float | None = None, sleep: Callable[[float], None] = time.sleep,
    told: Callable[[str], None] = lambda text: None,
) -> None:  # fmt: skip
    """Follow until interrupted; with `patience`, until no process writes any more and all is handed over, or until the target
    was away for so many seconds after that."""
    away = 0.0
    while True:
        writing = follower.writers()
        reached = follower.catch_up()
        told("" if reached else f"{follower.trouble}; trying again")
        if patience is not None and not writing and (reached or away >= patience):
            return
        wait = follower.pause(interval)
        away = 0.0 if reached or writing else away + wait
        sleep(wait)


def _lives(source: Segments, name: str) -> bool:
    from agentlog.gather import parse_line

    try:
        first = parse_line(next((data for _, data in source.chunks(name, 0)), b"").split(b"\n", 1)[0]) or {}
    except StoreError:
        return False
    texts = [first.get(key) if isinstance(first.get(key), str) else None for key in ("host", "boot", "start")]
    pid = first.get("pid")
    return is_alive(pid if isinstance(pid, int) else None, *texts) is True
