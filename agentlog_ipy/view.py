"""What can be seen of a kernel: its state, what its cells put out, its names. Changes nothing; `kernel.py` drives."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from agentlog.clock import clock
from agentlog.errors import KernelError, NotFound
from agentlog_ipy import inside
from agentlog_ipy.execution import Run
from agentlog_ipy.link import Link
from agentlog_ipy.reply import Reply, outputs_of

KEPT = 200
"""executions whose output `output()` still has"""


class KernelView:
    """A kernel as one looks at it."""

    def __init__(self, store: Path, max_tokens: int) -> None:
        self.store = store
        self.max_tokens = max_tokens
        self.handle = "k.output({execution!r}, {start}, {end})"
        self._link: Link | None = None
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._current: Run | None = None

    @property
    def link(self) -> Link:
        """The line to the process. Raises KernelError before `start` and after `close`."""
        if self._link is None:
            raise KernelError("the kernel is not running: use `async with Kernel() as k`, or start()")
        return self._link

    @property
    def busy(self) -> bool:
        """Does a cell run?"""
        return self._current is not None or (self._link is not None and bool(self._link.dispatch.foreign))

    @property
    def alive(self) -> bool:
        """Is there a process?"""
        return self._link is not None and not self._link.dead.done()

    @property
    def session(self) -> str | None:
        """Id of the kernel's session in the store; None where it is not recorded."""
        return self._link.facts.session if self._link is not None else None

    def _keep(self, run: Run) -> None:
        self._runs[run.execution] = run
        while len(self._runs) > KEPT:
            self._runs.popitem(last=False)

    async def variables(self) -> inside.Variables:
        """The user's names and what they hold; also while a cell runs, where the kernel has subshells."""
        return await inside.variables(self.link, beside=self.busy)

    async def inspect(self, name: str, *, detail: int = 0) -> inside.Inspected:
        """One name: its description and the kernel's own help for it."""
        return await inside.inspect(self.link, name, detail, beside=self.busy)

    async def complete(self, code: str, cursor: int | None = None) -> list[str]:
        """What could stand at `cursor` (the end by default)."""
        return await inside.complete(self.link, code, cursor, beside=self.busy)

    async def history(self, count: int = 20) -> list[inside.Past]:
        """The last cells, also those of other clients: (In[n], source)."""
        return await inside.history(self.link, count, beside=self.busy)

    def output(self, execution: str, start: int = 0, end: int | None = None, *, stream: str = "stdout") -> str:
        """Characters `start` to `end` of what an execution (its id, or the end of it) put out on `stream`; what came
        late stands at the end."""
        for identifier in reversed(self._runs):
            if identifier.endswith(execution):
                return self._runs[identifier].read(stream, start, end)
        raise NotFound(f"no execution {execution!r} among the last {KEPT} of this kernel")

    def so_far(self, execution: str) -> Reply | None:
        """What the running execution with this id has put out so far, its status "running"; None when it does not run."""
        run = self._current
        if run is None or run.execution != execution:
            return None
        return Reply(
            "running",
            execution,
            run.code,
            run.transcript.count,
            outputs_of(run.transcript, self.store / "files"),
            seconds=clock.monotonic() - run.begun,
            max_tokens=self.max_tokens,
            handle=self.handle,
            transcript=run.transcript,
        )

    def last_output(self) -> float | None:
        """When the running cell put something out last (seconds since 1970); None before it did."""
        run = self._current
        return clock.time() - (clock.monotonic() - run.heard) if run is not None and run.heard else None

    def state(self) -> str:
        """What it does now, in words: "idle", "running In[3] for 40 s, last output 2 s ago", "dead"."""
        if not self.alive:
            return "dead" if self._link is not None else "not started"
        run = self._current
        if run is None or not run.sent:
            return "busy with another client's cell" if self.busy else "idle"
        now = clock.monotonic()
        last = f", last output {now - run.heard:.0f} s ago" if run.heard else ", no output yet"
        return f"running In[{run.transcript.count or '?'}] for {now - run.begun:.0f} s{last}"
