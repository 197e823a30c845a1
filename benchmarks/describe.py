"""What describing a crowded namespace costs, in time and memory, next to what a reader would do by hand.

    python benchmarks/describe.py [--rows 10000000] [--repeat 7]

The namespace holds a frame of 10 million rows and five columns, an array of 1 GB, a list of 10 million ints, a dict of a
million keys and 5,000 small names (needs numpy, pandas and about 3 GB). Each row of the table: the first look (cold
caches), the median of the others, the most memory at once above the start as tracemalloc and the process's resident size
see it, and the ratio to a plain `repr` or `describe()` of the library in the same run.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pandas as pd

from agentlog.describe import describe, describe_names, schema

AIM_MS, AIM_MB = 30.0, 5.0


def namespace(rows: int) -> dict[str, object]:
    """The big objects and 5,000 small names."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "price": random.random(rows),
            "count": random.integers(0, 9, rows),
            "text": np.array(["x", "y", None], dtype=object)[random.integers(0, 3, rows)],
            "kind": pd.Categorical.from_codes(random.integers(0, 3, rows), ["u", "v", "w"]),
            "when": pd.date_range("2000-01-01", periods=rows, freq="s"),
        }
    )
    big = {
        "frame": frame,
        "array": np.ones(rows * 25 // 2),
        "ints": list(range(rows)),
        "keys": {f"key{i}": i for i in range(rows // 10)},
    }
    return {**big, **{f"name{i}": i for i in range(5_000)}}


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def resident() -> float:
    """Resident size of this process in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def traced(action: Callable[[], object]) -> float:
    """Most memory at once above the start, in MB, as Python's allocators see it."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def row(title: str, action: Callable[[], object], repeat: int, against: float | None = None) -> float:
    """Measure and print one row; returns the median."""
    gc.collect()
    before = resident()
    first = timed(action)
    grown = resident() - before
    times = [timed(action) for _ in range(repeat)]
    median = statistics.median(times)
    ratio = f"{median / against:9.4f}" if against else "        -"
    print(f"{title:34} {first:9.2f} {median:9.2f} {max(times):9.2f} {traced(action):9.2f} {grown:9.1f} {ratio}")
    return median


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    names = namespace(options.rows)
    frame, array = names["frame"], names["array"]
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(array, np.ndarray)
    print(f"{'':34} {'first ms':>9} {'median ms':>9} {'worst ms':>9} {'peak MB':>9} {'rss +MB':>9} {'ratio':>9}")
    counted = row("frame.isna().sum() by hand", lambda: frame.isna().sum(), 1)
    spread = row("array.min(), max() by hand", lambda: (array.min(), array.max()), 1)
    row("describe(frame)", lambda: describe(frame), options.repeat, counted)
    row("describe(array)", lambda: describe(array), options.repeat, spread)
    row("describe(list)", lambda: describe(names["ints"]), options.repeat)
    row("describe(dict)", lambda: describe(names["keys"]), options.repeat)
    for name in ("frame", "array", "ints", "keys", "name0"):
        row(f"schema({name})", lambda name=name: schema(names[name]), options.repeat)  # type: ignore[misc]
    all_names = row(f"describe_names({len(names)} names)", lambda: describe_names(names), options.repeat)
    peak = traced(lambda: describe_names(names))
    print(f"\naim: all names within {AIM_MS:.0f} ms and {AIM_MB:.0f} MB: {all_names:.1f} ms, {peak:.2f} MB")


if __name__ == "__main__":
    main()
