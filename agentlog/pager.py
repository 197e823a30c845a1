"""Long text where a person looks at it: through their pager; everywhere else it is printed as it is."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

DEFAULT = "less"
LESS = "FRX"
"""Options of less where nobody chose any: quit if it fits, keep colours, leave the text on the screen."""


def show(text: str) -> None:
    """Print `text`. Standard output that is a terminal of fewer lines gets it through PAGER (PAGER=cat or empty: no pager)."""
    words = _pager(os.environ)
    if words is None or not _taller_than_screen(text):
        print(text)
        return
    sys.stdout.flush()
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env={"LESS": LESS, **os.environ})
    except OSError:
        print(text)
        return
    try:
        process.communicate((text + "\n").encode(errors="replace"))
    except BrokenPipeError:  # the reader has seen enough
        pass
    except KeyboardInterrupt:  # the pager has it too, and says when it is over
        process.wait()


def _pager(environment: Mapping[str, str]) -> list[str] | None:
    try:
        words = shlex.split(environment.get("PAGER", DEFAULT))
    except ValueError:
        return None
    if not words or words[0] == "cat" or environment.get("TERM") == "dumb" or not _in_terminal():
        return None
    return words if shutil.which(words[0]) else None


def _in_terminal() -> bool:
    return bool(getattr(sys.stdout, "isatty", lambda: False)())


def _taller_than_screen(text: str) -> bool:
    columns, lines = shutil.get_terminal_size()
    return sum(1 + len(line) // max(columns, 1) for line in text.split("\n")) >= lines
