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
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentlog.budget import cut
from agentlog.context import Context, build
from agentlog.describe import schema
from agentlog.events import (
    Change,
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    Frame,
    NamespaceChanged,
    SessionStarted,
    StreamWritten,
    Value,
)
from agentlog.frames import failure_of
from agentlog.ids import new_id
from agentlog.recorder import Recorder
from agentlog.renderers import renderer
from agentlog.settings import Settings
from agentlog.situation import situation, user_frames
from agentlog.stack import CellSource
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
        begun = time.process_time()
        build(store).render("text", 1000)
        say(f"session of {executions:5} executions, the first time", 0.0, (time.process_time() - begun) * 1000)
        say(f"session of {executions:5} executions, again", *spent(lambda: build(store).render("text", 1000)), AIM_SESSION)  # noqa: B023
        store.close()


def a_real_session() -> None:
    """One session of 1,000 cells as a recorder leaves it, on disk."""
    with tempfile.TemporaryDirectory(prefix="agentlog-bench-") as folder:
        real_sessions(Path(folder), 1, 1000)
        with contextlib.closing(Store.open(folder)) as store:
            say("session of  1000 real executions, again", *spent(lambda: build(store).render("text", 1000)), AIM_SESSION)


CRASH = """
def merge(left, right, key):
    joined = left.set_index(key)
    return joined.join(right[key + "_name"])
merge(orders, regions, "region")
"""
EACH = 20
"""One cell of so many fails, always the same way."""


def real_sessions(folder: Path, sessions: int, executions: int) -> None:
    """Sessions of one notebook as a recorder leaves them: frames described, a failure as it was seen with its values."""
    import pandas as pd

    world = {
        "orders": pd.DataFrame({f"column_{i}": range(5) for i in range(11)} | {"region": list("abcde")}),
        "regions": pd.DataFrame({"region": list("abc"), "label": list("xyz")}),
    }
    described = schema(world["orders"])
    for _ in range(sessions):
        door = Recorder(replace(Settings(), folder=folder, enabled=True))
        door.session = new_id()
        door.record(SessionStarted(session=door.session, life="kernel", notebook="report.ipynb"), now=True)
        for number in range(1, executions + 1):
            _record_cell(door, number, world, described)
        door.close()


def _record_cell(door: Recorder, number: int, world: dict[str, Any], described: Value) -> None:
    run, name, before = new_id(), f"df{number % 40}", f"df{(number - 1) % 40}"
    failing = number % EACH == 0
    source = CRASH if failing else f"{name} = {before}.dropna()\nprint({name}.shape)"
    mark: dict[str, Any] = {"execution": run}
    cell = f"cell-{0 if failing else number}"
    door.record(ExecutionStarted(id=run, number=number, count=number, cell_id=cell, source=source, **mark), now=True)
    if failing:
        failure = _failure(run, number, world)
        door.record(ErrorRaised(message=f"{failure.type}: {failure.message}", failure=failure, **mark), now=True)
    else:
        door.record(StreamWritten(text="(1000, 12)\n", **mark), now=True)
    door.record(ExecutionEnded(count=number, status="error" if failing else "ok", ms=1.0, **mark), now=True)
    changes = () if failing else (Change(name, "rebound", described, described),)
    door.record(NamespaceChanged(changes=changes, reads=(before,), writes=(name,), versions={before: run}, **mark), now=True)


def _failure(run: str, number: int, world: dict[str, Any]) -> Failure:
    """The crash of CRASH, really raised and described."""
    cell = CellSource(run, number, CRASH)
    try:
        exec(compile(CRASH, "<cell>", "exec"), {"__name__": "__main__", **world})
    except KeyError as error:
        return failure_of(error, cell_of=lambda name: cell if name == "<cell>" else None, namespace=world)
    raise AssertionError("it did not fail")


@contextlib.contextmanager
def large_store(events: int) -> Iterator[Path]:
    """A store of `events` events, and four real sessions of 1,000 cells after them."""
    sys.path.insert(0, str(Path(__file__).parent))
    from store import fill

    with tempfile.TemporaryDirectory(prefix="agentlog-bench-") as folder:
        if events:
            fill(Path(folder), events)
        real_sessions(Path(folder), 4, 1000)
        with contextlib.closing(Store.open(folder)) as store:
            store.refresh()
        yield Path(folder)


def in_a_large_store(events: int) -> None:
    """The last failure of one session among `events` events on disk: the store open, and opened anew each time."""
    with large_store(events) as folder:
        what = f"{events:,} events and 4 x 1,000 real executions"
        with contextlib.closing(Store.open(folder)) as store:
            say(f"{what}, open", *spent(lambda: build(store).render("text", 1000)), AIM_LARGE)

        def cold() -> None:
            with contextlib.closing(Store.open(folder)) as opened:
                build(opened).render("text", 1000)

        say(f"{what}, opened for it", *spent(cold), AIM_LARGE)
        for first, words in READING:
            as_command(folder, words, first)


READING = (
    (True, "context --tokens 1000"), (False, "context 17"), (False, "context df7"), (False, "history"), (False, "show 20"),
    (False, "diff 20 40"), (False, "why df7"), (False, "sessions"),
)  # fmt: skip
"""(print also what Python alone costs, words of the command)"""


def as_command(folder: Path, words: str, first: bool) -> None:
    """`agentlog WORDS` from start to end, above a bare Python: least processor time of five, with bytecode at hand."""
    environment = {**os.environ, "AGENTLOG_DIR": str(folder), "PYTHONPYCACHEPREFIX": str(folder / "pyc")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    bare = min(_processor([sys.executable, "-c", "pass"], environment) for _ in range(5))
    if first:
        say("python -c pass", 0.0, bare)
    command = [sys.executable, "-m", "agentlog", *words.split()]
    _processor(command, environment)
    say(f"agentlog {words}, above it", 0.0, min(_processor(command, environment) for _ in range(5)) - bare, AIM_COMMAND)


def _processor(command: list[str], environment: dict[str, str]) -> float:
    """Milliseconds of processor time that a command takes."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


AIM_SESSION, AIM_LARGE, AIM_COMMAND = 20.0, 50.0, 300.0


def say(what: str, clock: float, processor: float, aim: float | None = None) -> None:
    told = "" if aim is None else f"   aim {aim:g}{'' if processor <= aim else ', missed'}"
    print(f"  {what:57}{f'{clock:12.1f}' if clock else '':12}{processor:12.1f}{told}", flush=True)


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
        over_bench(Path(args.bench).resolve())
    times()
    a_real_session()
    if args.events:
        in_a_large_store(args.events)


if __name__ == "__main__":
    main()
