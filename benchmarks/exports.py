"""Exports of a large store: time, size, and the memory that each takes.

    python benchmarks/exports.py [--events 1000000] [--store FOLDER]

Each export runs in a process of its own; its peak memory includes the interpreter and the libraries ("import" alone is the
first column's own figure). The aim: a million events within 200 MB.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from store import fill

AIM = 200e6
WORK = (
    ("jsonl records", "events.jsonl", ()),
    ("csv executions", "executions.csv", ()),
    ("csv events", "events.csv", ("--table", "events")),
    ("sqlite, all tables", "copy.sqlite", ()),
    ("parquet events", "events.parquet", ("--table", "events")),
    ("xlsx workbook", "report.xlsx", ()),
    ("ipynb, one session", "session.ipynb", ()),
    ("bundle", "all.agentlog", ("push",)),
    ("jsonl anonymized", "anonymous.jsonl", ("--anonymize",)),
)


def measure(command: list[str]) -> tuple[float, float]:
    """(seconds, peak bytes) of a command. Raises CalledProcessError with what it said."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, command, said)
    return time.perf_counter() - started, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="use (and fill, where it is missing) this folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        store = args.store or Path(temporary) / "store"
        if not (store / "journal").is_dir():
            fill(store, args.events)
        agentlog = [sys.executable, "-m", "agentlog"]
        idle, base = measure([*agentlog, "sessions", "--store", str(store), "--limit", "1"])
        print(f"{'the index, built':24} {idle:8.1f} s {base / 1e6:8.0f} MB")
        for what, name, options in WORK:
            verb = (
                [options[0], str(Path(temporary) / name), "--all"]
                if options == ("push",)
                else ["export", str(Path(temporary) / name), *options]
            )
            try:
                seconds, peak = measure([*agentlog, *verb, "--store", str(store)])
            except subprocess.CalledProcessError as error:
                print(f"{what:24} failed: {error.output.decode().strip().splitlines()[-1]}")
                continue
            size = (Path(temporary) / name).stat().st_size
            mark = "" if peak <= AIM else f"   over {AIM / 1e6:.0f} MB"
            print(f"{what:24} {seconds:8.1f} s {peak / 1e6:8.0f} MB   file {size / 1e6:7.1f} MB{mark}", flush=True)
    print(f"{'this process':24} {'':10} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")


if __name__ == "__main__":
    main()
