"""The kernels a server runs code in: its own, which end with it, and those that somebody else started.

A kernel is named. A name that `agentlog exec` gave is that kernel; a path is the connection file of any Jupyter kernel;
any other name is a kernel of the server's own, started when it is first used. What runs goes on when the call that
started it returns or is given up: `Job` is asked again later.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentlog.errors import KernelBusy, NotFound
from agentlog.ids import new_id
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.registry import Registry
from agentlog_ipy.reply import Reply
from agentlog_ipy.shell_commands import restart_named

KEPT = 200
"""finished executions whose answer can still be asked for"""
HANDLE = "show_execution({execution!r}, start={start}, end={end})"


@dataclass(eq=False)
class Job:
    """One execution: its kernel, and the task that waits for its reply."""

    execution: str
    kernel: str
    task: asyncio.Task[Reply]


@dataclass(eq=False)
class Open:
    """A kernel in use. `own`: started by this server; `named`: by `agentlog exec`, else attached by its connection file."""

    name: str
    kernel: Kernel
    own: bool
    named: bool = False
    jobs: list[Job] = field(default_factory=list)

    @property
    def current(self) -> Job | None:
        """The execution that was asked for first among those that are not done."""
        self.jobs = [job for job in self.jobs if not job.task.done()]
        return self.jobs[0] if self.jobs else None


class Kernels:
    """All kernels of one server. Everything here runs on the server's event loop.

    used     name of the kernel that code was last run in
    fresh    the execution that ended last, until somebody saw that all about it is recorded
    """

    def __init__(self, store: Path, spec: str = "python3", python: str | Path | None = None) -> None:
        self.store = store
        self.used: str | None = None
        self.fresh: str | None = None
        self._registry = Registry(store)
        self._make: Callable[[], Kernel] = lambda: Kernel(spec, python=python, store=store, cwd=os.getcwd())
        self._open: dict[str, Open] = {}
        self._opening: dict[str, asyncio.Task[Open]] = {}
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    @property
    def session(self) -> str | None:
        """Id of the session of the kernel that was used last."""
        found = self._open.get(self.used or "")
        return found.kernel.session if found is not None else None

    def find(self, name: str) -> Open | None:
        """The kernel called `name`, where it is in use."""
        return self._open.get(name)

    async def get(self, name: str) -> Open:
        """The kernel called `name`, started or attached now if it is not in use yet. Raises KernelError."""
        found = self._open.get(name)
        if found is not None:
            return found
        if name not in self._opening:
            self._opening[name] = asyncio.ensure_future(self._start(name))
        try:
            return await asyncio.shield(self._opening[name])
        finally:
            if name in self._opening and self._opening[name].done():
                del self._opening[name]

    async def _start(self, name: str) -> Open:
        if os.sep in name:
            found = Open(name, Kernel.attach(_existing(name), store=self.store), own=False)
        else:
            entry = self._registry.find(name)
            known = entry is not None and entry.alive
            kernel = Kernel.attach(entry.connection_file, store=self.store) if entry is not None and known else self._make()
            found = Open(name, kernel, own=not known, named=known)
        found.kernel.handle = HANDLE
        await found.kernel.start()
        self._open[name] = found
        return found

    # --- running --------------------------------------------------------------------------------------------------

    async def run(self, name: str, code: str, timeout: float | None, patience: float) -> Job:
        """Have `code` run; returns at once, or after the executions before it. Raises KernelBusy after `patience` seconds."""
        found = await self.get(name)
        self.used = name
        before = found.current
        if before is not None:
            await asyncio.wait([before.task], timeout=patience)
            if not before.task.done():
                raise KernelBusy(
                    f"kernel {name!r} is {found.kernel.state()}: run_code(execution={before.execution[-6:]!r}) waits for it,"
                    " control_kernel('interrupt') stops it, another kernel name runs beside it"
                )
        execution = new_id()
        task = asyncio.ensure_future(found.kernel.run(code, timeout=timeout, execution=execution))
        task.add_done_callback(self._ended)
        job = Job(execution, name, task)
        found.jobs.append(job)
        self._jobs[execution] = job
        while len(self._jobs) > KEPT:
            self._jobs.popitem(last=False)
        return job

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        if not task.cancelled() and task.exception() is None and task.result().status in ("ok", "error") and self.session:
            self.fresh = task.result().execution

    def job(self, execution: str) -> Job:
        """The execution with this id, or the end of one. Raises NotFound."""
        found = next((job for job in reversed(self._jobs.values()) if execution and job.execution.endswith(execution)), None)
        if found is None:
            raise NotFound(f"no execution {execution!r} was started here; show_execution finds those that are recorded")
        return found

    async def wait(self, job: Job, seconds: float) -> Reply | None:
        """Its reply; None when it still runs after `seconds`. Raises what went wrong in asking the kernel."""
        await asyncio.wait([job.task], timeout=seconds)
        return job.task.result() if job.task.done() else None

    def so_far(self, job: Job) -> Reply | None:
        """What it has put out so far; None before it was sent."""
        found = self._open.get(job.kernel)
        return found.kernel.so_far(job.execution) if found is not None else None

    def state(self, job: Job) -> str:
        """What its kernel does, in words."""
        found = self._open.get(job.kernel)
        return found.kernel.state() if found is not None else "stopped"

    def output(self, execution: str, stream: str, start: int, end: int) -> str | None:
        """Characters of what an execution of these kernels put out; None where it was none of theirs."""
        for found in self._open.values():
            try:
                return found.kernel.output(execution, start, end, stream=stream)
            except NotFound:
                continue
        return None

    # --- control --------------------------------------------------------------------------------------------------

    async def interrupt(self, name: str) -> str:
        """Interrupt what it runs."""
        found = self._open.get(name)
        if found is None or (found.named and found.current is None):
            return await self._registry.interrupt(name)
        if found.current is None:
            return f"{name}: was {found.kernel.state()}"
        job = found.current
        await found.kernel.interrupt()
        await asyncio.wait([job.task], timeout=5.0)
        return f"{name}: {job.task.result().status if job.task.done() else 'was interrupted but still runs; restart ends it'}"

    async def restart(self, name: str, replay: bool) -> str:
        """A new process; with `replay` the cells that were ok run again."""
        found = self._open.get(name)
        if found is not None and found.own:
            return f"{name}: {await found.kernel.restart(replay=replay)}"
        if found is not None:
            if not found.named:
                await found.kernel.restart()  # says why not
            await self._forget(found)
        return await restart_named(self._registry, name, replay=replay)

    async def stop(self, name: str) -> str:
        """End it (one that was only attached lives on, and is let go)."""
        found = self._open.get(name)
        if found is None or found.named:
            if found is not None:
                await self._forget(found)
            return await self._registry.stop(name)
        await self._forget(found)
        return f"{name}: stopped" if found.own else f"{name}: let go; it lives on"

    def listing(self) -> list[dict[str, Any]]:
        """A row each: name, state, session, whose."""
        rows = [
            {"name": one.name, "state": one.kernel.state(), "session": one.kernel.session or "", "of": _whose(one)}
            for one in self._open.values()
        ]
        others = [entry for entry in self._registry.entries() if entry.alive and entry.name not in self._open]
        return rows + [
            {"name": e.name, "state": "not in use here", "session": e.session or "", "of": "agentlog exec"} for e in others
        ]

    async def close(self) -> None:
        """End what is the server's own and let go of the rest."""
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        await asyncio.gather(*(self._forget(found) for found in list(self._open.values())), return_exceptions=True)

    async def _forget(self, found: Open) -> None:
        self._open.pop(found.name, None)
        tasks = [job.task for job in found.jobs]
        if not found.own:
            for task in tasks:
                task.cancel()
        await found.kernel.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _existing(path: str) -> str:
    if not Path(path).is_file():
        raise NotFound(f"no connection file {path}; a kernel's name has no {os.sep!r} in it")
    return path


def _whose(found: Open) -> str:
    return "this server" if found.own else "agentlog exec" if found.named else "somebody else"
