"""What watching the namespace costs a session: 200 cells with three 100 MB variables, interleaved with plain IPython.

    python benchmarks/diff.py [--also ARM=PYTHON ...]        e.g. --also agentlog=python ipyflow=/env/bin/python kishu=/env/bin/python

Pairs of one plain session and one with a tool run the same cells over the same data, cell by cell in turn, all pairs in
this one run. The first three pairs are shells in this process: nothing (two plain shells, which shows how far chance goes), the
watch alone, and the whole recorder, which does all its work before the next cell starts (as in a terminal). `--also`: pairs of kernels of another Python, plain and with the tool,
timed from sending a cell to its reply; needs jupyter_client here, ipykernel, numpy and pandas there. A pair that cannot be
run says why; one that takes longer than half a minute with its tool is left out from there on, and its number of cells says so.

Printed are the median ratio and the time added, and code inside a cell (a loop of a million steps, `sorted` with a key) by
the clock of its own thread.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import itertools
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from session_cells import INSIDE, SETUP, Row, cells, report

_LONGEST = 30.0
"""Seconds that the cells of a session with a tool may take in all."""
_CLEARED = "rpz"
"""Results that begin so are let go of at once: memory is not what is measured."""


class Session(Protocol):
    """Something that runs cells. `run`: (seconds on the clock, of processor time where that is known)."""

    def run(self, source: str) -> tuple[float, float | None]: ...

    def value(self, name: str) -> float: ...

    def forget(self) -> None: ...


class Shell:
    """A shell in this process."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell(config=config)

    def run(self, source: str) -> tuple[float, float | None]:
        start, used = time.perf_counter(), time.thread_time()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = self.shell.run_cell(source, store_history=True)
        took = time.perf_counter() - start, time.thread_time() - used
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise RuntimeError(f"{source!r} failed: {error!r}")
        return took

    def value(self, name: str) -> float:
        return float(self.shell.user_ns[name])

    def forget(self) -> None:
        for name in [name for name in self.shell.user_ns if name[:1] in _CLEARED and name[1:2].isdigit()]:
            del self.shell.user_ns[name]


@dataclass
class Pair:
    """A plain session and one with a tool. `rows`: (kind, (clock, processor) without, the same with)."""

    name: str
    plain: Session
    tool: Session
    rows: list[tuple[str, tuple[float, float | None], tuple[float, float | None]]] = field(default_factory=list)
    spent: float = 0.0

    def run(self, kind: str, source: str, turn: int) -> None:
        order = (self.plain, self.tool) if turn % 2 else (self.tool, self.plain)
        times = {id(one): one.run(source) for one in order}
        self.rows.append((kind, times[id(self.plain)], times[id(self.tool)]))
        self.spent += times[id(self.tool)][0]
        for one in order:
            one.forget()

    def report(self) -> None:
        title = f"{self.name}, {len(self.rows)} cells"
        report(f"{title}, by clock", [(kind, a[0], b[0]) for kind, a, b in self.rows])
        processor: list[Row] = [(kind, a[1], b[1]) for kind, a, b in self.rows if a[1] is not None and b[1] is not None]
        if processor:
            report(f"{title}, by processor time", processor)

    def inside(self) -> None:
        """Code within a cell: what stands around the cell is not counted."""
        for title, source in INSIDE.items():
            source = f"import time\nbegan = time.thread_time()\n{source}\ntook = time.thread_time() - began"
            times: dict[int, list[float]] = {id(self.plain): [], id(self.tool): []}
            for number in range(15 if isinstance(self.tool, Shell) else 3):
                for one in (self.plain, self.tool) if number % 2 else (self.tool, self.plain):
                    one.run(source)
                    times[id(one)].append(one.value("took"))
            plain, tool = min(times[id(self.plain)]), min(times[id(self.tool)])
            print(f"    {title:28} {tool / plain:6.3f}   ({plain * 1e3:.0f} ms)", flush=True)


def with_nothing(shell: Any) -> None:
    """Two plain shells: what the others' figures are worth."""


def with_agentlog(shell: Any) -> None:
    from agentlog_ipy.extension import load

    load(shell)


looked: list[float] = []
"""Milliseconds that the watch itself says it took, cell by cell."""


def with_watch(shell: Any) -> None:
    """The namespace watch alone, without the rest of the recorder."""
    from agentlog_ipy.namespace import NamespaceWatch

    looking, number = NamespaceWatch(shell), itertools.count()
    shell.events.register("pre_run_cell", lambda info: looking.before(info.raw_cell))

    def ended(done: Any) -> None:
        looked.append(looking.after(done.info.raw_cell, f"e{next(number)}", ok=done.success).ms)

    shell.events.register("post_run_cell", ended)


ARMS: dict[str, Callable[[Any], None]] = {"nothing": with_nothing, "watch": with_watch, "agentlog": with_agentlog}


def shells(name: str) -> Pair:
    plain, tool = Shell(), Shell()
    ARMS[name](tool.shell)
    return Pair(f"{name}, shell", plain, tool)


def kernels(arm: str, python: str, folder: Path, closing: contextlib.ExitStack) -> Pair:
    """Two kernels of `python`, one with the tool loaded. Raises where they do not start or it does not load."""
    from diff_kernels import LOADS, NOTEBOOK, Kernel

    folder.mkdir()
    (folder / "bench.ipynb").write_text(NOTEBOOK)
    plain, tool = Kernel(python, str(folder)), Kernel(python, str(folder))
    closing.callback(plain.close)
    closing.callback(tool.close)
    for source in LOADS[arm]:
        tool.run(source)
    return Pair(f"{arm}, kernel", plain, tool)


def pairs(also: list[str], folder: Path, closing: contextlib.ExitStack) -> list[Pair]:
    """Those that can be run, ready; of each other it is said why not."""
    out = [shells(name) for name in ARMS]
    for number, word in enumerate(also):
        arm, _, python = word.partition("=")
        try:
            out.append(kernels(arm, python, folder / str(number), closing))
        except Exception as error:
            print(f"{arm}: not measured: {type(error).__name__}: {str(error)[:300]}", flush=True)
    for pair in list(out):
        try:
            for source in SETUP:
                pair.plain.run(source)
                pair.tool.run(source)
        except RuntimeError as error:
            out.remove(pair)
            print(f"{pair.name}: not measured: {error}", flush=True)
    return out


def measure(all_pairs: list[Pair]) -> None:
    gc.collect()
    looked.clear()
    for number, (kind, source) in enumerate(cells()):
        running = [pair for pair in all_pairs if pair.spent < _LONGEST]
        for pair in running[number % len(running) :] + running[: number % len(running)]:
            pair.run(kind, source, number)
    own = sorted(looked)
    for pair in all_pairs:
        pair.report()
        pair.inside()
    middle, late, most = own[len(own) // 2], own[int(len(own) * 0.95) - 1], own[-1]
    print(f"the watch's own time, shell: median {middle:.2f} ms, p95 {late:.1f} ms, most {most:.1f} ms (budget 25 ms)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--also", nargs="*", default=[], metavar="ARM=PYTHON", help="agentlog, ipyflow, kishu: in kernels of that Python"
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as closing:
        os.environ["AGENTLOG_DIR"] = str(Path(folder, "store"))
        measure(pairs(args.also, Path(folder), closing))
        from agentlog import recorder

        recorder.stop()


if __name__ == "__main__":
    main()
