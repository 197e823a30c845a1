"""What watching the namespace costs a session: 200 cells with three 100 MB variables, interleaved with plain IPython.

    python benchmarks/diff.py [--others PYTHON ...]

Two shells live in one process, each with its own three variables; each cell runs in one, then in the other. The recorded
shell has the whole extension loaded and does all its work before the next cell starts (as in a terminal; in a kernel most
of it happens after the reply). Printed are the median ratio, the time added, and code inside a cell (a loop of a million
steps, `sorted` with a key). `--others`: interpreters of environments that hold ipyflow or kishu; each is measured against
plain IPython of its own in the same way.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import itertools
import os
import random
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

SETUP = (
    "import numpy as np, pandas as pd",
    "df = pd.DataFrame({f'c{i}': np.random.rand(1_250_000) for i in range(10)})",
    "arr = np.random.rand(12_500_000)",
    "other = pd.DataFrame({f'd{i}': np.random.rand(1_250_000) for i in range(10)})",
    "items, settings, total = [], {'lr': 0.1}, 0",
    "def summary(frame):\n    return frame.iloc[:200_000].mean()",
)
KINDS: dict[str, tuple[str, ...]] = {
    "computing on the data": (
        "m{n} = df.mean()", "s{n} = np.log1p(arr).sum()", "g{n} = df.groupby((df['c{k}'] * 10).astype(int))['c1'].mean()", "o{n} = np.sort(arr[:3_000_000])", "r{n} = df['c1'] * other['d{k}']", "part{n} = df[df['c{k}'] > 0.99]",
        "q{n} = float(np.percentile(arr, {k}))", "w{n} = summary(df)", "z{n} = df[['c1', 'c2']].describe()", "v{n} = arr.reshape(-1, 10).mean(axis=0)",
    ),
    "changing it in place": ("df['c{k}'] = df['c{k}'] * 1.0001", "arr[{n}] = {n}.5", "other.loc[{n}, 'd{k}'] = 0.0", "arr *= 1.0000001"),
    "small": ("x{n} = {n} + 1", "items.append({n})", "settings['k{k}'] = {n}", "total += {n}"),
}  # fmt: skip
SHARES = {"computing on the data": 150, "changing it in place": 25, "small": 25}
INSIDE = {
    "a loop of a million steps": "t = 0\nfor i in range(1_000_000):\n    t += i",
    "sorted with a key": "keyed = sorted(range(300_000), key=lambda i: -i)",
}


def cells() -> list[tuple[str, str]]:
    """(kind, source) of 200 cells, the same in every run."""
    chance = random.Random(7)
    out = [
        (kind, cell.format(n=n, k=n % 10))
        for kind, share in SHARES.items()
        for n, cell in zip(range(share), itertools.cycle(KINDS[kind]), strict=False)
    ]
    chance.shuffle(out)
    return out


def shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell(config=config)


def timed(one: Any, source: str) -> tuple[float, float]:
    """(seconds on the clock, seconds of this thread's processor time): the second is not moved by what else runs."""
    start, used = time.perf_counter(), time.thread_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        result = one.run_cell(source, store_history=True)
    took = time.perf_counter() - start, time.thread_time() - used
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise RuntimeError(f"{source!r} failed: {error!r}")
    return took


def compare(load: Callable[[Any], None], name: str) -> None:
    """Run everything in a plain shell and in one with `load` applied, cell by cell."""
    plain, watched = shell(), shell()
    load(watched)
    for source in SETUP:
        for one in (plain, watched):
            timed(one, source)
    gc.collect()
    rows = []
    for number, (kind, source) in enumerate(cells()):
        pair = (plain, watched) if number % 2 else (watched, plain)
        times = {one: timed(one, source) for one in pair}
        rows.append((kind, times[plain], times[watched]))
        for one in pair:  # let go of results: memory is not what is measured
            for variable in [v for v in one.user_ns if v[:1] in "rpz" and v[1:2].isdigit()]:
                del one.user_ns[variable]
    report(name, rows)
    if name == "watch":
        own = sorted(looked[-200:])
        print(f"  the watch's own time: median {own[100]:.2f} ms, p95 {own[189]:.1f} ms, most {own[-1]:.1f} ms (budget 25 ms)")
    inside(plain, watched)


def inside(plain: Any, watched: Any) -> None:
    """Code within a cell, by the clock of its own thread: what stands around the cell is not counted."""
    for title, source in INSIDE.items():
        source = f"import time\nbegan = time.thread_time()\n{source}\ntook = time.thread_time() - began"
        times: dict[Any, list[float]] = {plain: [], watched: []}
        for number in range(15):
            for one in (plain, watched) if number % 2 else (watched, plain):
                timed(one, source)
                times[one].append(one.user_ns["took"])
        least = {one: min(found) for one, found in times.items()}
        print(f"  {title:28} {least[watched] / least[plain]:6.3f}   ({least[plain] * 1e3:.0f} ms)")


def report(name: str, rows: list[tuple[str, tuple[float, float], tuple[float, float]]]) -> None:
    print(f"{name}: 200 cells")
    for title, which in (("clock", 0), ("processor", 1)):
        pairs = [(kind, a[which], b[which]) for kind, a, b in rows]
        added = sorted((b - a) * 1e3 for _, a, b in pairs)
        middle = statistics.median(b / a for _, a, b in pairs)
        print(
            f"  by {title + ',':11} median ratio {middle:.3f}, added median {statistics.median(added):.2f} ms, p95 {added[189]:.1f} ms"
        )
        for kind in SHARES:
            own = [(a, b) for k, a, b in pairs if k == kind]
            ratio, extra = statistics.median(b / a for a, b in own), statistics.median((b - a) * 1e3 for a, b in own)
            print(f"    {kind:26} {ratio:6.3f}   added {extra:.2f} ms to {statistics.median(a for a, _ in own) * 1e3:.2f} ms")


def agentlog(one: Any) -> None:
    from agentlog_ipy.extension import load

    load(one)


looked: list[float] = []
"""Milliseconds that the watch itself says it took, cell by cell."""


def watch(one: Any) -> None:
    """The namespace watch alone, without the rest of the recorder."""
    from agentlog_ipy.namespace import NamespaceWatch

    looking, number = NamespaceWatch(one), itertools.count()
    one.events.register("pre_run_cell", lambda info: looking.before(info.raw_cell))

    def ended(done: Any) -> None:
        looked.append(looking.after(done.info.raw_cell, f"e{next(number)}", ok=done.success).ms)

    one.events.register("post_run_cell", ended)


def loaded(one: Any, extension: str) -> None:
    """Load an extension; RuntimeError where it does not load (IPython only prints it)."""
    timed(one, f"%load_ext {extension}")
    if extension not in one.extension_manager.loaded:
        raise RuntimeError(f"{extension} does not load as an extension of a bare InteractiveShell")


def ipyflow(one: Any) -> None:
    loaded(one, "ipyflow")


def kishu(one: Any) -> None:
    loaded(one, "kishu.jupyterint")
    timed(one, "%kishu init kishu-bench.ipynb")


ARMS = {"watch": watch, "agentlog": agentlog, "ipyflow": ipyflow, "kishu": kishu}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--arm", choices=ARMS, default=None)
    parser.add_argument("--others", nargs="*", default=[], metavar="ARM=PYTHON")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AGENTLOG_DIR"] = folder
        for arm in [args.arm] if args.arm else ["watch", "agentlog"]:
            compare(ARMS[arm], arm)
        if args.arm in (None, "agentlog"):
            from agentlog import recorder

            recorder.stop()
    for other in args.others:
        arm, _, python = other.partition("=")
        done = subprocess.run([python, __file__, "--arm", arm], capture_output=True, text=True, timeout=1800, check=False)
        print(
            done.stdout
            if done.returncode == 0
            else f"{arm}: skipped: {(done.stderr.strip().splitlines() or ['no output'])[-1][:200]}"
        )


if __name__ == "__main__":
    main()
