"""Works on a queue: runs what waits, says how far it is, and stops what somebody cancels."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from nbformat import NotebookNode

from agentlog.clock import clock
from agentlog.errors import AgentlogError
from agentlog_ipy.footprint import cpu_seconds
from agentlog_ipy.jobs import Job, Queue, Step
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.results import CellResult, NotebookResult, Options, Progress
from agentlog_ipy.runner import run_notebook_async

BEAT = 0.5
"""Seconds between two looks at what was asked for and at what runs."""


class JobProgress(Progress):
    """Keeps the job's file up to date, and passes on to another progress."""

    def __init__(self, queue: Queue, job: Job, outer: Progress) -> None:
        self.queue, self.job, self.outer = queue, job, outer
        self._kernel: Kernel | None = None

    def start(self, path: str, cells: int) -> None:
        """The notebook begins."""
        self.outer.start(path, cells)

    def running(self, path: str, kernel: Kernel, cell: NotebookNode, number: int, cells: int) -> None:
        """A cell begins."""
        self._kernel = kernel
        now = clock.time()
        step = Step(number, cells, cell.source.strip()[:80], now, None, now, self._cpu())
        self._write(replace(self.job, step=step, session=kernel.session))
        self.outer.running(path, kernel, cell, number, cells)

    def cell(self, path: str, result: CellResult, number: int, cells: int) -> None:
        """A cell ended."""
        self.outer.cell(path, result, number, cells)

    async def before(self) -> None:
        """Wait while somebody has paused the job."""
        if not self.queue.asked(self.job, "pause"):
            return
        self._write(replace(self.job, state="paused", note="before its next cell"))
        while self.queue.asked(self.job, "pause"):
            await asyncio.sleep(BEAT)
        self._write(replace(self.job, state="running", note=""))

    def beat(self) -> None:
        """Look at the running cell."""
        step, now = self.job.step, clock.time()
        if self._kernel is None or not step.number or now - step.seen < 4 * BEAT:
            return
        cpu = self._cpu()
        share = (cpu - step.cpu) / (now - step.seen)
        heard = self._kernel.last_output()
        self._write(replace(self.job, step=replace(step, seen=now, cpu=cpu, cpu_share=max(0.0, share), last_output=heard)))

    def _cpu(self) -> float:
        link = self._kernel.link if self._kernel is not None and self._kernel.alive else None
        return cpu_seconds(link.facts.pid) if link is not None else 0.0

    def _write(self, job: Job) -> None:
        self.job = job
        self.queue.write(job)


async def work(queue: Queue, *, at_once: int, progress: Progress, watch: bool = False) -> list[Job]:
    """Run jobs, `at_once` at a time, until nothing waits (with `watch`: for ever). Returns those that were run."""
    done: list[Job] = []
    lanes = [asyncio.ensure_future(_lane(queue, progress, watch, done)) for _ in range(at_once)]
    try:
        await asyncio.gather(*lanes)
    except BaseException:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        raise
    return done


async def _lane(queue: Queue, progress: Progress, watch: bool, done: list[Job]) -> None:
    while True:
        with queue.take() as job:
            if job is not None:
                done.append(await _run(queue, job, progress))
        if job is None:
            if not watch:
                return
            await asyncio.sleep(BEAT)


async def _run(queue: Queue, job: Job, outer: Progress) -> Job:
    """Run one job and keep how it ended. When we are stopped ourselves, it stays in the queue."""
    progress = JobProgress(queue, job, outer)
    options = Options(**{**job.options, "store": str(job.options.get("store") or queue.store)})
    running = asyncio.ensure_future(run_notebook_async(Path(job.path), options, progress))
    try:
        while not running.done():
            await asyncio.wait({running}, timeout=BEAT)
            progress.beat()
            if queue.asked(job, "cancel"):
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                return queue.end(progress.job, "cancelled", "while it ran")
        return _ended(queue, progress.job, running.result())
    except AgentlogError as reason:
        return queue.end(progress.job, "error", str(reason))
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        queue.write(replace(progress.job, state="queued", runner=None, note="its runner was stopped"))
        raise


def _ended(queue: Queue, job: Job, result: NotebookResult) -> Job:
    if result.error is not None:
        return queue.end(job, "error", result.error, result.session)
    bad = result.failures[0] if result.failures else None
    note = f"cell {bad.position + 1}: {bad.error}" if bad is not None else "" if result.ok else "; ".join(result.notes)
    return queue.end(job, "ok" if result.ok else "failed", note, result.session)
