"""Where a command stands: which store it reads and which session it means when nobody says.

The command line makes one from `--store`; the magic makes one of the live kernel, whose own session and latest
execution are then "the last".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentlog.store import Store


@dataclass(slots=True)
class Desk:
    """The store to read, and the session that is meant by default (None: the latest in the store)."""

    place: str | Path | None = None
    session: str | None = None
    live: bool = False
    tasks_too: bool = False
    """a live session holds what was done in named tasks inside it too"""
    held: Sequence[Mapping[str, Any]] = ()
    """records that this process's recorder keeps in memory while the disk refuses them"""
    _store: Store | None = field(default=None, repr=False)

    @property
    def store(self) -> Store:
        """The store, opened on first use. Raises StoreError or NotFound in one line."""
        if self._store is None:
            from agentlog.store import Store

            self._store = Store.open(self.place, held=self.held)
            if self.session is not None and self.tasks_too:
                self._store.count_as_one(self.session)
        return self._store

    def close(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None
