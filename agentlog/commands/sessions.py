"""The sessions of the store, the latest first: one a kernel's or process's life, or one agent task inside it."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import Any

from agentlog.amounts import at_least
from agentlog.desk import Desk
from agentlog.filters import moment
from agentlog.ids import short
from agentlog.past import Session
from agentlog.tables import OF_STATUS, Line, Text, ago, in_terminal, table, width

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=at_least(0), default=20, metavar="N", help="the latest N (default 20; 0: all)")
    parser.add_argument("--agent", help="of this agent")
    parser.add_argument("--notebook", metavar="PATH", help="of this notebook (the end of its path)")
    parser.add_argument("--since", type=moment, metavar="WHEN", help="started since then: '2 days', yesterday, 2026-11-21T14:30")
    parser.add_argument("--until", type=moment, metavar="WHEN", help="started before then")


def run(args: argparse.Namespace, desk: Desk) -> Sessions:
    """The list."""
    limit = args.limit or None
    found = desk.store.sessions(limit=limit, agent=args.agent, notebook=args.notebook, since=args.since, until=args.until)
    return Sessions(tuple(found), desk.session)


@dataclass(frozen=True, repr=False)
class Sessions(Text):
    """Sessions, the latest first; `current` is the one that asks."""

    sessions: tuple[Session, ...]
    current: str | None = None

    def __str__(self) -> str:
        if not self.sessions:
            return "no sessions"
        return table([self._line(session) for session in self.sessions], width(), in_terminal())

    def as_json(self) -> list[dict[str, Any]]:
        """One object a session."""
        return [{**asdict(session), "title": session.title} for session in self.sessions]

    def _repr_html_(self) -> str:
        from agentlog.html.lists import sessions

        return sessions(self)

    def _line(self, session: Session) -> Line:
        failed = f"{session.failures} failed" if session.failures else ""
        cells = f"{session.executions} cell{'' if session.executions == 1 else 's'}" if session.executions else ""
        errors = f"{session.errors} error{'' if session.errors == 1 else 's'}" if session.errors and not session.failures else ""
        here = session.id == self.current
        who = f"{session.agent}: " if session.agent else ""
        return Line(
            (
                short(session.id),
                "this one" if here else session.how,
                ago(session.started),
                cells,
                failed or errors,
                who + session.title,
            ),
            ("bold", OF_STATUS.get(session.how, "red"), "dim", None, "red"),
        )
