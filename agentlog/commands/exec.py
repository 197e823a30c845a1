"""Run code in a named kernel that lives on: for agents that have only a shell.

    agentlog exec "df = load()"            starts the kernel `default` on first use
    agentlog exec --kernel work -f step.py
    agentlog kernels list

Prints what an agent should read, within --tokens. Exit codes: 0 ok, 1 the code failed, 2 it was not run.
"""

from __future__ import annotations

import argparse

from agentlog.amounts import LEAST_TOKENS, at_least, seconds
from agentlog.desk import Desk
from agentlog.errors import MissingExtra

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to run and where."""
    parser.add_argument("code", nargs="?", help="the code; - reads standard input")
    parser.add_argument("-f", "--file", metavar="FILE", help="a file with the code; - reads standard input")
    parser.add_argument("-k", "--kernel", default="default", metavar="NAME", help="the kernel's name (default: %(default)s)")
    parser.add_argument("--spec", default="python3", metavar="SPEC", help="kernelspec of a kernel that must be started")
    parser.add_argument("--cwd", metavar="DIR", help="working directory of a kernel that must be started")
    parser.add_argument("--no-record", action="store_true", help="start it without the recorder")
    parser.add_argument("--timeout", type=seconds, metavar="S", help="stop it after S seconds")
    parser.add_argument("--kill", action="store_true", help="after the timeout, kill a kernel that nothing else stops")
    parser.add_argument("--answer", action="append", default=[], metavar="TEXT", help="what input() gets, in order")
    parser.add_argument("--tokens", type=at_least(LEAST_TOKENS), default=1_000, metavar="N", help="budget of what is printed")


def run(args: argparse.Namespace, desk: Desk) -> object:
    """Run it."""
    try:
        from agentlog_ipy.shell_commands import execute
    except ImportError as missing:
        raise MissingExtra(f"agentlog exec ({missing.name})", "jupyter") from None
    return execute(args, desk.place)
