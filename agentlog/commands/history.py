"""The executions of a session in order: what ran, how it ended, how long it took.

Without --session the latest session is listed; with --all, or one of --since, --until, --agent and --tag, the whole store.
`show` prints one of them whole, by its In[n] or by its short id.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import Any

from agentlog.amounts import at_least
from agentlog.desk import Desk
from agentlog.filters import STATUSES, Filter, moment
from agentlog.ids import short
from agentlog.past import Execution, Session
from agentlog.tables import OF_STATUS, Line, Text, ago, duration, in_terminal, one_line, paint, table, width

JSON = TASKS_TOO = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--session", help="session id or the end of one (default: the latest)")
    parser.add_argument("--all", action="store_true", help="of all sessions")
    parser.add_argument("--status", choices=["failed", *STATUSES], help="only those that ended so; failed: all that went wrong")
    parser.add_argument(
        "--since", type=moment, metavar="WHEN", help="since then: '2 days', '90 min', yesterday, 2026-11-21T14:30"
    )
    parser.add_argument("--until", type=moment, metavar="WHEN", help="before then")
    parser.add_argument("--cell", metavar="CELL", help="this cell: In[n] as a number, or a cell id (or its beginning)")
    parser.add_argument("--text", metavar="TEXT", help="with this text in source, output or messages")
    parser.add_argument("--agent", help="of this agent")
    parser.add_argument("--tag", help="tagged so, itself or its session")
    parser.add_argument("--limit", type=at_least(0), default=50, metavar="N", help="the latest N (default 50; 0: all)")
    parser.add_argument("--own", action="store_true", help="also cells of %%agentlog lines only, and those of front ends")


def run(args: argparse.Namespace, desk: Desk) -> History:
    """The list."""
    everywhere = not args.session and (args.all or any((args.since, args.until, args.agent, args.tag)))
    session = None if everywhere else desk.store.session(args.session or desk.session)
    names = ("status", "since", "until", "cell", "text", "agent", "tag")
    limit = args.limit + 1 if args.limit else None  # one more tells whether there are more
    wanted = Filter(**{name: getattr(args, name) for name in names}, limit=limit)
    found = desk.store.executions(session.id if session else None, own=args.own, internal=args.own, wanted=wanted)
    more = limit is not None and len(found) == limit
    return History(session, tuple(found[1:] if more else found), more)


@dataclass(frozen=True, repr=False)
class History(Text):
    """Executions in order, of one session or of many (None); `more`: there are earlier ones."""

    session: Session | None
    executions: tuple[Execution, ...]
    more: bool = False

    def __str__(self) -> str:
        colour = in_terminal()
        parts = [paint(self._head(), "bold", colour)] if self.session else []
        if self.more:
            parts.append(paint(f"… earlier ones: --limit {2 * len(self.executions)}", "dim", colour))
        lines = [self._line(execution) for execution in self.executions]
        return "\n".join([*parts, table(lines, width(), colour) or "no executions match"])

    def as_json(self) -> dict[str, Any]:
        """{"session", "executions", "more"}."""
        session = {**asdict(self.session), "title": self.session.title} if self.session else None
        return {"session": session, "executions": [asdict(one) for one in self.executions], "more": self.more}

    def _repr_html_(self) -> str:
        from agentlog.html.lists import history

        return history(self)

    def _head(self) -> str:
        assert self.session is not None
        failed = f", {self.session.failures} failed" if self.session.failures else ""
        return f"session {short(self.session.id)}  {self.session.title}  {self.session.executions} execution{'' if self.session.executions == 1 else 's'}{failed}  {self.session.how}"

    def _line(self, one: Execution) -> Line:
        where = () if self.session else (short(one.session),)
        label = f"In[{one.count}]" if one.count is not None else ""
        return Line(
            (*where, label, short(one.id), one.status, duration(one.ms), ago(one.started), one_line(one.source)),
            (*("dim" for _ in where), "bold", "dim", OF_STATUS.get(one.status, "red"), None, "dim"),
            one.error or "",
        )
