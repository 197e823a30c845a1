"""What faulthandler left of a process that died: the stacks of all its threads. A reader wants that of the thread at fault."""

from __future__ import annotations

import re
from collections.abc import Sequence

CELL_FILE = re.compile(r"ipykernel_\d+/|<ipython-input")
"""In the file names that IPython gives to the code of cells."""
_THREAD = re.compile(r"(?:Current thread|Thread) 0x")
_FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.+)')


def at_fault(text: str) -> str:
    """The frames of the thread that failed, innermost first, as far as user code goes. `text` itself where it names no thread."""
    threads = [
        part for part in re.split(r"\n\s*\n", text.replace("\nCurrent thread", "\n\nCurrent thread")) if _THREAD.match(part)
    ]
    current = [part for part in threads if part.startswith("Current")]
    lines = (current or threads)[-1].splitlines() if threads else []
    last = max((at for at, line in enumerate(lines) if CELL_FILE.search(line)), default=len(lines) - 1)
    return "\n".join(["most recent call first:", *lines[1 : last + 1]]) if lines else text


def with_cell(stack: str, label: str, source: Sequence[str]) -> str:
    """`stack` with the frames of the cell that ran named and quoted: `In[2] line 3 in boom: ctypes.string_at(p)`.

    The outermost frame of a cell is the cell that ran; frames of other cells keep the file name they have.
    """
    lines = stack.split("\n")
    found = [_FRAME.fullmatch(line) for line in lines]
    cell = next((frame["file"] for frame in reversed(found) if frame and CELL_FILE.search(frame["file"])), None)
    return "\n".join(
        _in_cell(frame, label, source) if frame and frame["file"] == cell else line
        for line, frame in zip(lines, found, strict=True)
    )


def _in_cell(frame: re.Match[str], label: str, source: Sequence[str]) -> str:
    inside = "" if frame["function"] == "<module>" else f" in {frame['function']}"
    text = source[int(frame["line"]) - 1].strip() if int(frame["line"]) <= len(source) else ""
    return f"  {label} line {frame['line']}{inside}" + (f": {text}" if text else "")
