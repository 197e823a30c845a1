"""The store: writing beside a bare os.write, indexing a million events, asking.

    python benchmarks/store.py [--events 1000000] [--writers 8] [--records 4000]

Ratios hold within one run; the machine's own speed cancels out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentlog.events import (
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    NamespaceChanged,
    SessionStarted,
    StreamWritten,
    to_record,
)
from agentlog.ids import new_id, timestamp
from agentlog.journal import Journal
from agentlog.settings import Limits
from agentlog.store import Store


def cell(session: str, number: int) -> list[dict[str, object]]:
    """The records of one cell: start, two streams, an error for every tenth, its end, its namespace."""
    common = {"session": session, "execution": new_id()}
    failed = number % 10 == 9
    failure = Failure("KeyError", f"'column_{number % 7}'", hash=f"hash{number % 50}")
    events = [
        ExecutionStarted(
            number=number, count=number, source=f"frame = load({number})\nframe['column_{number % 7}'].mean()", **common
        ),
        StreamWritten(text=f"step {number}: loss=0.{number:06d}, accuracy=0.91, 12.5 s\n", **common),
        StreamWritten(text=f"warning: {number} rows dropped\n", name="stderr", **common),
        *([ErrorRaised(failure=failure, message=f"KeyError: 'column_{number % 7}'", **common)] if failed else []),
        ExecutionEnded(status="error" if failed else "ok", count=number, ms=12.5, rss=200_000_000, **common),
        NamespaceChanged(reads=("load",), writes=("frame",), **common),
    ]
    return [{**to_record(event), "i": new_id(), "t": timestamp()} for event in events]


def fill(folder: Path, events: int, cells_a_session: int = 2_000) -> list[str]:
    """Write about `events` events in sessions of `cells_a_session` cells, one segment chain each; returns session ids."""
    sessions: list[str] = []
    written = 0
    while written < events:
        journal = Journal(folder, Limits())
        session = new_id()
        sessions.append(session)
        journal.append(
            {**to_record(SessionStarted(session=session, life="kernel", pid=os.getpid())), "i": new_id(), "t": timestamp()}
        )
        for number in range(1, cells_a_session + 1):
            for record in cell(session, number):
                journal.append(record)
                written += 1
            if written >= events:
                break
        journal.close()
    return sessions


def timed(work: Callable[[], object], repeat: int = 1) -> float:
    """Median seconds of `work`."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def say(what: str, seconds: float, aim: str = "") -> None:
    """One line of the table."""
    shown = f"{seconds:8.2f} s " if seconds >= 1 else f"{seconds * 1e3:8.3f} ms"
    print(f"{what:58} {shown}   {aim}", flush=True)


def reading(folder: Path, events: int) -> None:
    """A million events: indexing, opening cold, the last failure, catching up."""
    print(f"\nreading, {events:,} events")
    say("writing them (one process)", timed(lambda: fill(folder, events)))
    size = sum(file.stat().st_size for file in (folder / "journal").iterdir())
    store = Store.open(folder)
    before = time.process_time()
    say(f"indexing them cold ({size / 1e6:.0f} MB)", timed(store.refresh), "aim: 15 s")
    say("  of that on the processor (the rest is other programs')", time.process_time() - before)
    print(f"{'size of the index':58} {(folder / 'index.sqlite').stat().st_size / 1e6:8.0f} MB")
    session = store.session().id
    say("opening again, first answer", timed(lambda: Store.open(folder).last_failure(session), 5))
    say("last failure of a session", timed(lambda: store.last_failure(session), 200), "aim: 1 ms")
    say("last failure of the whole store", timed(store.last_failure, 50))
    journal = Journal(folder, Limits())
    short = new_id()
    for number in range(1, 1001):
        for record in cell(short, number):
            journal.append(record)
    store.refresh()
    say("executions() of a session of 1,000", timed(lambda: store.executions(short), 20), "aim: 5 ms")
    say("sessions(limit=20)", timed(lambda: store.sessions(limit=20), 20))
    catching = []
    for turn in range(20):
        for record in [record for number in range(20) for record in cell(short, 2000 + turn * 20 + number)][:100]:
            journal.append(record)
        catching.append(timed(store.refresh))
    say("catching up after 100 new events", statistics.median(catching), "aim: 10 ms")
    say("errors of one kind (by hash)", timed(lambda: list(store.errors(hash="hash9")), 1))
    say("text search over one session", timed(lambda: store.executions(session, wanted=_text("rows dropped")), 3))
    journal.close()
    store.close()


def _text(text: str) -> object:
    from agentlog.filters import Filter

    return Filter(text=text, limit=10)


WRITER = """
import os, sys, time
sys.path.insert(0, {here!r})
from store import cell
from agentlog.ids import new_id
from agentlog.journal import Journal, encode
from agentlog.settings import Limits
from pathlib import Path
folder, records, out = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
session = new_id()
lines = [record for number in range(records // 5 + 1) for record in cell(session, number)][:records]
bodies = [encode(line) + b"," + b"h" * 40 + b"\\n" for line in lines]
journal, clock = Journal(folder, Limits()), time.perf_counter_ns
journal.open()
bare = os.open(folder / f"bare-{{os.getpid()}}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
ours, theirs = [], []
for line, body in zip(lines, bodies):
    start = clock(); journal.append(line); ours.append(clock() - start)
    start = clock(); os.write(bare, body); theirs.append(clock() - start)
journal.close()
open(out, "w").write("\\n".join(f"{{a}} {{b}}" for a, b in zip(ours, theirs)))
"""


def writing(folder: Path, writers: int, records: int) -> None:
    """Writers at once: a journal write beside a bare os.write of the same bytes, in turns in the same processes."""
    folder.mkdir(parents=True)
    code = WRITER.format(here=str(Path(__file__).parent))
    outs = [folder / f"times-{n}" for n in range(writers)]
    running = [
        subprocess.Popen([sys.executable, "-c", code, folder, str(records), out], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for out in outs
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in running:
        process.wait()
    pairs = [tuple(map(int, line.split())) for out in outs for line in out.read_text().splitlines()]
    print(f"\nwriting, {writers} processes at once, {len(pairs):,} records")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        ours, bare = (sorted(pair[side] for pair in pairs)[int(share * len(pairs))] / 1e9 for side in (0, 1))
        say(f"journal write {name}", ours)
        say(
            f"bare os.write of as many bytes {name}",
            bare,
            f"ratio {ours / bare:.2f}" + ("   aim: 3 at p99" if name == "p99" else ""),
        )
    with_store = Store.open(folder)
    kept = with_store.status()["lines"]
    print(f"{'records indexed of those written (+2 a segment)':58} {kept:8,} of {len(pairs) + 2 * writers:,}")
    with_store.close()


def main() -> None:
    """Run all, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--records", type=int, default=4_000)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="agentlog-bench-"))
    try:
        writing(folder / "write", args.writers, args.records)
        reading(folder / "read", args.events)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
