"""The session that the benchmarks of the namespace watch run: 200 cells over three variables of 100 MB, and how they are told."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Sequence

SETUP = (
    "import numpy as np, pandas as pd\nnp.random.seed(7)",
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


Row = tuple[str, float, float]
"""(kind of the cell, seconds without, seconds with)."""


def report(title: str, rows: Sequence[Row]) -> None:
    """The median of the ratios, the time added, and both by kind of cell."""
    added = sorted((b - a) * 1e3 for _, a, b in rows)
    middle = statistics.median(b / a for _, a, b in rows)
    late = added[int(len(added) * 0.95) - 1]
    print(f"{title}: median ratio {middle:.3f}, added median {statistics.median(added):.2f} ms, p95 {late:.1f} ms")
    for kind in SHARES:
        own = [(a, b) for k, a, b in rows if k == kind]
        if own:
            ratio, extra = statistics.median(b / a for a, b in own), statistics.median((b - a) * 1e3 for a, b in own)
            usual = statistics.median(a for a, _ in own) * 1e3
            print(f"    {kind:26} {ratio:6.3f}   added {extra:.2f} ms to {usual:.2f} ms", flush=True)
