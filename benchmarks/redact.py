"""What redaction costs: microseconds a record, megabytes a second of text, ratios to writing the same as JSON.

python benchmarks/redact.py
"""

from __future__ import annotations

import argparse
import inspect
import json
import random
import time
from collections.abc import Callable

from agentlog.events import Column, ErrorRaised, ExecutionEnded, ExecutionStarted, Failure, Frame, StreamWritten, Value, to_record
from agentlog.redact import Redactor
from agentlog.terminal import Terminal


def best(work: Callable[[], object], repeat: int = 7) -> float:
    """Seconds of the fastest of `repeat` runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def records() -> dict[str, dict[str, object]]:
    """Typical records by what they are."""
    names = {f"name{i}": Value("str", value=f"value number {i}", length=14) for i in range(30)}
    columns = tuple(Column(f"column{i}", "float64", 0, (1.5, 2.5, 3.5)) for i in range(40))
    table = Value("DataFrame", shape=(10, 40), columns=columns, head=(tuple(range(40)),) * 3)
    line = "result = compute(table, key=lambda row: row.value)"
    frame = Frame(
        "cell", "/tmp/cell.py", 3, "f", source=line, context=tuple((n, line) for n in range(5)), locals={**names, "df": table}
    )
    envelope = {"id": "0" * 20, "time": "2026-11-21T09:15:42.000001Z", "session": "s" * 20, "execution": "e" * 20}
    events = {
        "start, one line": ExecutionStarted(**envelope, source="df = df[df.x > 3]\ndf.head()\n", request="r" * 36, count=3),
        "start, 40 lines with names that hint": ExecutionStarted(
            **envelope, source=(line + "\ntoken = tokens[0]\n") * 20, count=3
        ),
        "end": ExecutionEnded(**envelope, ms=1.5, result=Value("int", value=3)),
        "print": StreamWritten(**envelope, text="step 17 of 200, loss 0.1234\n"),
        "error, 5 frames": ErrorRaised(
            **envelope, message="no column 'x'", failure=Failure("KeyError", "'x'", frames=(frame,) * 5)
        ),
    }
    return {name: to_record(event) for name, event in events.items()}


def texts(size: int) -> dict[str, str]:
    """Texts of about `size` characters by what they are."""
    chance = random.Random(1)
    kinds = {
        "prose": "The quick brown fox jumps over the lazy dog, and nobody minds. ",
        "source": inspect.getsource(argparse),
        "table": "\n".join(f"{i}  {chance.random():.6f}  {chance.randrange(10**9)}  2026-01-0{i % 9 + 1}" for i in range(2000)),
        "json with secret names": json.dumps([{"id": i, "token": f"abc-{i}-def", "key": str(i)} for i in range(500)]),
    }
    return {name: (text * (size // len(text) + 1))[:size] for name, text in kinds.items()}


def main() -> None:
    redactor = Redactor(environment={})
    print(f"{'record':38}{'bytes':>8}{'redact us':>12}{'json us':>10}{'ratio':>8}")
    for name, record in records().items():
        redact = best(lambda record=record: [redactor.record(record) for _ in range(200)]) / 200  # type: ignore[misc]
        write = best(lambda record=record: [json.dumps(record) for _ in range(200)]) / 200  # type: ignore[misc]
        print(f"{name:38}{len(json.dumps(record)):8}{redact * 1e6:12.1f}{write * 1e6:10.1f}{redact / write:8.2f}")
    print(f"\n{'text of 1 MB':38}{'redact MB/s':>20}{'json MB/s':>12}")
    for name, text in texts(1_000_000).items():
        redact, write = best(lambda text=text: redactor.text(text), 3), best(lambda text=text: json.dumps(text), 3)  # type: ignore[misc]
        print(f"{name:38}{1 / redact:20.1f}{1 / write:12.1f}")
    lines = ["line of output\n"] * 20_000
    bar = [f"\r{step / 20:3.0f}%|{'#' * (step // 50):40}| {step}/2000" for step in range(2000)]
    print(f"\n{'terminal':38}{'us a chunk':>20}")
    for name, chunks in (("lines", lines), ("progress bar", bar)):
        print(f"{name:38}{best(lambda chunks=chunks: _show(chunks), 3) / len(chunks) * 1e6:20.2f}")  # type: ignore[misc]


def _show(chunks: list[str]) -> None:
    terminal = Terminal()
    for chunk in chunks:
        terminal.feed(chunk)
    terminal.take(whole=True)


if __name__ == "__main__":
    main()
