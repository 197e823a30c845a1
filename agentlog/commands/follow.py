"""Hand recordings over to PostgreSQL (extra `postgres`) or an OpenTelemetry receiver (extra `otel`) as they are written.

    agentlog follow postgresql://writer@db.example/recordings          follows the store of this project
    agentlog follow postgresql://... --once                            what is there now, and ends
    agentlog follow http://localhost:4318                              spans and logs as OTLP, until interrupted

With AGENTLOG_FOLLOW=URL a follower starts by itself with each recording. It may be interrupted, killed, cut off at any
moment, and run beside others: each event is in the database once (at a receiver at least once, with the same ids). Reading commands take the URL as their --store.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path

from agentlog.amounts import seconds
from agentlog.desk import Desk
from agentlog.errors import NotFound, StoreError, UsageError
from agentlog.followers.loop import Follower, Target
from agentlog.followers.loop import run as run_follower
from agentlog.followers.postgres import prepare
from agentlog.followers.postgres_link import Link, is_postgres, shown
from agentlog.followers.postgres_writer import target_for
from agentlog.followers.start import LOCK, VARIABLE
from agentlog.places import locked
from agentlog.segments import FOLDER
from agentlog.settings import store_folder

PATIENCE = 600.0
"""Seconds that an automatic follower goes on trying after the last recording ended."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", nargs="?", help=f"postgresql://… or http://… (default: {VARIABLE})")
    parser.add_argument("--once", action="store_true", help="hand over what is there, then end")
    parser.add_argument("--prepare", action="store_true", help="only make the tables, as the role that is to own them")
    parser.add_argument("--interval", type=seconds, default=1.0, metavar="SECONDS", help="between two looks (default 1)")
    parser.add_argument("--automatic", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace, desk: Desk) -> str | None:
    """How much was handed over."""
    url = args.url or os.environ.get(VARIABLE, "")
    otlp = url.startswith(("http://", "https://"))
    if not otlp and not is_postgres(url):
        raise UsageError(
            f"follow needs the URL of a PostgreSQL database, postgresql://…, or of an OTLP receiver, http://…, not {url!r}"
        )
    if args.prepare and not otlp:
        with closing(Link(url)) as link:
            prepare(link)
        return f"{shown(url)}: the tables are there"
    folder = Path(desk.place).expanduser().absolute() if desk.place is not None else store_folder()
    if not (folder / FOLDER).is_dir():
        raise NotFound(f"no store yet at {folder}: there is nothing to follow")
    with closing(Follower(folder, _target(url, folder))) as follower:
        if args.automatic:
            _automatic(follower, folder, args.interval)
            return None
        if args.once:
            if not follower.catch_up():
                raise StoreError(follower.trouble)
            return f"{shown(url)}: {follower.taken:,} bytes handed over"
        print(f"following {folder} into {shown(url)} (interrupt to stop)", file=sys.stderr, flush=True)
        run_follower(follower, interval=args.interval, told=_Saying())
    return None


def _target(url: str, folder: Path) -> Target:
    if is_postgres(url):
        return target_for(url, folder)
    from agentlog.followers.otlp import OtlpTarget

    return OtlpTarget(url, folder)


def _automatic(follower: Follower, folder: Path, interval: float) -> None:
    """Follow while anybody records; where another follower does already, leave it to that one."""
    with locked(folder / LOCK, 0) as mine:
        if mine:
            run_follower(follower, interval=interval, patience=PATIENCE, told=_Saying())


class _Saying:
    """Tells of each trouble once, and when it is over."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, text: str) -> None:
        if text != self._last:
            print(text or "reached it again", file=sys.stderr, flush=True)
            self._last = text
