"""What looking at the namespace costs after one cell, by kind of cell, with 300 MB of data alive. Also: how sure it is.

    python benchmarks/namespace.py

Microseconds of `before` and `after` together, the least and the median of many; the tests' battery is run once more with the
default budget and its outcome counted.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from mutations import MUTATIONS, UNCHANGED, Case
from mutations_unseen import UNSEEN, UNSEEN_UNCHANGED
from scripted import empty_shell

from agentlog.settings import Limits
from agentlog_ipy.namespace import NamespaceWatch

CELLS = {
    "pass": "pass",
    "comment": "# nothing",
    "x = 1": "x = {}",
    "read a frame": "m{} = df1['c0']",
    "call a method": "df1.head({})",
    "list.append": "items.append({})",
    "function call": "f({})",
    "small frame, new column": "small['z'] = {}",
    "array element, 100 MB": "arr[{}] = 1.5",
}


def populated() -> Any:
    """A shell with five names and 300 MB of frames and arrays."""
    shell = empty_shell()
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run_cell(
            "import numpy as np, pandas as pd\n"
            "df1 = pd.DataFrame({f'c{i}': np.random.rand(1_250_000) for i in range(10)})\n"
            "df2 = df1 + 1\narr = np.random.rand(12_500_000)\n"
            "items = list(range(100)); small = pd.DataFrame({'a': range(100)})\ndef f(x): return x + 1\nx = 0"
        )
    return shell


def measure(watch: NamespaceWatch, shell: Any, cell: str, rounds: int) -> list[float]:
    """Seconds of the two hooks, for cells that are each written a little differently."""
    times = []
    for number in range(rounds):
        source = cell.format(number)
        start = time.perf_counter()
        watch.before(source)
        middle = time.perf_counter()
        with contextlib.suppress(Exception):
            exec(compile(source, "<cell>", "exec"), shell.user_ns)
        again = time.perf_counter()
        watch.after(source, f"e{number}")
        times.append(middle - start + time.perf_counter() - again)
    return times


def outcome(case: Case) -> str:
    """found, unknown, missed; for a cell that changes nothing: quiet, unknown, invented."""
    shell = empty_shell()
    watch = NamespaceWatch(shell, Limits())
    _, setup, cell, names = case
    found = []
    for number, source in enumerate((setup, cell)):
        watch.before(source)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = shell.run_cell(source, store_history=False)
        if result.error_in_exec is not None or result.error_before_exec is not None:
            return "not run"
        found = list(watch.after(source, f"e{number}").changes)
    kinds = {change.name: change.kind for change in found}
    if not names:
        return "invented" if "mutated" in kinds.values() else "unknown" if "unknown" in kinds.values() else "quiet"
    told = [kinds.get(name) for name in names.split()]
    return "missed" if None in told else "unknown" if "unknown" in told else "found"


def main() -> None:
    warnings.simplefilter("ignore")
    shell = populated()
    watch = NamespaceWatch(shell, Limits())
    watch.before("x"), watch.after("x", "e")
    for _ in range(20):
        watch.rotate(50)
    print(f"{'cell':26} {'least µs':>9} {'median µs':>10}")
    for name, cell in CELLS.items():
        times = measure(watch, shell, cell, 40 if "MB" in name else 300)
        print(f"{name:26} {min(times) * 1e6:9.0f} {statistics.median(times) * 1e6:10.0f}")
    for title, cases in (("changes", (*MUTATIONS, *UNSEEN)), ("no changes", (*UNCHANGED, *UNSEEN_UNCHANGED))):
        counts: dict[str, int] = {}
        for case in cases:
            said = outcome(case)
            counts[said] = counts.get(said, 0) + 1
        print(f"{title} ({len(cases)}): " + ", ".join(f"{count} {said}" for said, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
