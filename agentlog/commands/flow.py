"""Several agents as a tree: who started whom, what was handed over, and where the value that failed came from.

flow                     the latest task with everything around and below it
flow SESSION             that session and what it started
"""

from __future__ import annotations

import argparse

from agentlog.desk import Desk
from agentlog.flow import Flow, flow, root_of

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="session id or the end of one (default: the latest task)")


def run(args: argparse.Namespace, desk: Desk) -> Flow:
    """The tree."""
    store = desk.store
    return flow(store, store.session(args.session) if args.session else root_of(store, store.session(desk.session)))
