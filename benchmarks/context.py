"""The context measured: recall and causes over a bench of real crashes, tokens by part, time to build.

    python benchmarks/context.py [--bench DIR]        DIR defaults to AGENTLOG_BENCH; without one only the times are measured

A bench folder holds `context_bench.py` (prints recall and causes, case by case) and `cases/<name>/cells.json` with the
data the cells read. Runs in the Python that has what the cells import.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentlog.budget import cut
from agentlog.context import Context, build
from agentlog.events import (
    Change,
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    Frame,
    NamespaceChanged,
    SessionStarted,
    Value,
)
from agentlog.ids import new_id
from agentlog.renderers import renderer
from agentlog.situation import situation, user_frames
from agentlog.store import Store
from agentlog.tokens import TokenCounter, counter
from agentlog.valuetext import depths

BUDGETS = (250, 500, 1000, 4000)


def exact_counter() -> TokenCounter:
    """o200k where a tokenizer is installed, else the estimate without its factor."""
    try:
        return counter("o200k_base")
    except Exception:
        return counter(factor=1.0)


# --- over a bench of crashes --------------------------------------------------------------------------------------


def crash(case: Path) -> Store:
    """The cells of `case` in a shell of this process, recorded; the store they left."""
    from IPython.core.interactiveshell import InteractiveShell

    warnings.filterwarnings("ignore")
    os.environ["MPLBACKEND"] = "Agg"
    here = Path(tempfile.mkdtemp(prefix="crash_"))
    os.environ["AGENTLOG_DIR"], os.environ["IPYTHONDIR"] = str(here / "store"), str(here / "ipython")
    if (case / "data").is_dir():
        shutil.copytree(case / "data", here / "data")
    os.chdir(here)
    shell = InteractiveShell.instance()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        shell.run_line_magic("load_ext", "agentlog")
        for cell in json.loads((case / "cells.json").read_text()):
            shell.run_cell(cell, store_history=True)
        shell.run_line_magic("unload_ext", "agentlog")
    return Store.open(here / "store")


def parts_of(context: Context, tokens: int, count: TokenCounter) -> dict[str, int]:
    """Tokens of each section of the compact text at a budget."""
    style = renderer("text")
    kept = cut(context.sections, tokens, lambda title, name, text: context._cost(style, title, name, text), context.how)
    texts = {
        p.title: style.opening(p.title) + "".join(style.entry(p.title, e.name, e.text) for e in p.entries) for p in kept.parts
    }
    return {title: count.count(text) for title, text in texts.items()} | ({"gap": count.count(kept.gap)} if kept.gap else {})


def as_json_logging(name: str, value: Value) -> str:
    """The same facts as a structured logger would write them: spelled keys, one object a column."""
    facts: dict[str, Any] = {"name": name, "type": value.type, "shape": value.shape, "dtype": value.dtype, "length": value.length}
    facts |= {
        "value": value.value,
        "index": value.index,
        "columns": [{"name": c.name, "dtype": c.dtype, "nulls": c.nulls} for c in value.columns],
    }
    facts |= {"attributes": {key: entry.value for key, entry in value.attributes.items()}, **value.facts}
    return json.dumps({key: fact for key, fact in facts.items() if fact not in (None, [], {}, ())})


def measure_case(case: Path) -> dict[str, Any]:
    """Tokens by part at each budget, and the values of the user's frames told compactly and as JSON logging."""
    count, store = exact_counter(), crash(case)
    context = build(store)
    values = {
        name: value for frame in user_frames(situation(store).root or Failure("", "")) for name, value in frame.locals.items()
    }
    compact, logged = 0, 0
    for name, value in values.items():
        told = [text for text, share in depths(value) if share <= 0.9 and "\n" not in text]
        compact += count.count(f"{name} = {(told or [depths(value)[0][0]])[-1]}\n")
        logged += count.count(as_json_logging(name, value) + "\n")
    return {"parts": {b: parts_of(context, b, count) for b in BUDGETS}, "compact": compact, "logged": logged}


def over_bench(bench: Path) -> None:
    subprocess.run([sys.executable, str(bench / "context_bench.py")], check=False)
    found = []
    for case in sorted((bench / "cases").iterdir()):
        done = subprocess.run([sys.executable, __file__, "--case", str(case)], capture_output=True, text=True)
        try:
            found.append(json.loads(done.stdout.split("\n@@")[-1]))
        except ValueError:
            print(f"{case.name}: {done.stderr[-300:]}")
    titles = list(dict.fromkeys(title for one in found for budget in one["parts"].values() for title in budget))
    print(f"\nmean tokens of each part\n{'':14}" + "".join(f"{budget:>8}" for budget in BUDGETS))
    for title in titles:
        print(
            f"{title:14}"
            + "".join(f"{statistics.mean(one['parts'][str(b)].get(title, 0) for one in found):8.0f}" for b in BUDGETS)
        )
    compact, logged = (sum(one[key] for one in found) for key in ("compact", "logged"))
    print(f"\nthe values of the failing frames: {compact} tokens, as JSON logging {logged}: {compact / logged:.0%}")


# --- times --------------------------------------------------------------------------------------------------------


def long_session(executions: int) -> Store:
    """A session of many cells that fails in the last."""
    store, session = Store.in_memory(), new_id()
    store.add(SessionStarted(session=session, life="kernel"))
    frame = Value("DataFrame", shape=(1000, 12), facts={"digest": "x"})
    cell = ""
    for number in range(1, executions + 1):
        cell, name = new_id(), f"df{number % 40}"
        mark: dict[str, Any] = {"session": session, "execution": cell}
        store.add(ExecutionStarted(**mark, number=number, count=number, source=f"{name} = df{(number - 1) % 40}.dropna()"))
        if number == executions:
            at = Frame(
                "cell", "<cell>", 1, "<module>", cell=cell, count=number, source=f"{name} = df1['x']", locals={"df1": frame}
            )
            store.add(ErrorRaised(**mark, message="KeyError: 'x'", failure=Failure("KeyError", "'x'", frames=(at,), hash="h")))
        store.add(ExecutionEnded(**mark, count=number, status="error" if number == executions else "ok", ms=1.0))
        changes = (Change(name, "rebound", frame, frame),)
        store.add(NamespaceChanged(**mark, changes=changes, reads=(f"df{(number - 1) % 40}",), writes=(name,)))
    store.refresh()
    return store


def spent(work: Callable[[], object], repeat: int = 10) -> tuple[float, float]:
    """Median milliseconds (by the clock, of the processor) of `work`, the first time left out."""
    clock, processor = [], []
    for _ in range(repeat):
        begun, used = time.perf_counter(), time.process_time()
        work()
        processor.append((time.process_time() - used) * 1000)
        clock.append((time.perf_counter() - begun) * 1000)
    return statistics.median(clock[1:]), statistics.median(processor[1:])


def times() -> None:
    print(f"\nbuild and render at 1000 tokens, milliseconds (median of 9){'clock':>12}{'processor':>12}")
    for executions in (10, 100, 1000):
        store = long_session(executions)
        say(f"session of {executions:5} executions", *spent(lambda: build(store).render("text", 1000)))  # noqa: B023
        store.close()


def in_a_large_store(events: int) -> None:
    """The last failure of one session among `events` events on disk: the store open, and opened anew each time."""
    sys.path.insert(0, str(Path(__file__).parent))
    from store import fill

    with tempfile.TemporaryDirectory(prefix="agentlog-bench-") as folder:
        fill(Path(folder), events)
        store = Store.open(folder)
        store.refresh()
        say(f"store of {events:,} events, open", *spent(lambda: build(store).render("text", 1000)))
        store.close()

        def cold() -> None:
            with contextlib.closing(Store.open(folder)) as opened:
                build(opened).render("text", 1000)

        say(f"store of {events:,} events, opened for it", *spent(cold))


def say(what: str, clock: float, processor: float) -> None:
    print(f"  {what:57}{clock:12.1f}{processor:12.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=os.environ.get("AGENTLOG_BENCH"))
    parser.add_argument("--case", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the large store; 0 leaves it out")
    args = parser.parse_args()
    if args.case:
        answer = measure_case(args.case)
        sys.stdout.write("\n@@" + json.dumps(answer))
        sys.stdout.flush()
        os._exit(0)
    if args.bench:
        over_bench(Path(args.bench))
    times()
    if args.events:
        in_a_large_store(args.events)


if __name__ == "__main__":
    main()
