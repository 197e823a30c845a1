"""Run a notebook from top to bottom: `run_notebook("nb.ipynb", parameters={"n": 3})`.

The executed notebook is written after each cell, whole or not at all, also when the run fails. What the kernel could
not write into the store (cells that were never reached), the runner does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from agentlog.clock import clock
from agentlog.errors import AgentlogError
from agentlog.settings import store_folder
from agentlog_ipy.client import CellClient
from agentlog_ipy.inside import context_text, not_recorded, off_loop
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.link import Facts
from agentlog_ipy.notebook import (
    INJECTED_TAG,
    RAISES_TAG,
    SKIP_TAGS,
    code_cells,
    executed,
    failed,
    inject,
    place_parameters,
    read_notebook,
    tags,
    write_notebook,
)
from agentlog_ipy.reply import Reply
from agentlog_ipy.results import BAD, CellResult, CellStatus, NotebookResult, Options, Progress
from agentlog_ipy.sync import run_blocking

SAVE_SHARE = 0.2
"""at most this share of the time goes into saving"""


async def run_notebook_async(
    path: str | Path, options: Options | None = None, progress: Progress | None = None, *, kernel: Kernel | None = None
) -> NotebookResult:
    """Run the notebook at `path`. A cell that fails is in the result, not raised; so is a kernel that does not start.

    kernel: a running one to use, with whatever state it has; it goes on running.
    Raises NotFound or UsageError when there is no notebook at `path`.
    """
    options = options or Options()
    notebook = inject(read_notebook(path), options.parameters)
    return await _NotebookRun(Path(path), notebook, options, progress or Progress(), kernel).run()


class _NotebookRun:
    """One run of one notebook."""

    def __init__(self, path: Path, notebook: NotebookNode, options: Options, progress: Progress, kernel: Kernel | None) -> None:
        self.path = path
        self.notebook = notebook
        self.options = options
        self.progress = progress
        self.given = kernel
        self.output = Path(options.output) if options.output else executed(path)
        self.store = Path(options.store).absolute() if options.store else store_folder(start=path.parent)
        self.results: dict[int, CellResult] = {}
        self.begun = clock.monotonic()
        self.session: str | None = None
        """The one it began with: a kernel that had to be killed is replaced by one with another session."""
        self._saved = (0.0, 0.0)
        self._numbers = _numbered(notebook)

    async def run(self) -> NotebookResult:
        """All of it."""
        first = self._take_over() if self.options.resume else None
        self._clear(first)
        self.save()
        self.progress.start(str(self.path), len(self._numbers))
        kernel = self.given or self._kernel()
        try:
            await kernel.start()
        except AgentlogError as reason:
            return NotebookResult(str(self.path), str(self.output), self._all(), self._seconds(), error=str(reason))
        self.session, facts = kernel.session, kernel.link.facts
        try:
            await self._execute(kernel, first)
            return await self._result(kernel, facts)
        finally:
            self.save()
            if self.given is None:
                await kernel.close()

    def _kernel(self) -> Kernel:
        options = self.options
        name = options.kernel or self.notebook.metadata.get("kernelspec", {}).get("name") or "python3"
        return Kernel(
            name,
            python=options.python,
            cwd=options.cwd or self.path.parent.absolute(),
            env=options.env,
            record=options.record,
            store=self.store,
            memory=options.memory,
        )

    # --- what is there already ------------------------------------------------------------------------------------

    def _take_over(self) -> int | None:
        """The outputs of the run before; returns the first cell that must run now, None when nothing is left to do."""
        before = self._before()
        for position, cell in code_cells(self.notebook):
            old = before.get(cell.id)
            if old is None or old.source != cell.source or old.execution_count is None or failed(old):
                return position
            cell.outputs, cell.execution_count = old.outputs, old.execution_count
        return len(self.notebook.cells)

    def _before(self) -> dict[str, NotebookNode]:
        """The cells of the run before by id; its parameters hold unless others are given."""
        try:
            before = {cell.id: cell for _, cell in code_cells(read_notebook(self.output))}
        except AgentlogError:
            return {}
        injected = next((cell for cell in before.values() if INJECTED_TAG in tags(cell)), None)
        if injected is not None and not self.options.parameters:
            place_parameters(self.notebook, injected)
            self._numbers = _numbered(self.notebook)
        return before

    def _clear(self, first: int | None) -> None:
        for position, cell in enumerate(self.notebook.cells):
            if cell.cell_type == "code" and position >= (first or 0):
                cell.outputs, cell.execution_count = [], None

    # --- running --------------------------------------------------------------------------------------------------

    async def _execute(self, kernel: Kernel, first: int | None) -> None:
        client = CellClient(
            self.notebook, kernel=kernel, notebook=str(self.path.absolute()), timeout=self.options.timeout, record_timing=True
        )
        async with client.async_setup_kernel():
            await client.learn_language()
            for position, cell in enumerate(self.notebook.cells):
                if position not in self._numbers:
                    self._skip(position, cell)
                elif not await self._cell(client, kernel, position, cell, replayed=first is not None and position < first):
                    break
            client.set_widgets_metadata()

    def _skip(self, position: int, cell: NotebookNode) -> None:
        if cell.cell_type == "code" and set(SKIP_TAGS) & set(tags(cell)):
            self.results[position] = CellResult(position, cell.id, "skipped", source=cell.source)

    async def _cell(self, client: CellClient, kernel: Kernel, position: int, cell: NotebookNode, *, replayed: bool) -> bool:
        """Run one cell; False ends the run."""
        if replayed and self.given is not None:
            self._done(CellResult(position, cell.id, "ok", source=cell.source, detail="its state was still there"))
            return True
        await self.progress.before()
        left = self._left()
        if left is not None and left <= 0:
            return False
        client.limit = left
        number = self._numbers[position]
        self.progress.running(str(self.path), kernel, cell, number, len(self._numbers))
        work = cell if not replayed else NotebookNode(cell)
        try:
            await client.async_execute_cell(work, position)
        except (CellExecutionError, CellTimeoutError, DeadKernelError):
            pass  # the reply says more
        self.notebook.cells[position] = cell
        result = self._judge(position, cell, client.replies[position])
        self._done(result)
        return self._goes_on(result, kernel, client.replies[position])

    def _judge(self, position: int, cell: NotebookNode, reply: Reply) -> CellResult:
        expected = reply.status == "error" and RAISES_TAG in tags(cell)
        status = cast(CellStatus, "expected" if expected else reply.status)
        return CellResult(
            position,
            cell.id,
            status,
            seconds=reply.seconds,
            source=cell.source,
            count=reply.count,
            execution=reply.execution,
            error=_error_line(reply) if status in BAD else None,
            detail=str(reply) if status in BAD else None,
        )

    def _goes_on(self, result: CellResult, kernel: Kernel, reply: Reply) -> bool:
        if result.status not in BAD and result.status != "not_run":
            return True
        lost = reply.death is not None or (
            result.status == "timed_out" and any("variables are lost" in note for note in reply.notes)
        )
        return self.options.keep_going and not lost and result.status != "not_run" and kernel.alive

    def _done(self, result: CellResult) -> None:
        self.results[result.position] = result
        self.save(unless_busy=True)
        self.progress.cell(str(self.path), result, self._numbers[result.position], len(self._numbers))

    # --- the result -----------------------------------------------------------------------------------------------

    async def _result(self, kernel: Kernel, facts: Facts) -> NotebookResult:
        cells = self._all()
        bad = next((cell for cell in cells if cell.status in BAD), None)
        context = None
        if bad is not None and self.session and bad.execution:
            execution, session, tokens = bad.execution, self.session, self.options.context_tokens
            context = await off_loop(lambda: context_text(self.store, session, execution, tokens))
        self._testify(kernel, cells, bad)
        notes = [] if self.session or not self.options.record else [not_recorded(facts)]
        if bad is None and any(cell.status == "not_run" for cell in cells):
            notes.append(f"the time for all cells ({self.options.total_timeout:g} s) was over")
        return NotebookResult(
            str(self.path), str(self.output), cells, self._seconds(), self.session, str(self.store), None, context, tuple(notes)
        )

    def _testify(self, kernel: Kernel, cells: tuple[CellResult, ...], bad: CellResult | None) -> None:
        """Write down the cells that were never reached."""
        if self.session is None:
            return
        reason = f"cell {bad.position + 1} ended as {bad.status}" if bad is not None else "the time for all cells was over"
        for cell in cells:
            if cell.status == "not_run":
                kernel.witness.skipped(self.session, cell.id, cell.source, reason)

    def _all(self) -> tuple[CellResult, ...]:
        """The results in order, those that did not run included."""
        for position, cell in code_cells(self.notebook):
            self.results.setdefault(position, CellResult(position, cell.id, "not_run", source=cell.source))
        return tuple(self.results[position] for position in sorted(self.results))

    def _seconds(self) -> float:
        return clock.monotonic() - self.begun

    def _left(self) -> float | None:
        total = self.options.total_timeout
        return None if total is None else total - self._seconds()

    def save(self, *, unless_busy: bool = False) -> None:
        """Write the executed notebook; after cells only while saving is a small part of the work."""
        now = clock.monotonic()
        last, took = self._saved
        if unless_busy and now - last < took / SAVE_SHARE:
            return
        write_notebook(self.notebook, self.output)
        self._saved = (clock.monotonic(), clock.monotonic() - now)


def _numbered(notebook: NotebookNode) -> dict[int, int]:
    """Position of each cell that runs -> its number among them, from 1."""
    return {position: number for number, (position, _) in enumerate(code_cells(notebook), 1)}


def _error_line(reply: Reply) -> str:
    if reply.status == "died":
        return f"kernel died: {reply.death.words}"
    if reply.status == "timed_out":
        return f"timed out after {reply.seconds:.1f} s"
    return str(reply.error) if reply.error else reply.status


def run_notebook(path: str | Path, *, progress: Progress | None = None, **options: Any) -> NotebookResult:
    """Run the notebook at `path` and wait for it, also inside a running event loop; `options` are those of `Options`."""
    return run_blocking(run_notebook_async(path, Options(**options), progress))
