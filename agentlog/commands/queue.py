"""A queue of notebooks that survives its runner.

agentlog queue add a.ipynb b.ipynb --timeout 60
agentlog queue work -j 2          run what waits; a second runner, here or elsewhere, may help
agentlog queue list               what waits, runs (how long, last output, stuck or slow) and how the rest ended
agentlog queue pause | resume | cancel ID
"""

from __future__ import annotations

import argparse
from typing import Any

from agentlog.amounts import at_least
from agentlog.commands import run as run_command
from agentlog.desk import Desk
from agentlog.errors import MissingExtra

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """A parser for each action."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _action(actions, "list", "all jobs and what they do")
    _action(actions, "clear", "forget the jobs that ended")
    run_command.what_and_how(_action(actions, "add", "queue notebooks"))
    for name, words in (
        ("pause", "begin nothing new, or hold jobs"),
        ("resume", "go on"),
        ("cancel", "take jobs out, running ones too"),
    ):
        _action(actions, name, words).add_argument("jobs", nargs="*", metavar="ID")
    work = _action(actions, "work", "run what waits")
    work.add_argument("-j", "--jobs", dest="at_once", type=at_least(1), default=1, metavar="N", help="notebooks at a time")
    work.add_argument("--watch", action="store_true", help="wait for more when nothing is left")
    work.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def _action(actions: Any, name: str, words: str) -> argparse.ArgumentParser:
    """The parser of one action; what every command takes may stand behind the action too."""
    parser: argparse.ArgumentParser = actions.add_parser(name, help=words)
    parser.add_argument("--store", metavar="DIR", default=argparse.SUPPRESS, help="the store to use")
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON, for programs")
    return parser


def run(args: argparse.Namespace, desk: Desk) -> object:
    """Do it."""
    try:
        from agentlog_ipy.queue_commands import queue
    except ImportError as missing:
        raise MissingExtra(f"agentlog queue ({missing.name})", "jupyter") from None
    return queue(args, desk.place)
