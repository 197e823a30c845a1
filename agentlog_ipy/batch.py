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
from agentlog_ipy.notebook import parse_parameter, read_notebook
from agentlog_ipy.reports import write_junit, write_summary
from agentlog_ipy.results import NotebookResult, Options, Progress
from agentlog_ipy.runner import run_notebook_async
from agentlog_ipy.status import Lines
from agentlog_ipy.sync import run_blocking

EXECUTED = ".executed.ipynb"


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
    jobs = [(path, _output(args, path, len(paths))) for path in paths]
    options = options_of(args, place)
    begun = clock.monotonic()
    progress = Progress() if args.quiet else Lines(sys.stderr, several=len(paths) > 1)
    with ending_on_sigterm():
        results = _run(jobs, options, progress, args)
    batch = BatchResult(tuple(results), clock.monotonic() - begun)
    if args.junit:
        write_junit(batch.results, Path(args.junit))
    if args.summary:
        write_summary(batch.as_json(), Path(args.summary))
    return batch


def _run(
    jobs: Sequence[tuple[Path, str]], options: Options, progress: Progress, args: argparse.Namespace
) -> list[NotebookResult]:
    if args.on:
        from agentlog_ipy.cluster import run_on

        absolute = [(path, replace(options, output=str(Path(output).absolute()))) for path, output in jobs]
        return run_on(args.on, absolute, progress)
    return run_blocking(run_many([(path, replace(options, output=output)) for path, output in jobs], args.jobs, progress))


async def run_many(jobs: Sequence[tuple[Path, Options]], at_once: int, progress: Progress) -> list[NotebookResult]:
    """Run notebooks, `at_once` at a time; the results in the order given."""
    if at_once < 1:
        raise UsageError(f"-j needs a number of at least 1, not {at_once}")
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
    """The notebooks that `names` mean: files, and folders with all notebooks in them but executed ones."""
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(
                p for p in path.rglob("*.ipynb") if not p.name.endswith(EXECUTED) and ".ipynb_checkpoints" not in p.parts
            )
            if not inside:
                raise NotFound(f"no notebook in the folder {path}")
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _output(args: argparse.Namespace, path: Path, count: int) -> str:
    if args.in_place:
        if args.output:
            raise UsageError("--in-place and -o contradict each other; give one of them")
        return str(path)
    if not args.output:
        return str(path.with_name(path.stem + EXECUTED))
    out = Path(args.output)
    return str(out / path.name) if count > 1 or out.is_dir() else str(out)


def options_of(args: argparse.Namespace, place: str | Path | None) -> Options:
    """The options of a command line."""
    return Options(
        parameters=dict(parse_parameter(text) for text in args.param),
        timeout=_positive("--timeout", args.timeout),
        total_timeout=_positive("--total-timeout", args.total_timeout),
        keep_going=args.keep_going,
        resume=args.resume,
        kernel=args.kernel,
        cwd=args.cwd,
        memory=parse_size(args.memory) if args.memory else None,
        store=str(place) if place is not None else None,
        context_tokens=args.tokens,
    )


def _positive(option: str, seconds: float | None) -> float | None:
    if seconds is not None and seconds <= 0:
        raise UsageError(f"{option} needs seconds above 0, not {seconds:g}")
    return seconds


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
