"""Which cell the code of a frame belongs to.

IPython compiles each cell under a file name of its own making and keeps the names in one map; the number it keeps
with a name is that of the latest cell with the same text. So every name is given, once it appears, to the cell that ran.
"""

from __future__ import annotations

import linecache
import re
from itertools import islice
from typing import Protocol

from agentlog.stack import CellSource

TIMED = frozenset({"<timed exec>", "<timed eval>"})
"""The names under which %%time compiles the rest of its cell."""
_TIME = re.compile(r"%%time(?!\w)")


class Compiled(Protocol):
    """What is needed of a cell."""

    execution: str
    source: str
    count: int | None


class Sources:
    """Code file -> the cell that was compiled under that name, for as long as the shell lives."""

    def __init__(self, names: dict[str, int]) -> None:
        """names: the map of the shell's compiler, which it goes on filling."""
        self._names = names
        self._claimed = len(names)
        self._cells: dict[str, Compiled] = {}
        self._files_of_text: dict[str, list[str]] = {}

    def claim(self, cell: Compiled) -> None:
        """Give `cell` the names that appeared since the last claim, and those its text had when it ran before."""
        grown = len(self._names) - self._claimed
        if grown > 0:
            self._files_of_text.setdefault(cell.source, []).extend(islice(reversed(self._names), grown))
        self._claimed = len(self._names)
        for file in self._files_of_text.get(cell.source, ()):
            self._cells[file] = cell

    def cell_of(self, file: str) -> CellSource | None:
        """The cell whose code has the name `file`, with the text as it was compiled."""
        cell = self._cells.get(file)
        if cell is None:
            return None
        return CellSource(cell.execution, cell.count, _compiled_text(file) or cell.source)


def timed(cell: Compiled) -> CellSource | None:
    """`cell` as %%time runs it: its code begins below the magic's line and the blank lines that follow. None: no such cell."""
    written = [(number, line) for number, line in enumerate(cell.source.splitlines(), 1) if line.strip()]
    if len(written) < 2 or not _TIME.match(written[0][1]):
        return None
    return CellSource(cell.execution, cell.count, cell.source, written[1][0])


def _compiled_text(file: str) -> str | None:
    """The text that was compiled under the name `file`, as long as linecache has it."""
    entry = linecache.cache.get(file)
    return "".join(entry[2]) if entry is not None and len(entry) == 4 else None
