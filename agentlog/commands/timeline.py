"""The session as a list of executions with their effects: what each made, changed and deleted."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from agentlog.amounts import at_least
from agentlog.desk import Desk
from agentlog.errors import NotFound
from agentlog.events import Change, plain
from agentlog.lineage import Lineage
from agentlog.notebook_cells import first_line
from agentlog.past import Execution, Session
from agentlog.tables import OF_STATUS, Line, Text, cut, duration, in_terminal, one_line, table, width
from agentlog.value_changes import effect

JSON = TASKS_TOO = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--session", help="session id or the end of one (default: the latest)")
    parser.add_argument("--name", help="only executions that touched this name")
    parser.add_argument("--limit", type=at_least(0), default=60, metavar="N", help="the latest N (default 60; 0: all)")


def run(args: argparse.Namespace, desk: Desk) -> Timeline:
    """The timeline."""
    session = desk.store.session(args.session or desk.session)
    lineage = Lineage.of(desk.store, session.id)
    rows = [(e, lineage.effects(e.id)) for e in lineage.executions]
    if args.name:
        rows = [
            (e, tuple(c for c in changes if c.name == args.name))
            for e, changes in rows
            if any(c.name == args.name for c in changes)
        ]
        if not rows:
            raise NotFound(f"no recorded cell made or changed {args.name!r}; agentlog timeline lists what each cell did")
    shown = rows[-args.limit :] if args.limit else rows
    return Timeline(session, tuple(shown), len(rows) - len(shown))


@dataclass(frozen=True, repr=False)
class Timeline(Text):
    """(execution, its changes), in order; `more`: earlier ones left out. + made, = rebound, ~ changed in place, - deleted, ? not known."""

    session: Session
    rows: tuple[tuple[Execution, tuple[Change, ...]], ...]
    more: int = 0

    def __str__(self) -> str:
        colour = in_terminal()
        head = [f"… {self.more} earlier ones: --limit 0"] if self.more else []
        lines = [_line(execution, changes) for execution, changes in self.rows]
        return "\n".join([*head, table(lines, width(), colour) or "no executions yet"])

    def as_json(self) -> dict[str, Any]:
        """{"session", "executions": [{..., "changes"}]}."""
        rows = [
            {"execution": e.id, "count": e.count, "status": e.status, "ms": e.ms, "error": e.error, "source": e.source,
             "changes": [plain(change) for change in changes]}
            for e, changes in self.rows
        ]  # fmt: skip
        return {"session": self.session.id, "executions": rows}

    def _repr_html_(self) -> str:
        from agentlog.html.lists import timeline

        return timeline(self)


def _line(execution: Execution, changes: tuple[Change, ...]) -> Line:
    effects = "; ".join(effect(change) for change in changes[:6]) + (f"; … {len(changes) - 6} more" if len(changes) > 6 else "")
    said = "; ".join(filter(None, (execution.error, effects)))
    cells = (
        execution.label,
        execution.status,
        duration(execution.ms),
        cut(one_line(first_line(execution.source)), 44),
        one_line(said),
    )
    return Line(cells, (None, OF_STATUS.get(execution.status, "red"), "dim"))
