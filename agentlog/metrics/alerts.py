"""Watching for failures, for people without Prometheus: a command or a webhook is told of each, with the context.

A failure is a cell that did not end as it should, a kernel that died, or an exception that nobody caught. Of an execution
that failed with several events one alert comes. What happened before the watching began is no news.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from agentlog.errors import AgentlogError, StoreError
from agentlog.events import FAILED
from agentlog.gather import Record, error_line
from agentlog.store import Store
from agentlog.tail import Tail
from agentlog.transfer import send_json, shown_url

UNCAUGHT = frozenset({"uncaught", "thread", "asyncio", "unraisable", "child"})
COMMAND_SECONDS = 300.0
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Alert:
    """One failure. `execution` is None for what happened outside cells; `context`: what `agentlog context` says of it."""

    session: str
    execution: str | None
    status: str
    error: str
    time: str
    title: str
    context: str = ""


Receiver = Callable[[Alert], None]
"""Told of one alert. Raises StoreError where that did not succeed."""


class Watch:
    """Finds failures in a store as they are recorded."""

    def __init__(self, store: Store, *, from_start: bool = False, tokens: int = 4000) -> None:
        """`from_start`: also what is there already."""
        self._store = store
        self._tail = Tail(store.source)
        self._told: dict[str, None] = {}
        self._silent: dict[str, None] = {}
        self._tokens = tokens
        if not from_start:
            self._tail.skip()

    def new(self) -> Iterator[Alert]:
        """The failures since the last time."""
        for piece in self._tail.new():
            for record in piece.records():
                found = self._failure(record)
                if found is not None and not _seen(self._told, found.execution or found.session + found.time):
                    yield self._with_context(found)

    def _failure(self, record: Record) -> Alert | None:
        kind = record.get("e")
        execution = str(record["x"]) if record.get("x") else None
        if kind == "cell.start" and (record.get("own") or record.get("internal")) and execution:
            _seen(self._silent, execution)
        if execution in self._silent:
            return None
        if kind == "cell.end" and record.get("status") in FAILED:
            return self._alert(record, execution, str(record["status"]), "")
        if kind == "process.died":
            said = record.get("signal") or f"exit code {record.get('exit_code')}"
            return self._alert(record, execution, "died", f"died: {said}")
        if kind == "error" and not execution and record.get("origin") in UNCAUGHT:
            failure = record.get("failure")
            failure = failure if isinstance(failure, dict) else {}
            return self._alert(record, None, "error", error_line(failure.get("type"), failure.get("message")))
        return None

    def _alert(self, record: Record, execution: str | None, status: str, error: str) -> Alert:
        return Alert(str(record.get("s")), execution, status, error, str(record.get("t")), "")

    def _with_context(self, alert: Alert) -> Alert:
        """The alert with what the store knows of it; what cannot be read is said in place of the context."""
        from agentlog.context import build

        try:
            title = self._store.session(alert.session).title
            error = alert.error
            if alert.execution:
                error = self._store.execution(alert.execution).error or error or alert.status
            context = build(self._store, session=alert.session, execution=alert.execution).render("text", self._tokens)
        except AgentlogError as trouble:
            return replace(alert, title=alert.session[-6:], context=str(trouble))
        return replace(alert, title=title, error=error, context=context)


def _seen(known: dict[str, None], key: str) -> bool:
    """Was `key` there? It is now; the oldest are forgotten."""
    if key in known:
        return True
    known[key] = None
    while len(known) > REMEMBERED:
        del known[next(iter(known))]
    return False


# --- receivers ------------------------------------------------------------------------------------------------------


def command(words: str | Sequence[str], seconds: float = COMMAND_SECONDS) -> Receiver:
    """Runs a command (a text: by the shell) with the context on its stdin and the facts in AGENTLOG_ALERT_… variables."""

    def tell(alert: Alert) -> None:
        facts = {key: str(value or "") for key, value in asdict(alert).items() if key != "context"}
        environment = {
            **os.environ,
            "AGENTLOG": "false",
            **{f"AGENTLOG_ALERT_{key.upper()}": value for key, value in facts.items()},
        }
        try:
            done = subprocess.run(
                words,
                shell=isinstance(words, str),
                input=alert.context.encode("utf-8", "replace"),
                env=environment,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StoreError(f"{words!r} was stopped: it took more than {seconds:.0f} s") from None
        except OSError as error:
            raise StoreError(f"cannot run {words!r}: {error.strerror or error}") from None
        if done.returncode:
            raise StoreError(f"{words!r} ended with exit code {done.returncode}")

    return tell


def webhook(url: str) -> Receiver:
    """POSTs the alert as JSON, with retries: the fields of `Alert`, and "text" (one line) for chat services."""

    def tell(alert: Alert) -> None:
        label = f" ({alert.execution[-6:]})" if alert.execution else ""
        text = f"{alert.title}{label}: {alert.error or alert.status}"
        data: dict[str, Any] = {**asdict(alert), "text": text}
        try:
            send_json(url, data)
        except StoreError as error:
            raise StoreError(f"the webhook {shown_url(url)} was not told: {error}") from None

    return tell


def tell_all(alert: Alert, receivers: Sequence[Receiver]) -> int:
    """Tell every receiver; returns how many could not be told, which is said on stderr."""
    failed = 0
    for receiver in receivers:
        try:
            receiver(alert)
        except StoreError as error:
            failed += 1
            print(f"agentlog: {error}", file=sys.stderr, flush=True)
    return failed
