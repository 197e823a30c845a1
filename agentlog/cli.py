"""The command line: find the command, run it, print its result, turn errors into one line.

Exit codes: 0 done; 1 the command did its work and what it ran or checked failed; 2 it could not do what was asked.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from agentlog import progress
from agentlog.commands import COMMANDS, MAGICS, load, parser_for
from agentlog.desk import Desk
from agentlog.errors import AgentlogError
from agentlog.writable import writable

READING = frozenset({*MAGICS, "stats"})
"""Commands whose long results go through the reader's pager."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `agentlog ARGUMENTS` and return the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    progress.enabled = True
    try:
        with writable(sys.stdout):
            return _run(words)
    except AgentlogError as error:
        print(f"agentlog: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:
        print(f"agentlog: {' '.join(words[:1])} could not go on: {error}", file=sys.stderr)
        _drop_output()
        return 2
    except KeyboardInterrupt:
        return 130
    except SystemExit as leaving:  # argparse after --help
        return int(leaving.code or 0)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] in ("-V", "--version"):
        from agentlog import __version__

        print(f"agentlog {__version__}")
        return 0
    name, rest = words[0], words[1:]
    module = load(name)
    code = module.directly(rest) if hasattr(module, "directly") else None
    if code is not None:
        return int(code)
    parser = parser_for(name, "agentlog")
    parser.add_argument("--store", metavar="DIR", help="the store to use (default: AGENTLOG_DIR, else .agentlog of the project)")
    args = parser.parse_args(rest)
    desk = Desk(args.store)
    try:
        result = module.run(args, desk)
        if result is not None:
            as_json = getattr(args, "json", False)
            if as_json:
                print(_json(result.as_json()))
            elif name in READING:
                from agentlog.pager import show

                show(str(result))
            else:
                print(result)
        return int(getattr(result, "exit_code", 0))
    finally:
        desk.close()


def _json(data: object) -> str:
    """Escaped where standard output is not UTF-8: valid JSON in every encoding."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return json.dumps(data, ensure_ascii=encoding.lower() not in ("utf-8", "utf8"))


def _drop_output() -> None:
    """Let nothing that is still buffered fail a second time when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overview() -> str:
    lines = ["usage: agentlog COMMAND [options]      (agentlog COMMAND --help)", ""]
    lines += [f"  {name:10} {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(lines)
