"""Run notebooks with the recorder in their kernel: a line per cell, the context of the failure at the end.

    agentlog run analysis.ipynb -o out.ipynb --param n=3 --timeout 60
    agentlog run app.py ARGS...      agentlog run -m module ARGS...      agentlog run command ARGS...

Exit codes of notebooks: 0 every cell did what it should, 1 a cell failed, 2 it could not be run. A program runs in
our place, with AGENTLOG=true: its output, signals and exit code are its own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from agentlog.amounts import LEAST_TOKENS, at_least, seconds
from agentlog.desk import Desk
from agentlog.errors import MissingExtra, NotFound, UsageError

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to run and how, and what to tell of it."""
    what_and_how(parser)
    parser.add_argument("-j", "--jobs", type=at_least(1), default=1, metavar="N", help="notebooks at a time")
    parser.add_argument("--on", metavar="dask://HOST:PORT", help="run them on a Dask cluster")
    parser.add_argument("--junit", metavar="XML", help="write a JUnit report")
    parser.add_argument("--summary", metavar="JSON", help="write a JSON summary")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")


def what_and_how(parser: argparse.ArgumentParser) -> None:
    """What is known of a notebook that waits in the queue, too."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="notebooks; or one program and its arguments")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the executed notebook (default: NAME.executed.ipynb); a folder for several"
    )
    parser.add_argument("-i", "--in-place", action="store_true", help="write the executed notebook over the original")
    parser.add_argument(
        "-p", "--param", action="append", default=[], metavar="NAME=VALUE", help="set a parameter (papermill's semantics)"
    )
    parser.add_argument("--timeout", type=seconds, metavar="S", help="seconds for each cell")
    parser.add_argument("--total-timeout", type=seconds, metavar="S", help="seconds for all cells of a notebook")
    parser.add_argument("--keep-going", action="store_true", help="run the cells after a failed one too")
    parser.add_argument("--resume", action="store_true", help="go on at the first cell that failed or did not run")
    parser.add_argument("--kernel", metavar="NAME", help="kernelspec to use instead of the notebook's own")
    parser.add_argument("--cwd", metavar="DIR", help="working directory (default: the notebook's folder)")
    parser.add_argument("--memory", metavar="SIZE", help="address space of each kernel, such as 4G")
    parser.add_argument(
        "--tokens", type=at_least(LEAST_TOKENS), default=4_000, metavar="N", help="budget of the context of a failure"
    )


def run(args: argparse.Namespace, desk: Desk) -> object:
    """Notebooks by our runner, anything else as a program."""
    if Path(args.files[0]).suffix != ".ipynb" and not Path(args.files[0]).is_dir():
        return _run_program(args)
    try:
        from agentlog_ipy.batch import run_command
    except ImportError as missing:
        raise MissingExtra(f"running notebooks ({missing.name})", "jupyter") from None
    return run_command(args, desk.place)


def directly(words: list[str]) -> int | None:
    """A program runs in our place: `words` after its name are its own. None: these are notebooks, to be parsed."""
    from agentlog.program import execute, program_of

    program = program_of(words)
    return None if program is None else execute(program)


def _run_program(args: argparse.Namespace) -> object:
    """A program after options of notebooks."""
    path = Path(args.files[0])
    if not path.exists():
        raise NotFound(f"no file {path}")
    raise UsageError(f"{path} is not a notebook: what comes before a program is only --store, and what comes after is its own")
