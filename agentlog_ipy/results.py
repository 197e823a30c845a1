"""How notebooks are run and how they went: options, results, and whoever wants to be told meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from nbformat import NotebookNode

from agentlog_ipy.kernel import Kernel

CONTEXT_TOKENS = 4_000
CellStatus = Literal["ok", "error", "interrupted", "timed_out", "died", "not_run", "skipped", "expected"]
BAD: frozenset[str] = frozenset({"error", "interrupted", "timed_out", "died"})


@dataclass(frozen=True)
class CellResult:
    """How one cell went. `position`: its place in the notebook, from 0; "expected": it raised as its tag says it may."""

    position: int
    id: str
    status: CellStatus
    seconds: float = 0.0
    source: str = ""
    count: int | None = None
    execution: str | None = None
    error: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class NotebookResult:
    """How a notebook went.

    error    why it could not be run at all (no kernel, not a notebook)
    context  the debugging context of the failure, as text
    notes    what an honest answer must add
    """

    path: str
    output: str | None = None
    cells: tuple[CellResult, ...] = ()
    seconds: float = 0.0
    session: str | None = None
    store: str | None = None
    error: str | None = None
    context: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[CellResult, ...]:
        """The cells that failed, in order."""
        return tuple(cell for cell in self.cells if cell.status in BAD)

    @property
    def ok(self) -> bool:
        """Did every cell do what it should?"""
        return self.error is None and not self.failures and not any(cell.status == "not_run" for cell in self.cells)

    @property
    def exit_code(self) -> int:
        """0 ok, 1 a cell failed, 2 it could not be run."""
        return 2 if self.error is not None else 0 if self.ok else 1

    def summary(self) -> str:
        """One line."""
        if self.error is not None:
            return f"{self.path}: could not be run: {self.error}"
        counts = {name: sum(cell.status == name for cell in self.cells) for name in ("ok", "expected", "skipped", "not_run")}
        bad = len(self.failures)
        words = [f"{counts['ok'] + counts['expected']} ok"]
        words += [f"{bad} failed"] if bad else []
        words += [f"{counts[name]} {name.replace('_', ' ')}" for name in ("skipped", "not_run") if counts[name]]
        return f"{self.path}: {', '.join(words)} in {self.seconds:.1f} s"

    def __str__(self) -> str:
        parts = [self.context] if self.context else [cell.detail or cell.error or "" for cell in self.failures[:1]]
        parts += [f"note: {note}" for note in self.notes]
        parts.append(self.summary() + (f"; executed notebook: {self.output}" if self.output else ""))
        return "\n".join(part for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "ok": self.ok, "exit_code": self.exit_code}


@dataclass(frozen=True)
class Options:
    """How to run. Seconds are wall-clock seconds.

    output       where the executed notebook goes (default: `<name>.executed.ipynb` beside it)
    timeout      for each cell; `total_timeout`: for all of them
    keep_going   run the cells after a failed one too
    resume       take over the outputs up to the first cell that failed or did not run, and go on there; the cells
                 before it are run again for their state, unless `kernel` still has it
    kernel       name of a kernelspec instead of the notebook's own; `python`: an interpreter with ipykernel
    """

    output: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    total_timeout: float | None = None
    keep_going: bool = False
    resume: bool = False
    kernel: str | None = None
    python: str | None = None
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    record: bool = True
    store: str | None = None
    memory: int | None = None
    context_tokens: int = CONTEXT_TOKENS


class Progress:
    """Is told what happens; the default says nothing."""

    def start(self, path: str, cells: int) -> None:
        """A notebook begins."""

    def cell(self, path: str, result: CellResult, number: int, cells: int) -> None:
        """A cell ended."""

    async def before(self) -> None:
        """Asked before each cell; may wait."""

    def running(self, path: str, kernel: Kernel, cell: NotebookNode, number: int, cells: int) -> None:
        """A cell begins."""
