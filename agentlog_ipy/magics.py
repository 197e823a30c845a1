"""`%agentlog`: finds the command, runs it on the live store, returns what it found.

The commands are those of the command line (`agentlog.commands`); `status`, `on`, `off` and `session` belong to the
live kernel. What a user gets wrong is one line on stderr, never a traceback, and the cell goes on.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from IPython.core.magic import no_var_expand

from agentlog.commands import MAGICS, load, parser_for
from agentlog.desk import Desk
from agentlog.errors import AgentlogError, UsageError
from agentlog.guard import note

if TYPE_CHECKING:
    from agentlog_ipy.extension import Attachment

NAME = "agentlog"


class Magic:
    """The line magic of one attachment."""

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._shell = attachment.shell
        self._live: dict[str, Callable[[Sequence[str]], object]] = {}

        @no_var_expand
        def agentlog(line: str) -> object:
            """%agentlog context | diff | why | timeline | history | show | sessions | status | on | off | session"""
            return self.run(line)

        self._function = agentlog

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
            return self._run(words[0], words[1:]) if words else self._overview()
        except (AgentlogError, ValueError) as error:
            print(f"%agentlog: {error}", file=sys.stderr)
        except SystemExit:  # argparse after --help
            pass
        except Exception as error:
            note("magic", error)
            print(f"%agentlog {line}: {type(error).__name__} inside agentlog; noted in %agentlog status", file=sys.stderr)
        return None

    def _run(self, name: str, rest: list[str]) -> object:
        if name in self._live:
            return self._live[name](rest)
        if name not in MAGICS:
            raise UsageError(f"unknown command {name!r}; the commands are {', '.join((*MAGICS, *self._live))}")
        recorder = self._attachment.recorder
        self._attachment.flush()
        desk = Desk(recorder.folder, session=recorder.session, live=True)
        try:
            return load(name).run(parser_for(name, "%agentlog").parse_args(rest), desk)
        finally:
            desk.close()

    def _overview(self) -> object:
        return None
