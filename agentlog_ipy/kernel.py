"""A kernel that is driven by a program: `async with Kernel() as k: reply = await k.run(code, timeout=30)`.

An execution is complete when its own idle message and its own reply have both arrived. One cell is sent at a time, so
an error never aborts a queue that nobody sees. At a deadline the ladder of `ladder.py` is climbed; when the process
ends, `death.py` finds out how. `sync.py` has the same for programs without an event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from agentlog.clock import clock
from agentlog.errors import KernelError
from agentlog.ids import new_id
from agentlog.settings import store_folder
from agentlog_ipy import inside
from agentlog_ipy.death import Death, autopsy
from agentlog_ipy.execution import Run, reply_of
from agentlog_ipy.folders import new_folder
from agentlog_ipy.found import FoundProcess
from agentlog_ipy.ladder import climb, look
from agentlog_ipy.link import Link, Wishes
from agentlog_ipy.process import LocalProcess, Process
from agentlog_ipy.replay import Replay, Replayed, lost_names
from agentlog_ipy.reply import MAX_TOKENS, Reply
from agentlog_ipy.view import KernelView
from agentlog_ipy.wire import Message
from agentlog_ipy.witness import Witness

DEFAULT: Any = object()
"""the kernel's own timeout"""


class Kernel(KernelView):
    """Drives one kernel.

    spec        name of a kernelspec; or `python`: an interpreter that has ipykernel
    record      the kernel records itself with agentlog, where its Python has it
    store       the store's folder (default: as everywhere)
    timeout     seconds for each `run` that names none; None waits
    memory      bytes of address space the kernel may have (Python kernels)
    kill        at a deadline, end a kernel that nothing else could stop, and start a fresh one for the next call
    keep        `close` leaves the process running: somebody will attach to it
    """

    def __init__(
        self,
        spec: str = "python3",
        *,
        python: str | Path | None = None,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        record: bool = True,
        store: str | Path | None = None,
        timeout: float | None = None,
        memory: int | None = None,
        kill: bool = True,
        max_tokens: int = MAX_TOKENS,
        start_seconds: float = 60.0,
        keep: bool = False,
    ) -> None:
        super().__init__(
            Path(store).absolute() if store is not None else store_folder(start=Path(cwd) if cwd else None), max_tokens
        )
        self.timeout = timeout
        self.kill = kill
        self.recorded = record
        self.witness = Witness(self.store)
        self._keep_process = keep
        self._wishes = Wishes(record=record, memory=memory, seconds=start_seconds)
        environment = {**(env or {}), "AGENTLOG": "true" if record else "false", "AGENTLOG_DIR": str(self.store)}
        self._process: Callable[[Path], Process] = lambda folder: LocalProcess(
            spec, python=python, cwd=cwd, env=environment, arguments=arguments, folder=folder, keep=keep
        )
        self._lock = asyncio.Lock()
        self._replay = Replay()
        self._tried: list[str] = []
        self._fresh: asyncio.Task[None] | None = None
        self._interrupted = False
        self._told = False

    @classmethod
    def attach(cls, connection_file: str | Path, **options: Any) -> Kernel:
        """A kernel that somebody else started; `close` leaves it running. `kill` is off unless asked for, and one that is
        not recorded stays so unless `record=True`."""
        kernel = cls(**{"kill": False, "record": False, **options})
        kernel._process = lambda folder: FoundProcess(connection_file)
        return kernel

    @classmethod
    def gateway(cls, url: str, spec: str = "python3", *, token: str | None = None, **options: Any) -> Kernel:
        """A kernel on a Jupyter Server or Kernel Gateway, over its websocket."""
        from agentlog_ipy.gateway import GatewayProcess

        kernel = cls(spec, **options)
        environment = {"AGENTLOG": "true"} if kernel.recorded else {}
        kernel._process = lambda folder: GatewayProcess(url, spec, token=token, env={**environment, **(options.get("env") or {})})
        return kernel

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> Kernel:
        """Start the kernel and wait until it answers. Raises KernelStartError with what it said."""
        if self._link is None:
            self._link = await self._new_link()
        return self

    async def _new_link(self) -> Link:
        folder = new_folder(keep=self._keep_process)
        link = Link(self._process(folder), folder, self._wishes)
        await link.open()
        if link.facts.store and Path(link.facts.store).is_dir():
            self.store = self.witness.folder = Path(link.facts.store)
        return link

    async def close(self) -> None:
        """End it; no process, socket, thread or file is left."""
        if self._fresh is not None:
            self._fresh.cancel()
            await asyncio.gather(self._fresh, return_exceptions=True)
            self._fresh = None
        link, self._link = self._link, None
        if link is not None:
            await link.close(kill=self._current is not None)
        self.witness.close()

    async def __aenter__(self) -> Kernel:
        return await self.start()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        await self.close()

    # --- running --------------------------------------------------------------------------------------------------

    async def run(
        self,
        code: str,
        *,
        timeout: float | None = DEFAULT,
        answers: Sequence[str] = (),
        kill: bool | None = None,
        cell_id: str | None = None,
        notebook: str | None = None,
        execution: str | None = None,
        listen: Callable[[Message], None] | None = None,
    ) -> Reply:
        """Run one cell and say truthfully how it went.

        timeout    seconds (None waits); then what runs is looked at and stopped, see `ladder.py`
        execution  the id it shall have (`ids.new_id`), for a caller who asks `so_far` meanwhile
        answers    what `input()` gets, in order; without one it gets the end of the input, at once
        cell_id    the notebook's id of the cell; `notebook`: its path
        listen     gets each iopub message that belongs to the cell; what it raises is raised here when the cell has ended
        """
        metadata: Message = {"agentlog": {"notebook": notebook}} if notebook else {"agentlog": {}}
        if cell_id is not None:
            metadata["cellId"] = cell_id
        run = Run(code, answers=list(answers), listen=listen, metadata=metadata, execution=execution or new_id())
        seconds = self.timeout if timeout is DEFAULT else timeout
        async with self._lock:
            return await self._run(
                run, None if seconds is None else clock.monotonic() + seconds, self.kill if kill is None else kill
            )

    async def _run(self, run: Run, deadline: float | None, kill: bool) -> Reply:
        await self._until_fresh()
        refusal = await self._refusal(deadline)
        if refusal is not None:
            run.notes.append(refusal)
            return self._reply(run)
        self._keep(run)
        self._current = run
        try:
            await self._send(run, deadline)
            if not run.request.complete and not self.link.dead.done():
                await self._at_deadline(run, kill)
            if self.link.dead.done():
                await self._died(run)
        except asyncio.CancelledError:
            await asyncio.shield(self._withdraw(run))
            raise
        finally:
            self._current = None
        reply = await self._conclude(run)
        if run.request.failed is not None:
            raise run.request.failed
        return reply

    async def _refusal(self, deadline: float | None) -> str | None:
        """Why nothing can be run now; waits for other cells of this kernel until the deadline."""
        link = self.link
        if link.dead.done():
            words = self._autopsy(None).words
            return f"the kernel is dead ({words}): restart() starts a new one, restart(replay=True) runs the cells that were ok again"
        for run in reversed(self._runs.values()):
            if run.sent and not run.request.reply.done() and not await link.replied(run.request, _left(deadline)):
                return f"not sent: In[{run.transcript.count or '?'}] of before still runs ({run.execution[-6:]})"
            break
        try:
            await asyncio.wait_for(link.dispatch.others_done(), _left(deadline))
        except asyncio.TimeoutError:
            other = next(iter(link.dispatch.foreign.values()))
            code = other.code.strip().splitlines()[:1]
            since = clock.monotonic() - other.since
            return f"not sent: another client's cell has been running for {since:.0f} s: {''.join(code)[:80]}"
        return None

    async def _send(self, run: Run, deadline: float | None) -> None:
        """Send the cell and wait; once more if the kernel aborted it because of an interrupt of ours."""
        for _ in range(2):
            self._tried.append(run.code)
            run.send(self.link)
            await self.link.wait(run.request, _left(deadline))
            if not (run.aborted and self._interrupted) or run.interrupted:
                break
            run.notes.append("the kernel still had an interrupt to digest and aborted it; it was sent again")
        if run.request.complete and not run.aborted:
            self._interrupted = False

    async def _at_deadline(self, run: Run, kill: bool) -> None:
        run.look = await look(self.link)
        if not run.request.complete and not self.link.dead.done():
            self._interrupted = True
            awaiting = run.look.awaiting if run.look is not None else None
            run.climb = await climb(self.link, run.request, kill=kill, awaiting=awaiting)

    async def _withdraw(self, run: Run) -> None:
        """The caller went away: the cell is interrupted, and given a moment to end."""
        self._interrupted = True
        if self._link is not None and run.sent and not run.request.complete:
            await climb(self.link, run.request, kill=False)

    async def _died(self, run: Run) -> None:
        await asyncio.sleep(0.05)  # what it sent last is still on its way
        run.death = self._autopsy(run)

    def _autopsy(self, run: Run | None) -> Death:
        link = self.link
        tail = run.transcript.tail() if run is not None else ""
        return autopsy(link, link.dead.result(), link.footprint, last_output=tail, lost=lost_names(self._tried))

    async def _conclude(self, run: Run) -> Reply:
        self.link.footprint.look()
        run.seconds = clock.monotonic() - run.begun
        reply = self._reply(run)
        self._testify(run, reply)
        if reply.status == "ok":
            self._replay.add(reply)
        if run.climb is not None and not run.climb.survived:
            self._replay.clear()
            if self.link.process.owned:
                self._fresh = asyncio.ensure_future(self._start_again())
        if reply.status in ("error", "timed_out", "died", "interrupted") and self.session:
            reply = await inside.with_context(reply, self.store, self.session)
        return reply

    def _testify(self, run: Run, reply: Reply) -> None:
        """Write into the store what the kernel cannot know: that it died, that time was the reason."""
        session = self.session
        if session is None:
            return
        if reply.death is not None and (run.climb is None or run.climb.rung is None):
            self.witness.died(session, run.execution, self.link.facts.pid, reply.death)
        elif reply.status == "timed_out":
            self.witness.ended(session, run.execution, "timed_out", reply.count, reply.seconds * 1000)

    def _reply(self, run: Run) -> Reply:
        notes = list(run.notes)
        if not self._told and self._link is not None and self.recorded and self.session is None:
            self._told = True
            notes.append(inside.not_recorded(self._link.facts))
        late = [other.late_note() for other in self._runs.values() if other is not run and other.has_news()]
        return reply_of(run, self._link, self.store / "files", [*notes, *late], self.max_tokens, self.handle)

    # --- stopping and starting again ------------------------------------------------------------------------------

    async def interrupt(self) -> None:
        """Interrupt the running cell; the waiting `run` returns "interrupted"."""
        run = self._current
        if run is not None and run.sent:
            run.interrupted = self._interrupted = True
            await climb(self.link, run.request, kill=False)

    async def restart(self, *, replay: bool = False) -> Replayed:
        """A new process in place of the old one. With `replay` the cells that were ok are run again, from the sources
        held here, until one fails; the first that behaves differently is named."""
        if not self.link.process.owned:
            raise KernelError("this kernel was started by somebody else: restart it there")
        if self._current is not None:
            await self.interrupt()
        async with self._lock:
            await self._until_fresh()
            await self._start_again()
            past, self._replay = self._replay, Replay()
        return await past.run(self.run) if replay else Replayed()

    async def _start_again(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close(kill=True)
        self._interrupted = False
        self._tried.clear()
        self._link = await self._new_link()

    async def _until_fresh(self) -> None:
        fresh, self._fresh = self._fresh, None
        if fresh is not None:
            await fresh


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - clock.monotonic())
