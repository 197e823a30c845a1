"""A session told again, in order: user input, thought, tool, result, failure, and what other agents it started did.

replay                   the latest session
replay SESSION           an id, the end of one, or -2 for the one before the latest
"""

from __future__ import annotations

import argparse

from agentlog.desk import Desk
from agentlog.replay import Replay, replay

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="session id or the end of one (default: the latest)")
    parser.add_argument("--all", action="store_true", help="plain log lines, spans and functions too")


def run(args: argparse.Namespace, desk: Desk) -> Replay:
    """The tale."""
    return replay(desk.store, desk.store.session(args.session or desk.session), everything=args.all)
