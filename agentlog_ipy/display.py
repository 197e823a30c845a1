"""The one quiet line after a failure: that a context is there, and how to get it.

Only where a person loaded the extension by hand and looks at the screen: a cell of a front end that names its cells
and can ask back, or a terminal on both ends. Never under AGENTLOG=true, nbclient, papermill, or through a pipe.
`%agentlog hint off` or AGENTLOG_HINT=off turns it off.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

from agentlog.events import Status
from agentlog.guard import guarded
from agentlog.settings import OFF
from agentlog_ipy.cell import Cell
from agentlog_ipy.displays import OURS
from agentlog_ipy.whereabouts import Whereabouts

TEXT = "%agentlog context shows the values behind this error (%agentlog hint off hides this line)"
HTML = (
    '<small style="color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,GrayText))"><code>%agentlog context</code> shows the values behind this error '
    "(<code>%agentlog hint off</code> hides this line)</small>"
)


class Hint:
    """`on`: say it after the next failure."""

    def __init__(self, shell: Any, whereabouts: Whereabouts) -> None:
        self._shell = shell
        self._whereabouts = whereabouts
        self.on = False

    def loaded(self) -> None:
        """`%load_ext agentlog` was run: by whom?"""
        asked_for = os.environ.get("AGENTLOG_HINT", "on").strip().lower() not in OFF
        self.on = asked_for and self._person_looks()

    @guarded("hint")
    def ended(self, cell: Cell, status: Status) -> None:
        """After a cell of the user's that failed, say where to look."""
        if not self.on or cell.within is not None or cell.own or status not in ("error", "error_shown"):
            return
        if getattr(self._shell, "kernel", None) is None:
            print(f"\x1b[2m{TEXT}\x1b[0m", file=sys.stderr)
        else:
            self._shell.display_pub.publish({"text/plain": TEXT, "text/html": HTML}, transient={OURS: True})

    def _person_looks(self) -> bool:
        if getattr(self._shell, "kernel", None) is None:
            return _terminal_on_both_ends() and _at_the_prompt()
        parent = self._whereabouts.parent()
        asks_back = bool((parent.get("content") or {}).get("allow_stdin"))
        return asks_back and self._whereabouts.running_code() is not None and "cellId" in self._whereabouts.metadata()


def _terminal_on_both_ends() -> bool:
    try:
        return sys.stdin.isatty() and sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False


def _at_the_prompt() -> bool:
    """Does terminal IPython run what was typed, and not its start-up files, extensions or a script?"""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name == "interact" and frame.f_globals.get("__name__") == "IPython.terminal.interactiveshell":
            return True
        frame = frame.f_back
    return False
