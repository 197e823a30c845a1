"""One module a command; the command line and the magics run the same ones.

A command module has
    SUMMARY: str                                   one line for `--help`
    def arguments(parser) -> None                  adds its options
    def run(args, desk) -> object                  does the work and returns what it found
    def directly(words) -> int | None              optional: takes the words unparsed and returns the exit code, or None

The result displays itself: `str(result)` is the text for a terminal or an agent. It may also have
    as_json() -> JSON data      printed under `--json` (the option is added where `JSON = True`)
    exit_code: int              for the command line (0 when absent)
    _repr_html_()               for notebooks
A command that cannot do what was asked raises an `AgentlogError`: one line, exit code 2.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from agentlog.errors import UsageError

COMMANDS: dict[str, str] = {
    "run": "agentlog.commands.run",
    "exec": "agentlog.commands.exec",
    "kernels": "agentlog.commands.kernels",
    "queue": "agentlog.commands.queue",
    "context": "agentlog.commands.context",
    "rules": "agentlog.commands.rules",
    "diff": "agentlog.commands.diff",
    "why": "agentlog.commands.why",
    "timeline": "agentlog.commands.timeline",
    "history": "agentlog.commands.history",
    "show": "agentlog.commands.show",
    "sessions": "agentlog.commands.sessions",
    "replay": "agentlog.commands.replay",
    "flow": "agentlog.commands.flow",
    "report": "agentlog.commands.report",
    "regress": "agentlog.commands.regress",
    "gc": "agentlog.commands.gc",
    "verify": "agentlog.commands.verify",
    "doctor": "agentlog.commands.doctor",
    "install": "agentlog.commands.install",
    "init": "agentlog.commands.init",
    "export": "agentlog.commands.export",
    "import": "agentlog.commands.import_",
    "push": "agentlog.commands.push",
    "share": "agentlog.commands.share",
    "pull": "agentlog.commands.pull",
    "mcp": "agentlog.commands.mcp",
    "metrics": "agentlog.commands.metrics",
    "stats": "agentlog.commands.stats",
    "follow": "agentlog.commands.follow",
    "watch": "agentlog.commands.watch",
}
"""Name of a command -> its module, imported when it is used."""

MAGICS: tuple[str, ...] = ("context", "diff", "why", "timeline", "history", "show", "sessions", "replay", "flow", "report")
"""The commands that `%agentlog` offers too; the live ones (status, on, off, session) are in agentlog_ipy.magics."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are ours: one line, and the caller decides what to do with it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message} (see {self.prog} --help)")


def load(name: str) -> ModuleType:
    """The module of the command `name`. Raises UsageError with the nearest names for an unknown one."""
    if name not in COMMANDS:
        from difflib import get_close_matches

        near = get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join(sorted(COMMANDS))}"
        raise UsageError(f"unknown command {name!r}; {hint}")
    return import_module(COMMANDS[name])


def parser_for(name: str, prog: str) -> Parser:
    """The parser of one command, `prog` being what the user typed before its options."""
    module = load(name)
    parser = Parser(prog=f"{prog} {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    module.arguments(parser)
    if getattr(module, "JSON", False):
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser
