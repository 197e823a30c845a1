"""What the rules of `causes` look at: one failure, the line that crashed, and the session's lineage."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from agentlog.events import Failure, Frame
from agentlog.lineage import Lineage
from agentlog.notebook_cells import NotebookCell, first_line
from agentlog.past import Execution
from agentlog.static import CellNames, analyse

if TYPE_CHECKING:
    from agentlog.store import Store

SHELL_NAMES = frozenset({
    "In", "Out", "exit", "quit", "get_ipython", "open", "display", "_", "__", "___", "_i", "_ii", "_iii", "_ih", "_oh",
    "_dh", "__name__", "__file__", "__doc__", "__builtins__", "__session__", "__annotations__",
})  # fmt: skip
_BUILTIN = frozenset(dir(builtins)) | SHELL_NAMES
_WORD = re.compile(r"(?<![\w.'\"])[^\W\d]\w*")
_QUOTED = tuple(re.compile(pattern) for pattern in (r"'([^']+)'", r"\"([^\"]+)\"", r"`([^`]+)`", r"\[([^\[\]]+)\]"))


@dataclass(frozen=True, slots=True)
class Run:
    """One cell to run: by its label where it ran before, by its place in the notebook (from 1) where it did not."""

    label: str
    line: str
    cell_id: str | None = None

    def __str__(self) -> str:
        return f"{self.label} `{self.line}`"


@dataclass(frozen=True, slots=True)
class Cause:
    """One observed reason.

    kind        "failed" | "deleted" | "restart" | "unrun" | "edited" | "local" | "near" | "nowhere" | "skipped branch" |
                "rerun" | "schema" | "provider" | "stale" | "stale import" | "none"
    text        the observation, in words
    names       variables it is about
    execution   the one that did it, and `count`, its In[n]
    confidence  0 to 1: how sure that this is the reason, given that it was observed
    cells       the least list of cells to run, in order, that would mend it
    edit        what to change instead, where running cells does not help
    """

    kind: str
    text: str
    names: tuple[str, ...] = ()
    execution: str | None = None
    count: int | None = None
    confidence: float = 1.0
    cells: tuple[Run, ...] = ()
    edit: str | None = None

    def __str__(self) -> str:
        mend = f"; run {', then '.join(map(str, self.cells))}" if self.cells else f"; {self.edit}" if self.edit else ""
        return self.text + mend


@dataclass
class Case:
    """One failed execution with everything around it."""

    store: Store
    execution: Execution
    failure: Failure
    lineage: Lineage
    earlier: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, store: Store, execution: Execution, failure: Failure, lineage: Lineage) -> Case:
        root = failure
        while root.cause is not None and not root.frames:
            root = root.cause
        return cls(store, execution, root, lineage)

    @cached_property
    def names(self) -> CellNames:
        return analyse(self.execution.source)

    @cached_property
    def watched(self) -> bool:
        """Was the session recorded from its first cell?"""
        first = next((e for e in self.lineage.executions if e.count is not None), None)
        return first is None or (first.count or 1) <= 2

    @cached_property
    def bound(self) -> set[str]:
        """Names bound when the cell crashed, as far as is known: before it, and what it bound itself."""
        own = {c.name for c in self.lineage.effects(self.execution.id) if c.kind in ("made", "rebound")}
        return self.lineage.bound(self.execution.id) | own

    @cached_property
    def user_frames(self) -> list[Frame]:
        return [f for f in self.failure.frames if f.kind in ("cell", "user")]

    @cached_property
    def lines(self) -> list[str]:
        """The crashed lines of user code, innermost first, and the failing expression."""
        lines = [frame.source or "" for frame in reversed(self.user_frames)]
        text = self.failure.expression.text if self.failure.expression else ""
        return ([text] if text else []) + (lines or [self.execution.source])

    @cached_property
    def line_names(self) -> list[str]:
        """Variables on the crashed lines that somebody bound, innermost line first."""
        known = self.lineage.names()
        found = dict.fromkeys(name for line in self.lines for name in _WORD.findall(line))
        return [name for name in found if name in known]

    @cached_property
    def labels(self) -> set[str]:
        """Keys, columns, attributes that the message quotes."""
        quoted = {part.strip().strip("'\"") for pattern in _QUOTED for part in pattern.findall(self.failure.message)}
        if self.failure.type == "KeyError":
            quoted.add(self.failure.message.strip().strip("'\""))
        return {part for part in quoted if part and len(part) <= 80}

    @cached_property
    def index(self) -> int | None:
        """Place of the crashed cell in the notebook file."""
        cell = self.lineage.cell_of(self.execution)
        return cell.place if cell is not None else None

    @cached_property
    def unrun(self) -> list[NotebookCell]:
        """Cells of the notebook that did not run before this one, this one left out."""
        return [cell for cell in self.lineage.unrun(self.execution.id) if cell.place != self.index]

    def before(self) -> list[Execution]:
        """Executions before this one, the latest first."""
        return [e for e in reversed(self.lineage.executions) if self.lineage.before(e.id, self.execution.id)]

    def known(self, name: str) -> bool:
        """Is it a builtin or a name of the shell's own?"""
        return name in _BUILTIN

    def where(self, cell: NotebookCell) -> str:
        """A cell's place in words: "cell 4, above"."""
        side = "" if self.index is None else ", above this one" if cell.place < self.index else ", further down"
        return f"cell {cell.place + 1} of the notebook{side}"


def run_of(thing: Execution | NotebookCell) -> Run:
    """The cell as something to run."""
    if isinstance(thing, Execution):
        return Run(thing.label, first_line(thing.source), thing.cell_id)
    return Run(f"cell {thing.place + 1}", thing.first_line, thing.id)


def quoted(names: Iterable[str]) -> str:
    return ", ".join(names)
