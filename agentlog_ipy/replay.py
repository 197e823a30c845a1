"""The cells that were ok, from the sources the runner itself holds, run again in a new kernel."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from agentlog.static import analyse
from agentlog_ipy.reply import Reply

_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(frozen=True)
class Replayed:
    """How a replay went.

    count       cells that ran again and were ok
    different   the first cell that behaved differently: its source and how
    stopped     a cell failed and the rest was not run: their sources
    """

    count: int = 0
    different: tuple[str, str] | None = None
    stopped: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"a new kernel; {self.count} cell(s) ran again" if self.count or self.stopped else "a new kernel, without variables"
        ]
        if self.different:
            lines.append(f"the first that behaved differently: {_first_line(self.different[0])}: {self.different[1]}")
        if self.stopped:
            lines.append(f"not run: {len(self.stopped)} cell(s), from {_first_line(self.stopped[0])} on")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Past:
    source: str
    effect: str


class Replay:
    """What is needed to build the state again."""

    def __init__(self) -> None:
        self._cells: list[_Past] = []

    def add(self, reply: Reply) -> None:
        """A cell was ok."""
        self._cells.append(_Past(reply.code, _effect(reply)))

    def clear(self) -> None:
        """The state is gone and is not wanted back."""
        self._cells.clear()

    def sources(self) -> list[str]:
        """In the order they ran."""
        return [cell.source for cell in self._cells]

    async def run(self, run: Callable[[str], Awaitable[Reply]]) -> Replayed:
        """Run the cells with `run` until one fails."""
        different: tuple[str, str] | None = None
        for done, cell in enumerate(self._cells):
            reply = await run(cell.source)
            if not reply.ok:
                different = different or (cell.source, f"{reply.status}: {reply.error or '; '.join(reply.notes)}")
                return Replayed(done, different, tuple(rest.source for rest in self._cells[done + 1 :]))
            if different is None and _effect(reply) != cell.effect:
                different = (cell.source, "its output is another")
        return Replayed(len(self._cells), different)


def _effect(reply: Reply) -> str:
    """What could be seen of a cell, without addresses in memory."""
    text = "\0".join([reply.stdout, *(output.text for output in reply.outputs), *(image.path for image in reply.images)])
    return hashlib.sha256(_ADDRESS.sub("0x", text).encode("utf-8", "replace")).hexdigest()


def _first_line(source: str) -> str:
    return repr((source.strip().splitlines() or [""])[0][:80])


def lost_names(sources: Iterable[str]) -> list[str]:
    """The names that these cells defined, in order, without what they deleted."""
    names: dict[str, None] = {}
    for source in sources:
        found = analyse(source)
        names.update(dict.fromkeys(sorted(found.writes)))
        for name in found.deletes:
            names.pop(name, None)
    return list(names)
