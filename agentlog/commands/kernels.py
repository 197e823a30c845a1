"""The named kernels that `agentlog exec` started: list them, interrupt, restart or stop them.

agentlog kernels list
agentlog kernels restart work --replay     a new process, and the cells that were ok run again
agentlog kernels stop --all
"""

from __future__ import annotations

import argparse

from agentlog.desk import Desk
from agentlog.errors import MissingExtra

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which."""
    parser.add_argument("action", nargs="?", default="list", choices=("list", "stop", "interrupt", "restart"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--replay", action="store_true", help="restart: run the cells that were ok again, from the journal")


def run(args: argparse.Namespace, desk: Desk) -> object:
    """Do it."""
    try:
        from agentlog_ipy.shell_commands import kernels
    except ImportError as missing:
        raise MissingExtra(f"agentlog kernels ({missing.name})", "jupyter") from None
    return kernels(args, desk.place)
