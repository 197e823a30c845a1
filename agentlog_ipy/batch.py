"""Many notebooks: here, several at a time, or on a cluster; one result for all of them."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentlog.clock import clock
from agentlog.errors import AgentlogError, NotFound, UsageError
from agentlog_ipy.notebook import executed, is_source, parse_parameter, read_notebook
from agentlog_ipy.reports import write_junit, write_summary
from agentlog_ipy.results import NotebookResult, Options, Progress
from agentlog_ipy.runner import run_notebook_async
from agentlog_ipy.status import Lines
from agentlog_ipy.sync import run_blocking


@dataclass(frozen=True)
class BatchResult:
    """The results of several notebooks, in the order they were given."""

    results: tuple[NotebookResult, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """The worst: 2 something could not be run, 1 a cell failed, 0 all ok."""
        return max((result.exit_code for result in self.results), default=0)

    def __str__(self) -> str:
        if len(self.results) == 1:
            return str(self.results[0])
        parts = [str(result) for result in self.results if not result.ok]
        good = sum(result.ok for result in self.results)
        parts.append(f"{good} of {len(self.results)} notebooks ok in {self.seconds:.1f} s")
        return "\n\n".join(parts)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "ok": self.exit_code == 0,
            "exit_code": self.exit_code,
            "seconds": self.seconds,
            "notebooks": [result.as_json() for result in self.results],
        }


def run_command(args: argparse.Namespace, place: str | Path | None) -> BatchResult:
    """`agentlog run` for notebooks."""
    paths = notebooks_of(args.files)
    for path in paths:
        read_notebook(path)
    options = options_of(args, place)
    outputs = outputs_of(args, paths)
    jobs = [(path, replace(options, output=str(output))) for path, output in zip(paths, outputs, strict=True)]
    begun = clock.monotonic()
    progress = Progress() if args.quiet else Lines(sys.stderr, several=len(paths) > 1)
    with ending_on_sigterm():
        results = _run(jobs, progress, args)
    batch = BatchResult(tuple(results), clock.monotonic() - begun)
    if args.junit:
        write_junit(batch.results, Path(args.junit))
    if args.summary:
        write_summary(batch.as_json(), Path(args.summary))
    return batch


def _run(jobs: Sequence[tuple[Path, Options]], progress: Progress, args: argparse.Namespace) -> list[NotebookResult]:
    if args.on:
        from agentlog_ipy.cluster import run_on

        return run_on(args.on, jobs, progress)
    return run_blocking(run_many(jobs, args.jobs, progress))


async def run_many(jobs: Sequence[tuple[Path, Options]], at_once: int, progress: Progress) -> list[NotebookResult]:
    """Run notebooks, `at_once` at a time; the results in the order given."""
    gate = asyncio.Semaphore(at_once)

    async def one(path: Path, options: Options) -> NotebookResult:
        async with gate:
            try:
                return await run_notebook_async(path, options, progress)
            except AgentlogError as reason:
                return NotebookResult(str(path), error=str(reason))

    tasks = [asyncio.ensure_future(one(path, options)) for path, options in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def notebooks_of(names: Sequence[str]) -> list[Path]:
    """The notebooks that `names` mean: files, and folders with all notebooks in them that somebody wrote."""
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(filter(is_source, path.rglob("*.ipynb")))
            if not inside:
                raise NotFound(f"no notebook in the folder {path}")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def outputs_of(args: argparse.Namespace, paths: Sequence[Path], *, folder: bool = False) -> list[Path]:
    """Where the executed notebook of each path goes. `folder`: -o names one, unless it names a notebook.

    Raises UsageError where two would go to the same place.
    """
    out = Path(args.output or "")
    inside = len(paths) > 1 or out.is_dir() or (folder and out.suffix != ".ipynb")
    outputs = [_output(args, path, inside) for path in paths]
    taken: dict[Path, Path] = {}
    for path, output in zip(paths, outputs, strict=True):
        if output in taken:
            raise UsageError(
                f"{taken[output]} and {path} would both be written to {output}; run them one at a time, or without -o"
            )
        taken[output] = path
    return outputs


def _output(args: argparse.Namespace, path: Path, inside: bool) -> Path:
    if args.in_place:
        if args.output:
            raise UsageError("--in-place and -o contradict each other; give one of them")
        return path
    if not args.output:
        return executed(path)
    return Path(args.output) / path.name if inside else Path(args.output)


def options_of(args: argparse.Namespace, place: str | Path | None) -> Options:
    """The options of a command line."""
    return Options(
        parameters=dict(parse_parameter(text) for text in args.param),
        timeout=args.timeout,
        total_timeout=args.total_timeout,
        keep_going=args.keep_going,
        resume=args.resume,
        kernel=args.kernel,
        cwd=args.cwd,
        memory=parse_size(args.memory) if args.memory else None,
        store=str(place) if place is not None else None,
        context_tokens=args.tokens,
    )


def parse_size(text: str) -> int:
    """Bytes of "512M", "4G", "1000000"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)[iI]?[bB]?", text.strip())
    if match is None:
        raise UsageError(f"a size is written like 512M or 4G, not {text!r}")
    return int(float(match[1]) * 1024 ** ("kmgt".index(match[2].lower()) + 1 if match[2] else 0))


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """For command lines: SIGTERM ends us as Ctrl-C does, kernels included."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
