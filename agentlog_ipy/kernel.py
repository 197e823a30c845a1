"""A kernel that is driven by a program: `async with Kernel() as k: reply = await k.run(code, timeout=30)`.

An execution is complete when its own idle message and its own reply have both arrived. One cell is sent at a time, so
an error never aborts a queue that nobody sees. At a deadline the ladder of `ladder.py` is climbed; when the process
ends, `death.py` finds out how. `sync.py` has the same for programs without an event loop.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from agentlog.errors import KernelError, NotFound
from agentlog.ids import new_id
from agentlog.settings import store_folder
from agentlog_ipy.channels import Message, Request
from agentlog_ipy.link import Link, Wishes
from agentlog_ipy.process import FoundProcess, LocalProcess, Process
from agentlog_ipy.reply import MAX_TOKENS, Reply, ReplyStatus, outputs_of
from agentlog_ipy.transcript import Error, Transcript, error_of

KEPT = 200
"""executions whose output `output()` still has"""
IDLE_GRACE = 5.0
"""seconds that the idle message may take after the reply and the last output"""
FOREVER = None


@dataclass(eq=False)
class Run:
    """One execution on its way: what was asked and what came."""

    execution: str
    code: str
    answers: list[str] = field(default_factory=list)
    listen: Callable[[Message], None] | None = None
    transcript: Transcript = field(default_factory=Transcript)
    request: Request | None = None
    begun: float = field(default_factory=time.monotonic)
    asked: list[str] = field(default_factory=list)
    interrupted: bool = False
    done: bool = False
    notes: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


class Kernel:
    """Drives one kernel.

    spec        name of a kernelspec; or `python`: an interpreter that has ipykernel
    record      the kernel records itself with agentlog, where its Python has it
    store       the store's folder (default: as everywhere)
    timeout     seconds for each `run` that names none; None waits
    memory      bytes of address space the kernel may have (Python kernels)
    kill        at a deadline, end a kernel that nothing else could stop
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
    ) -> None:
        self.store = Path(store).absolute() if store is not None else store_folder(start=Path(cwd) if cwd else None)
        self.timeout = timeout
        self.kill = kill
        self.max_tokens = max_tokens
        self._wishes = Wishes(record=record, memory=memory, seconds=start_seconds)
        environment = {**(env or {}), "AGENTLOG": "true" if record else "false", "AGENTLOG_DIR": str(self.store)}
        self._make = lambda folder: LocalProcess(spec, python=python, cwd=cwd, env=environment, arguments=arguments, folder=folder)
        self._link: Link | None = None
        self._lock = asyncio.Lock()
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._current: Run | None = None

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> Kernel:
        """Start the kernel and wait until it answers. Raises KernelStartError with what it said."""
        if self._link is None:
            folder = Path(tempfile.mkdtemp(prefix="agentlog-kernel-"))
            link = Link(self._make(folder), folder, self._wishes)
            await link.open()
            self._link = link
        return self

    async def close(self) -> None:
        """End it; no process, socket, thread or file is left."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def __aenter__(self) -> Kernel:
        return await self.start()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        await self.close()

    @property
    def link(self) -> Link:
        """The line to the process. Raises KernelError before `start` and after `close`."""
        if self._link is None:
            raise KernelError("the kernel is not running: use `async with Kernel() as k`, or start()")
        return self._link

    # --- running --------------------------------------------------------------------------------------------------

    async def run(self, code: str, *, timeout: float | None = FOREVER, answers: Sequence[str] = ()) -> Reply:
        """Run one cell."""
        async with self._lock:
            run = Run(new_id(), code, list(answers))
            self._keep(run)
            self._send(run)
            assert run.request is not None
            await self.link.wait(run.request, timeout)
            return self._reply(run)

    def _keep(self, run: Run) -> None:
        self._runs[run.execution] = run
        while len(self._runs) > KEPT:
            self._runs.popitem(last=False)

    def _send(self, run: Run) -> None:
        content = {
            "code": run.code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": True, "stop_on_error": False,
        }  # fmt: skip
        metadata = {"agentlog": {"execution": run.execution}}
        run.request = self.link.dispatch.send(
            "shell", "execute_request", content, metadata=metadata, listen=lambda channel, message: self._heard(run, channel, message)
        )

    def _heard(self, run: Run, channel: str, message: Message) -> None:
        if channel == "stdin":
            self._asked(run, message)
            return
        run.transcript.add(message["header"]["msg_type"], message["content"])

    def _asked(self, run: Run, message: Message) -> None:
        """The cell wants input: an answer given beforehand, else the end of the input, at once."""
        run.asked.append(str(message["content"].get("prompt", "")))
        value = run.answers.pop(0) if run.answers else "\x04"
        self.link.dispatch.answer({"value": value}, message)

    def _reply(self, run: Run) -> Reply:
        assert run.request is not None
        content = run.request.reply.result()
        status: ReplyStatus = "ok" if content.get("status") == "ok" else "error"
        error = run.transcript.errors[-1] if run.transcript.errors else None
        if status == "error" and error is None:
            error = error_of(content)
        return Reply(
            status=status if error is None else "error",
            execution=run.execution,
            code=run.code,
            count=content.get("execution_count"),
            outputs=outputs_of(run.transcript, self.store / "files"),
            error=error,
            seconds=time.monotonic() - run.begun,
            max_tokens=self.max_tokens,
            transcript=run.transcript,
        )

    def output(self, execution: str, start: int = 0, end: int | None = None, *, stream: str = "stdout") -> str:
        """Characters `start` to `end` of what an execution (its id, or the end of it) put out on `stream`."""
        for identifier in reversed(self._runs):
            if identifier.endswith(execution):
                return self._runs[identifier].transcript.read(stream, start, end)
        raise NotFound(f"no execution {execution!r} among the last {KEPT} of this kernel")
