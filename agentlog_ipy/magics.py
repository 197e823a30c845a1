"""`%agentlog`: finds the command, runs it on the live store, returns what it found.

The commands are those of the command line (`agentlog.commands`); those of `live` belong to the running kernel.
What a user gets wrong is one line on stderr, never a traceback, and the cell goes on.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING

from IPython.core.magic import no_var_expand

from agentlog.commands import COMMANDS, MAGICS, Parser, load, parser_for
from agentlog.desk import Desk
from agentlog.errors import AgentlogError, UsageError
from agentlog.guard import note
from agentlog_ipy.live import LIVE, Said

if TYPE_CHECKING:
    from agentlog_ipy.extension import Attachment

NAME = "agentlog"
PROGRAM = "%agentlog"


class Magic:
    """The line magic of one attachment."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._shell = attachment.shell

        def agentlog(line: str) -> object:
            return self.run(line)

        agentlog.__doc__ = str(overview())
        self._function = no_var_expand(agentlog)

    def attach(self) -> None:
        """Make `%agentlog` known."""
        self._shell.register_magic_function(self._function, "line", NAME)

    def detach(self) -> None:
        """Forget `%agentlog`, if it is still ours."""
        lines = self._shell.magics_manager.magics["line"]
        if lines.get(NAME) is self._function:
            del lines[NAME]

    def run(self, line: str) -> object:
        """The result of `%agentlog LINE`, which displays itself; None after a mistake that was explained on stderr."""
        try:
            words = shlex.split(line)
            return self._run(words[0], words[1:]) if words else overview()
        except (AgentlogError, ValueError) as error:
            print(f"{PROGRAM}: {error}", file=sys.stderr)
        except SystemExit:  # argparse after --help
            pass
        except Exception as error:
            note("magic", error)
            print(f"{PROGRAM} {line}: {type(error).__name__} inside agentlog; see {PROGRAM} status", file=sys.stderr)
        return None

    def _run(self, name: str, rest: list[str]) -> object:
        if name in ("help", "-h", "--help"):
            return overview()
        args = parser_of(name).parse_args(rest)
        if name in LIVE:
            return LIVE[name].run(self._attachment, args)
        self._attachment.flush()
        recorder, command = self._attachment.recorder, load(name)
        tasks_too = getattr(command, "TASKS_TOO", False)
        desk = Desk(recorder.folder, session=recorder.session, live=True, tasks_too=tasks_too, held=recorder.held())
        try:
            return _as_asked(command.run(args, desk), args)
        finally:
            desk.close()


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a subcommand. Raises UsageError with the nearest name for one that is not known."""
    if name in LIVE:
        parser = Parser(prog=f"{PROGRAM} {name}", description=LIVE[name].summary)
        LIVE[name].arguments(parser)
        return parser
    if name in MAGICS:
        return parser_for(name, PROGRAM)
    if name in COMMANDS:
        raise UsageError(f"{name!r} is for the command line: !agentlog {name} ...")
    from difflib import get_close_matches

    near = get_close_matches(name, (*MAGICS, *LIVE), 1)
    raise UsageError(
        f"unknown command {name!r}; "
        + (f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join((*MAGICS, *LIVE))}")
    )


def overview() -> Said:
    """All subcommands, a line each."""
    lines = ["%agentlog COMMAND [options]      (%agentlog COMMAND --help)", ""]
    lines += [f"  {name:10} {COMMANDS[name]}" for name in MAGICS]
    lines += [f"  {name:10} {command.summary}" for name, command in LIVE.items()]
    return Said("\n".join(lines))


def _as_asked(result: object, args: argparse.Namespace) -> object:
    """The result itself, or what `--json` asks for; text displays without quotes."""
    if getattr(args, "json", False) and hasattr(result, "as_json"):
        return Said(json.dumps(result.as_json(), ensure_ascii=False))
    return Said(result) if isinstance(result, str) else result
