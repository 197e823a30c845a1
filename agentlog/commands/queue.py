"""A queue of notebooks that survives its runner.

agentlog queue add a.ipynb b.ipynb --timeout 60
agentlog queue work -j 2          run what waits; a second runner, here or elsewhere, may help
agentlog queue list               what waits, runs (how long, last output, stuck or slow) and how the rest ended
agentlog queue pause | resume | cancel ID
"""

from __future__ import annotations

import argparse

from agentlog.commands import run as run_command
from agentlog.desk import Desk
from agentlog.errors import MissingExtra

SUMMARY = "queue notebooks: add, list, pause, resume, cancel, work"
JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """A parser for each action."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="all jobs and what they do")
    actions.add_parser("clear", help="forget the jobs that ended")
    add = actions.add_parser("add", help="queue notebooks, with the options of agentlog run")
    run_command.arguments(add)
    for name, words in (
        ("pause", "begin nothing new, or hold jobs"),
        ("resume", "go on"),
        ("cancel", "take jobs out, running ones too"),
    ):
        actions.add_parser(name, help=words).add_argument("jobs", nargs="*", metavar="ID")
    work = actions.add_parser("work", help="run what waits")
    work.add_argument("-j", "--jobs", dest="at_once", type=int, default=1, metavar="N", help="notebooks at a time")
    work.add_argument("--watch", action="store_true", help="wait for more when nothing is left")
    work.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace, desk: Desk) -> object:
    """Do it."""
    try:
        from agentlog_ipy.queue_commands import queue
    except ImportError as missing:
        raise MissingExtra(f"agentlog queue ({missing.name})", "jupyter") from None
    return queue(args, desk.place)
