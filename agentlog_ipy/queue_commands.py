"""What `agentlog queue` does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentlog.clock import clock
from agentlog.errors import UsageError
from agentlog.settings import store_folder
from agentlog_ipy.batch import ending_on_sigterm, notebooks_of, options_of, outputs_of
from agentlog_ipy.jobs import Job, Queue
from agentlog_ipy.notebook import read_notebook
from agentlog_ipy.results import Progress
from agentlog_ipy.shell_commands import Said
from agentlog_ipy.status import Lines
from agentlog_ipy.sync import run_blocking
from agentlog_ipy.worker import work


@dataclass(frozen=True)
class Jobs:
    """Jobs, and whether the queue is paused. `exit_code`: 1 where one that was run did not end well."""

    jobs: tuple[Job, ...]
    paused: bool = False
    exit_code: int = 0

    def __str__(self) -> str:
        now = clock.time()
        lines = [f"{job.id[-6:]}  {_short(job.path):40}  {job.words(now)}" for job in self.jobs]
        lines += ["the queue is paused"] if self.paused else []
        return "\n".join(lines) or "the queue is empty"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        now = clock.time()
        return {"paused": self.paused, "jobs": [{**asdict(job), "words": job.words(now)} for job in self.jobs]}


def _short(path: str) -> str:
    relative = os.path.relpath(path)
    return relative if len(relative) < len(path) else path


def queue(args: argparse.Namespace, place: str | Path | None) -> Jobs | Said:
    """One of the actions."""
    found = Queue(Path(place).absolute() if place is not None else store_folder())
    return _ACTIONS[args.action](found, args)


def _list(found: Queue, args: argparse.Namespace) -> Jobs:
    return Jobs(tuple(found.jobs()), found.paused)


def _add(found: Queue, args: argparse.Namespace) -> Jobs:
    paths = notebooks_of(args.files)
    for path in paths:
        read_notebook(path)
    options = asdict(options_of(args, None))
    changed = {name: value for name, value in options.items() if value}
    outputs = [str(output.absolute()) for output in outputs_of(args, paths, folder=True)]
    return Jobs(tuple(found.add(path, {**changed, "output": output}) for path, output in zip(paths, outputs, strict=True)))


def _pause(found: Queue, args: argparse.Namespace) -> Said:
    return Said(tuple(found.pause(args.jobs)))


def _resume(found: Queue, args: argparse.Namespace) -> Said:
    return Said(tuple(found.resume(args.jobs)))


def _cancel(found: Queue, args: argparse.Namespace) -> Said:
    if not args.jobs:
        raise UsageError("agentlog queue cancel needs the id of a job (agentlog queue list shows them)")
    return Said(tuple(found.cancel(args.jobs)))


def _clear(found: Queue, args: argparse.Namespace) -> Said:
    return Said((f"{found.clear()} job(s) that had ended are forgotten",))


def _work(found: Queue, args: argparse.Namespace) -> Jobs:
    progress = Progress() if args.quiet else Lines(sys.stderr, several=True)
    with ending_on_sigterm():
        done = run_blocking(work(found, at_once=args.at_once, progress=progress, watch=args.watch))
    return Jobs(tuple(done), found.paused, int(any(job.state in ("failed", "error") for job in done)))


_ACTIONS: dict[str, Callable[[Queue, argparse.Namespace], Jobs | Said]] = {
    "list": _list,
    "add": _add,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "clear": _clear,
    "work": _work,
}
