"""Notebooks over several machines: `agentlog run ... --on dask://scheduler:8786`.

Dask runs each notebook at least once (a worker that is lost is replaced), so the same notebook may be run twice; each
run has a session of its own and the executed notebook is written whole, so the last one wins. Workers see the same
file system and the same store, or they write to their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentlog.errors import AgentlogError, MissingExtra, UsageError
from agentlog_ipy.results import NotebookResult, Options, Progress
from agentlog_ipy.runner import run_notebook_async
from agentlog_ipy.sync import run_blocking

CONNECT_SECONDS = 15


def run_one(path: str, options: Options) -> NotebookResult:
    """Run one notebook where this is called: on a worker."""
    try:
        return run_blocking(run_notebook_async(path, options))
    except AgentlogError as reason:
        return NotebookResult(path, error=str(reason))


def run_on(address: str, jobs: Sequence[tuple[Path, Options]], progress: Progress) -> list[NotebookResult]:
    """Run the notebooks on the cluster at `address`; the results in the order given.

    Raises UsageError for another kind of address or a scheduler that does not answer, MissingExtra without Dask.
    """
    client = _client(address)
    try:
        futures = {
            client.submit(
                run_one, str(path.absolute()), _absolute(options), pure=False, key=f"agentlog-{number}-{path.name}-{id(jobs)}"
            ): number
            for number, (path, options) in enumerate(jobs)
        }
        return _gathered(client, futures, jobs, progress)
    finally:
        client.close()


def _absolute(options: Options) -> Options:
    """A worker's working directory is another."""
    return replace(options, output=str(Path(options.output).absolute())) if options.output else options


def _client(address: str) -> Any:
    kind, _, place = address.partition("://")
    if kind != "dask" or not place:
        raise UsageError(f"--on takes dask://host:port, not {address!r}")
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtra("running on a Dask cluster", "dask") from None
    try:
        return Client(f"tcp://{place}", timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as reason:
        raise UsageError(f"no Dask scheduler answers at {place}: {reason}") from None


def _gathered(
    client: Any, futures: dict[Any, int], jobs: Sequence[tuple[Path, Options]], progress: Progress
) -> list[NotebookResult]:
    """Take each result as it comes, and release it: what is done is not done again when a worker is lost."""
    from distributed import as_completed

    results: dict[int, NotebookResult] = {}
    for future in as_completed(list(futures), loop=client.loop):
        number = futures[future]
        path = str(jobs[number][0])
        error = future.exception()
        results[number] = NotebookResult(path, error=f"{type(error).__name__}: {error}") if error is not None else future.result()
        future.release()
        _tell(progress, path, results[number])
    return [results[number] for number in range(len(jobs))]


def _tell(progress: Progress, path: str, result: NotebookResult) -> None:
    progress.start(path, len(result.cells))
    for number, cell in enumerate(result.cells, 1):
        progress.cell(path, cell, number, len(result.cells))
