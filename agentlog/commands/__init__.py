"""One module a command, named like it; the command line and the magics run the same ones.

A command module has
    def arguments(parser) -> None                  adds its options
    def run(args, desk) -> object                  does the work and returns what it found
    def directly(words) -> int | None              optional: takes the words unparsed and returns the exit code, or None

The result displays itself: `str(result)` is the text for a terminal or an agent. It may also have
    as_json() -> JSON data      printed under `--json` (the option is added where `JSON = True`)
    exit_code: int              for the command line (0 when absent)
    _repr_html_()               for notebooks
`TASKS_TOO = True`: asked of a live kernel, its session holds what was done in named tasks inside it too.
A command that cannot do what was asked raises an `AgentlogError`: one line, exit code 2.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from agentlog.errors import UsageError

COMMANDS: dict[str, str] = {
    "run": "run notebooks (or a program) with the recorder in them",
    "exec": "run code in a named kernel that outlives the command",
    "kernels": "list, interrupt, restart and stop named kernels",
    "queue": "queue notebooks: add, list, pause, resume, cancel, work",
    "context": "what an agent needs to fix the last failure",
    "rules": "lines for an agent's instructions",
    "diff": "what is different between executions, runs, sessions or notebooks",
    "why": "which cells made and changed a name, and which are stale",
    "timeline": "the session's executions with their effects on names",
    "history": "list what ran, and how it ended",
    "show": "show one execution whole",
    "sessions": "list the sessions of the store",
    "replay": "a session told again: input, thought, tool, result, failure",
    "flow": "several agents as a tree, and where bad data entered",
    "report": "a session as one HTML file: step by step, with the names at each step",
    "regress": "are later runs worse than good ones? exit code 1 if so",
    "gc": "remove old recordings, pack the rest",
    "verify": "check the journal against tampering",
    "doctor": "check what is active, where the store is, what is missing",
    "install": "a kernel, or an IPython profile, that records",
    "init": "prepare a project: .gitignore, agent rules, CI",
    "export": "write recordings to JSONL, CSV, Parquet, Excel, SQLite or a notebook",
    "import": "read JSON lines or a bundle into the store",
    "push": "bundle recordings into one file, or send it",
    "share": "share a session by Cloudflare D1",
    "pull": "add a bundle's recordings to the store",
    "mcp": "serve recordings and kernels to MCP clients",
    "metrics": "serve or write metrics for Prometheus",
    "stats": "success, latency, tokens and cost, with trends and comparisons",
    "follow": "hand recordings over to PostgreSQL or OpenTelemetry as they are written",
    "watch": "run a command or call a webhook on each failure",
}
"""Name of a command -> one line for `--help`; its module is imported when it is used."""
_MODULES = {"import": "import_"}
"""Those whose name no module can have."""

MAGICS: tuple[str, ...] = ("context", "diff", "why", "timeline", "history", "show", "sessions", "replay", "flow", "report")
"""The commands that `%agentlog` offers too; the live ones (status, on, off, session) are in agentlog_ipy.magics."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are ours: one line, and the caller decides what to do with it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog.partition(' ')[2]}: {message} (see {self.prog} --help)")


def load(name: str) -> ModuleType:
    """The module of the command `name`. Raises UsageError with the nearest names for an unknown one."""
    if name not in COMMANDS:
        from difflib import get_close_matches

        near = get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join(sorted(COMMANDS))}"
        raise UsageError(f"unknown command {name!r}; {hint}")
    return import_module(f"agentlog.commands.{_MODULES.get(name, name)}")


def parser_for(name: str, prog: str) -> Parser:
    """The parser of one command, `prog` being what the user typed before its options."""
    module = load(name)
    parser = Parser(prog=f"{prog} {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    module.arguments(parser)
    if getattr(module, "JSON", False):
        parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    return parser
