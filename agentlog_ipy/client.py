"""nbclient with our kernel underneath: notebooks behave as everywhere else, and nothing hangs or is lost.

nbclient puts the outputs together, knows widgets, tags and hooks. What it does not see, our `Kernel` does: output that
overtakes, cells that no interrupt stops, how a kernel died. `papermill_engine.py` uses the same class.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete, CellTimeoutError, DeadKernelError
from nbclient.util import run_hook
from nbformat import NotebookNode

from agentlog.terminal import Terminal
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.reply import Reply
from agentlog_ipy.wire import Message


class CellClient(NotebookClient):
    """Executes the cells of a notebook in a `Kernel`.

    kernel    a kernel that is running already, and goes on running; without one `make_kernel()` starts one
    replies   cell index -> how it went, also for the cells that failed
    """

    def __init__(self, nb: NotebookNode, *, kernel: Kernel | None = None, notebook: str | None = None, **options: Any) -> None:
        super().__init__(nb, **options)
        self._set_up(kernel, notebook)

    def _set_up(self, kernel: Kernel | None, notebook: str | None) -> None:
        self.kernel = kernel
        self.notebook = notebook
        self.replies: dict[int, Reply] = {}
        self.limit: float | None = None

    def make_kernel(self, cwd: str | None) -> Kernel:
        """The kernel to start, by the notebook's metadata where nobody said which."""
        name = self.kernel_name or self.nb.metadata.get("kernelspec", {}).get("name") or "python3"
        return Kernel(name, cwd=cwd, arguments=self.extra_arguments)

    # --- life of the kernel ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def async_setup_kernel(self, **options: Any) -> AsyncIterator[None]:
        """A kernel for the time of the block. Installs no signal handlers, unlike the method it replaces."""
        await self._begin(**options)
        try:
            yield
        finally:
            await self._end()

    @contextmanager
    def setup_kernel(self, **options: Any) -> Iterator[None]:
        """The same for callers without an event loop (papermill)."""
        run_sync(self._begin)(**options)
        try:
            yield
        finally:
            run_sync(self._end)()

    async def _begin(self, **options: Any) -> None:
        self._owned = self.kernel is None
        if self.kernel is None:
            self.kernel = self.make_kernel(options.get("cwd") or self.resources.get("metadata", {}).get("path") or None)
        await self.kernel.start()
        self.kc = getattr(self.kernel.link.dispatch.wire, "client", None)
        await run_hook(self.on_notebook_start, notebook=self.nb)

    async def _end(self) -> None:
        if self._owned and self.kernel is not None:
            await self.kernel.close()
            self.kernel = None
        self.kc = None
        await run_hook(self.on_notebook_complete, notebook=self.nb)

    async def async_execute(self, reset_kc: bool = False, **options: Any) -> NotebookNode:
        """Execute each cell."""
        self.reset_execution_trackers()
        async with self.async_setup_kernel(**options):
            await self.learn_language()
            for index, cell in enumerate(self.nb.cells):
                await self.async_execute_cell(cell, index)
            self.set_widgets_metadata()
        return self.nb

    execute = run_sync(async_execute)

    async def learn_language(self) -> None:
        """What the kernel says about its language, into the notebook."""
        info = await self._kernel_info()
        self.nb.metadata["language_info"] = info["language_info"]

    async def _kernel_info(self) -> Message:
        assert self.kernel is not None
        return await self.kernel.link.ask("kernel_info_request", {})

    async def async_wait_for_reply(self, msg_id: str, cell: NotebookNode | None = None) -> dict[str, Any] | None:
        """papermill asks for the kernel's info this way: our own reader has taken the answer, so it is asked again."""
        return {"content": await self._kernel_info()}

    wait_for_reply = run_sync(async_wait_for_reply)

    # --- cells ----------------------------------------------------------------------------------------------------

    async def async_execute_cell(
        self, cell: NotebookNode, cell_index: int, execution_count: int | None = None, store_history: bool = True
    ) -> NotebookNode:
        """Execute one cell. Raises CellExecutionError, CellTimeoutError or DeadKernelError, outputs being kept."""
        await run_hook(self.on_cell_start, cell=cell, cell_index=cell_index)
        if cell.cell_type != "code" or not cell.source.strip() or self.skip_cells_with_tag in cell.metadata.get("tags", []):
            return cell
        cell.outputs = []
        cell.execution_count = None
        if self.record_timing:
            cell["metadata"]["execution"] = {}
        self.clear_before_next_output = False
        await run_hook(self.on_cell_execute, cell=cell, cell_index=cell_index)
        reply = await self._run(cell, cell_index)
        self.replies[cell_index] = reply
        self.code_cells_executed += 1
        content = _reply_content(reply)
        await run_hook(self.on_cell_complete, cell=cell, cell_index=cell_index)
        _settle_streams(cell)
        self._raise_if_stopped(reply, cell)
        await run_hook(self.on_cell_executed, cell=cell, cell_index=cell_index, execute_reply={"content": content})
        await self._check_raise_for_error(cell, cell_index, {"content": content})
        self.nb["cells"][cell_index] = cell
        return cell

    execute_cell = run_sync(async_execute_cell)

    async def _run(self, cell: NotebookNode, index: int) -> Reply:
        assert self.kernel is not None
        seconds = [limit for limit in (self._get_timeout(cell), self.limit) if limit is not None]

        def take(message: Message) -> None:
            try:
                self.process_message(message, cell, index)
            except CellExecutionComplete:
                pass  # the kernel's own reply counts too

        return await self.kernel.run(
            cell.source,
            timeout=min(seconds, default=None),
            cell_id=cell.get("id"),
            notebook=self.notebook,
            listen=take,
        )

    def output(self, outs: list[NotebookNode], msg: Message, display_id: str | None, cell_index: int) -> NotebookNode | None:
        """Adjacent pieces of one stream become one output; a display between them keeps them apart."""
        content = msg["content"]
        mergeable = msg["msg_type"] == "stream" and not self.clear_before_next_output
        if mergeable and outs and outs[-1].get("name") == content["name"] and not self._hooked(msg):
            outs[-1]["text"] += content["text"]
            return None
        found: NotebookNode | None = super().output(outs, msg, display_id, cell_index)
        return found

    def _hooked(self, msg: Message) -> bool:
        return bool(self.output_hook_stack.get(msg["parent_header"].get("msg_id")))

    def _raise_if_stopped(self, reply: Reply, cell: NotebookNode) -> None:
        if reply.status == "timed_out":
            raise CellTimeoutError.error_from_timeout_and_cell(
                f"{reply.notes[-1] if reply.notes else 'timed out'}", round(reply.seconds), cell
            )
        if reply.status == "died":
            raise DeadKernelError(f"Kernel died: {reply.death.words}")
        if reply.status == "not_run":
            raise DeadKernelError(f"Cell was not run: {'; '.join(reply.notes)}")


def _reply_content(reply: Reply) -> Message:
    """The reply as the hooks of nbclient know it. An error that was displayed counts, whatever the kernel said."""
    if reply.ok:
        return {"status": "ok", "execution_count": reply.count}
    error = reply.error
    return {
        "status": "error",
        "execution_count": reply.count,
        "ename": error.name if error else reply.status,
        "evalue": error.message if error else "",
        "traceback": [error.traceback] if error else [],
    }


def _settle_streams(cell: NotebookNode) -> None:
    """Progress bars as they looked at last; lines without carriage return or backspace stay as they are, with colours."""
    for output in cell.outputs:
        if output.get("output_type") == "stream" and any(mark in output["text"].replace("\r\n", "\n") for mark in "\r\b"):
            output["text"] = settled(output["text"])


def settled(text: str) -> str:
    """`text` after its carriage returns and backspaces."""
    if "\x1b[A" in text:  # it moves between lines: all of it is one screen
        return _shown(text)
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(_shown(line) if "\r" in line or "\b" in line else line for line in lines)


def _shown(text: str) -> str:
    screen = Terminal()
    screen.feed(text)
    return screen.text()
