"""What is to be exported: which sessions, executions and records of a store, read one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from agentlog.filters import Filter
from agentlog.past import Execution, Session
from agentlog.store import Store

EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Selection:
    """Of `store`: one session (its id) or all, as far as `wanted` wants them.

    With a status, cell, text or tag in `wanted` only records of such executions are selected; with an agent or a
    time alone, also what sessions recorded outside cells.
    """

    store: Store
    session: str | None = None
    wanted: Filter = EVERYTHING

    def sessions(self) -> Iterator[Session]:
        """The sessions, the oldest first; those without anything that is wanted are left out."""
        if self.session is not None:
            yield self.store.session(self.session)
            return
        for session in reversed(self.store.sessions(agent=self.wanted.agent)):
            if self._everything() or next(self._records_of(session, None), None) is not None:
                yield session

    def executions(self) -> Iterator[tuple[Session, Execution]]:
        """The executions in order (not those of front ends or of agentlog), each with its session."""
        for session in self._possible():
            for execution in self.store.executions(session.id, wanted=self.wanted):
                yield session, execution

    def records(self, kinds: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
        """The journal's records of what is selected, in order within each session."""
        if self._everything() and self.session is None:
            yield from self.store.records(kinds=kinds)
            return
        for session in self._possible():
            yield from self._records_of(session, kinds)

    def _everything(self) -> bool:
        return self.wanted == EVERYTHING

    def _possible(self) -> Iterator[Session]:
        if self.session is not None:
            yield self.store.session(self.session)
        else:
            yield from reversed(self.store.sessions(agent=self.wanted.agent))

    def _records_of(self, session: Session, kinds: Collection[str] | None) -> Iterator[dict[str, Any]]:
        wanted = self.wanted
        if any((wanted.status, wanted.cell, wanted.text, wanted.tag)):
            for execution in self.store.executions(session.id, wanted=wanted):
                yield from self.store.records(execution=execution.id, kinds=kinds)
            return
        for record in self.store.records(session=session.id, kinds=kinds):
            time = str(record.get("t", ""))
            if (wanted.since is None or time >= wanted.since) and (wanted.until is None or time < wanted.until):
                yield record


def within(selection: Selection, since: str | None, until: str | None) -> Selection:
    """The same within another span of time."""
    return replace(selection, wanted=replace(selection.wanted, since=since, until=until))
