"""Run a command, or call a webhook, for each failure as it is recorded: a cell, a dead kernel, an uncaught exception.

agentlog watch --on-failure 'mail -s "$AGENTLOG_ALERT_ERROR" me@example.org'      the context is on its stdin
agentlog watch --webhook https://chat.example/hooks/...                           the alert as JSON, with retries
agentlog watch --on-failure 'claude -p "fix this"' --once                         the next failure, then ends
"""

from __future__ import annotations

import argparse
import sys
import time

from agentlog.amounts import LEAST_TOKENS, at_least, seconds
from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.metrics.alerts import Receiver, Watch, command, tell_all, webhook
from agentlog.transfer import is_url


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on-failure", action="append", default=[], metavar="COMMAND", help="run by the shell, the context on its stdin"
    )
    parser.add_argument("--webhook", action="append", default=[], metavar="URL", help="told by POST, as JSON")
    parser.add_argument("--from-start", action="store_true", help="also of failures that are recorded already, then ends")
    parser.add_argument("--once", action="store_true", help="end after the first failure")
    parser.add_argument(
        "--tokens", type=at_least(LEAST_TOKENS), default=4000, metavar="N", help="size of the context (default 4000)"
    )
    parser.add_argument("--interval", type=seconds, default=1.0, metavar="SECONDS", help="between two looks (default 1)")


def run(args: argparse.Namespace, desk: Desk) -> Watched:
    """How many alerts there were."""
    wrong = [url for url in args.webhook if not is_url(url)]
    if wrong or not (args.on_failure or args.webhook):
        raise UsageError(f"{wrong[0]!r} is no URL" if wrong else "watch needs --on-failure COMMAND or --webhook URL")
    receivers = [*map(command, args.on_failure), *map(webhook, args.webhook)]
    watch = Watch(desk.store, from_start=args.from_start, tokens=args.tokens)
    print("watching for failures (interrupt to stop)", file=sys.stderr, flush=True)
    watched = Watched()
    try:
        while not watched.look(watch, receivers, once=args.once) and not args.from_start:
            time.sleep(args.interval)
    except KeyboardInterrupt:
        pass
    return watched


class Watched:
    """Alerts that came, and tellings that failed."""

    def __init__(self) -> None:
        self.alerts = self.failed = 0

    @property
    def exit_code(self) -> int:
        return 1 if self.failed else 0

    def look(self, watch: Watch, receivers: list[Receiver], *, once: bool) -> bool:
        """Tell of what is new; True when that was all."""
        for alert in watch.new():
            self.alerts += 1
            self.failed += tell_all(alert, receivers)
            if once:
                return True
        return False

    def __str__(self) -> str:
        return f"{self.alerts} failures" + (f", {self.failed} tellings did not succeed" if self.failed else "")
