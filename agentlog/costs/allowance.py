"""A budget for model calls, per session or per day: when it is used up, a line on stderr, a record, a command.

    AGENTLOG_BUDGET="day=20, session=2.5, session_tokens=1000000, command=notify-me"        or     configure(budget="day=20")

Costs are in the currency of the price table (USD without one); days are UTC. The day counts every process that writes to
the same store: their calls are read again every `AGAIN` seconds. All of it happens on the writer's thread; a model call
waits for nothing. A call whose price nobody knows cannot be counted, and that is said once a model.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from agentlog import guard
from agentlog.clock import clock
from agentlog.costs.prices import prices
from agentlog.errors import AgentlogError, UsageError
from agentlog.events import Logged, SpanEnded
from agentlog.ids import timestamp
from agentlog.recorder import Recorder

VARIABLE = "AGENTLOG_BUDGET"
AGAIN = 30.0
"""Seconds after which other processes' calls of the day are read again."""
_LIMITS = ("session", "day", "session_tokens", "day_tokens")


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits by name (`session`, `day`: cost; `session_tokens`, `day_tokens`), and the command that is called once each."""

    limits: dict[str, float] = field(default_factory=dict)
    command: str | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """ "day=20, session=2.5, command=notify-me". Raises UsageError."""
        limits: dict[str, float] = {}
        settings, _, command = text.partition("command=")
        for part in filter(None, (piece.strip() for piece in settings.split(","))):
            name, _, number = (piece.strip() for piece in part.partition("="))
            if name not in _LIMITS:
                raise UsageError(f"unknown budget {name!r}; they are {', '.join(_LIMITS)}, and command last")
            try:
                limits[name] = float(number)
            except ValueError:
                raise UsageError(f"budget {name} needs a number, not {number!r}") from None
        return cls(limits, command.strip() or None)


@dataclass(slots=True)
class Spent:
    """What one session or day used up."""

    cost: float = 0.0
    tokens: int = 0

    def add(self, cost: float | None, tokens: int) -> None:
        self.cost += cost or 0.0
        self.tokens += tokens


class Allowance:
    """Watches the model calls of this process for one budget."""

    def __init__(self, door: Recorder, budget: Budget, said: Callable[[str], None] | None = None) -> None:
        self._door, self._budget = door, budget
        self._say = said or _on_stderr
        self._sessions: dict[str, Spent] = defaultdict(Spent)
        self._others = Spent()
        self._own: dict[str, Spent] = defaultdict(Spent)
        self._read_at: float | None = None
        self._told: set[tuple[str, str]] = set()

    def spent(self, call: SpanEnded) -> None:
        """A model call ended: count it, on the writer's thread."""
        self._door.later(lambda: self._count(call))

    def _count(self, call: SpanEnded) -> None:
        day = (call.time or timestamp())[:10]
        cost = call.cost
        if cost is None and {"session", "day"} & self._budget.limits.keys():
            self._tell(
                "unpriced", call.model or "?", f"the budget does not count calls of {call.model}: nobody knows their price"
            )
        tokens = call.tokens.get("input", 0) + call.tokens.get("output", 0)
        self._sessions[call.session].add(cost, tokens)
        self._own[day].add(cost, tokens)
        self._check("session", call.session, self._sessions[call.session])
        if {"day", "day_tokens"} & self._budget.limits.keys():
            others, own = self._of_others(day), self._own[day]
            self._check("day", day, Spent(others.cost + own.cost, others.tokens + own.tokens))

    def _check(self, unit: str, key: str, spent: Spent) -> None:
        for name, used, what in ((unit, spent.cost, "cost"), (f"{unit}_tokens", spent.tokens, "tokens")):
            limit = self._budget.limits.get(name)
            if limit is not None and used > limit:
                self._tell(name, key, f"budget used up: {used:.6g} of {limit:g} {what} this {unit} ({key})", used, limit)

    def _tell(self, name: str, key: str, text: str, used: float | None = None, limit: float | None = None) -> None:
        """Once for each limit and period: record, say, call."""
        if (name, key) in self._told:
            return
        self._told.add((name, key))
        self._door.record(Logged(level="warning", message=text, tags=("budget",)), now=True)
        self._say(f"agentlog: {text}")
        if self._budget.command and used is not None:
            _call(self._budget.command, {"budget": name, "period": key, "used": used, "limit": limit, "message": text})

    def _of_others(self, day: str) -> Spent:
        """What other processes (and earlier ones) used today, as the store says."""
        if self._read_at is None or clock.monotonic() - self._read_at > AGAIN:
            self._read_at = clock.monotonic()
            try:
                self._others = self._read(day)
            except AgentlogError as error:
                guard.note("budget", str(error))
        return self._others

    def _read(self, day: str) -> Spent:
        from agentlog.costs.spending import calls, price_of
        from agentlog.store import Store

        found, table, own = Spent(), prices(), set(self._sessions)
        store = Store.open(self._door.folder)
        try:
            for session in store.sessions(since=None):
                if session.id not in own and (session.ended is None or session.ended[:10] >= day):
                    for call in calls(store, session.id):
                        if call.time[:10] == day:
                            found.add(price_of(call, table).cost, call.tokens.get("input", 0) + call.tokens.get("output", 0))
        finally:
            store.close()
        return found


def attach(door: Recorder, text: str | None = None) -> None:
    """Watch for the budget `text`, else that of the environment; "" takes it away. Raises UsageError for one that cannot be read."""
    text = os.environ.get(VARIABLE, "") if text is None else text
    door.on_call = Allowance(door, Budget.parse(text)).spent if text.strip() else None


def _call(command: str, facts: dict[str, object]) -> None:
    """Start the command with the facts as JSON in AGENTLOG_BUDGET_EVENT; nobody waits for it."""
    environment = {**os.environ, "AGENTLOG": "false", "AGENTLOG_BUDGET_EVENT": json.dumps(facts)}
    try:
        words = shlex.split(command)
        words[:1] = [shutil.which(words[0]) or words[0]]  # looked up here: subprocess would touch the host's warning filters
        subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    except (OSError, ValueError) as error:
        guard.note("budget", f"cannot call {command!r}: {error}")


def _on_stderr(text: str) -> None:
    stream = sys.__stderr__
    if stream is not None:
        print(text, file=stream, flush=True)
