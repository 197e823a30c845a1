"""What the core costs a program: ratios within one run.

python benchmarks/core.py [--only off,log,func,calls,many,start]

off     a call when recording is off, above a bare function of the same form                  aim: at most 60 ns
log     log(...) when on, with redaction and the hand-over to the writer, beside structlog (JSON) and loguru, both to a
        file; and to the end of writing                                                       aim: at most the time of either
func    @log_func around a function that does nothing, and a span
calls   AGENTLOG_CALLS: a call of a watched function, and of one that nobody asked for
many    50 threads and 8 processes writing together: nothing lost, in order per thread
start   python -c pass with and without agentlog.pth in sight; import agentlog                 aims: 1 ms, 15 ms
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

import agentlog
from agentlog import recorder
from agentlog.settings import Settings

THREADS, PROCESSES, EACH = 50, 8, 200
ROUNDS = 7


def best(work: Callable[[], object], repeat: int = ROUNDS) -> float:
    """Seconds of the fastest of `repeat` runs."""
    times = []
    gc.collect()
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


@contextmanager
def recording(folder: Path) -> Iterator[recorder.Recorder]:
    """A recorder of this process, writing to `folder`."""
    door = recorder.start(replace(Settings(), folder=folder, enabled=True))
    door.session = "s" * 20
    try:
        yield door
    finally:
        recorder.stop()


# --- off --------------------------------------------------------------------------------------------------------------


def bare(message: str, /, *, level: str = "info", tags: tuple[str, ...] = (), **context: object) -> None:
    """A function of the form of `log` that does nothing."""


def off(_: Path) -> None:
    """Nanoseconds of a call that does nothing."""
    log, count = agentlog.log, 200_000

    def call(function: Callable[..., None]) -> Callable[[], None]:
        def loop() -> None:
            for number in range(count):
                function("loaded", rows=number, path="data.csv")

        return loop

    ours, nothing = best(call(log)), best(call(bare))
    decorated = agentlog.log_func(lambda number: number)
    plain = lambda number: number  # noqa: E731
    around, inside = (best(lambda f=f: [f(number) for number in range(count)]) for f in (decorated, plain))
    show("log(...) off, above a bare call", (ours - nothing) / count * 1e9, "ns", "aim <= 60")
    show("@log_func off, above the function itself", (around - inside) / count * 1e9, "ns", "")


# --- on ---------------------------------------------------------------------------------------------------------------

LINES = 5_000


def log_on(folder: Path) -> None:
    """Microseconds a line, all of it: describing, redaction, writing."""
    runs = {"agentlog": _agentlog_run(folder), "structlog": _structlog_run(folder), "loguru": _loguru_run(folder)}
    times: dict[str, list[float]] = {name: [] for name, run in runs.items() if run is not None}
    calls: list[float] = []
    for _ in range(ROUNDS):
        for name in times:
            work = runs[name]
            assert work is not None
            start = time.perf_counter()
            handed = work()
            times[name].append(time.perf_counter() - start)
            if name == "agentlog":
                calls.append(handed)
    for name, run in runs.items():
        if run is None:
            show(name, None, "", "not installed")
        else:
            show(f"{name}, a line to the file", min(times[name]) / LINES * 1e6, "us", "")
    show("agentlog, of it the caller's own wait", min(calls) / LINES * 1e6, "us", "")
    redaction = best(_redaction_run())
    show("agentlog, of it redaction (on the writer's thread)", redaction / LINES * 1e6, "us", "")
    for name in ("structlog", "loguru"):
        if runs[name] is not None:
            other = min(times[name])
            show(f"agentlog with redaction and hand-over / {name}", (min(calls) + redaction) / other, "x", "aim <= 1")
            show(f"agentlog to the end of writing, chain and all / {name}", min(times["agentlog"]) / other, "x", "")


def _agentlog_run(folder: Path) -> Callable[[], float]:
    def run() -> float:
        with recording(folder / "st") as door:
            start = time.perf_counter()
            for number in range(LINES):
                agentlog.log("loaded the table", rows=number, path="data/orders.csv", ok=True, share=0.25)
            handed = time.perf_counter() - start
            assert door.flush(60)
            return handed

    return run


def _redaction_run() -> Callable[[], None]:
    from agentlog.notes import plain_described
    from agentlog.redact import Redactor

    redactor = Redactor()
    data = plain_described({"rows": 1, "path": "data/orders.csv", "ok": True, "share": 0.25})
    record = {
        "e": "log",
        "s": "s" * 20,
        "i": "i" * 20,
        "t": "2026-11-21T09:15:42.000001Z",
        "l": "info",
        "m": "loaded the table",
        "data": data,
    }

    def run() -> None:
        for number in range(LINES):
            redactor.record({**record, "data": {**data, "rows": {"t": "int", "v": number}}, "file": __file__, "line": number})

    return run


def _structlog_run(folder: Path) -> Callable[[], float] | None:
    try:
        import structlog
    except ImportError:
        return None

    def run() -> float:
        with open(folder / "structlog.jsonl", "w") as file:
            structlog.configure(
                processors=[
                    structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.CallsiteParameterAdder(
                        [structlog.processors.CallsiteParameter.FILENAME, structlog.processors.CallsiteParameter.LINENO]),
                    structlog.processors.JSONRenderer(),
                ],
                wrapper_class=structlog.make_filtering_bound_logger(20), cache_logger_on_first_use=False,
                logger_factory=structlog.WriteLoggerFactory(file=file),
            )  # fmt: skip
            logger = structlog.get_logger()
            for number in range(LINES):
                logger.info("loaded the table", rows=number, path="data/orders.csv", ok=True, share=0.25)
        return 0.0

    return run


def _loguru_run(folder: Path) -> Callable[[], float] | None:
    try:
        from loguru import logger
    except ImportError:
        return None

    def run() -> float:
        logger.remove()
        sink = logger.add(folder / "loguru.jsonl", serialize=True, level="INFO")
        for number in range(LINES):
            logger.info("loaded the table", rows=number, path="data/orders.csv", ok=True, share=0.25)
        logger.remove(sink)
        return 0.0

    return run


def func(folder: Path) -> None:
    """Microseconds that the decorator and a span add to what they are around."""
    count = 2_000

    def nothing(a: int, b: str) -> int:
        return a

    decorated = agentlog.log_func(nothing)

    def run(work: Callable[[int], object]) -> float:
        def loop() -> None:
            with recording(folder / "st") as door:
                for number in range(count):
                    work(number)
                door.flush(60)

        return best(loop, 3) / count * 1e6

    base = run(lambda number: nothing(number, "x"))
    show("@log_func, a call, written", run(lambda number: decorated(number, "x")) - base, "us", "")

    def spanned(number: int) -> None:
        with agentlog.span("work", number=number):
            nothing(number, "x")

    show("span, written", run(spanned) - base, "us", "")


def watched_calls(_: Path) -> None:
    """What AGENTLOG_CALLS adds to each call."""
    from agentlog.hooks import calls

    count = 50_000
    namespace: dict[str, object] = {"__name__": "watched_module"}
    exec("def f(a, b):\n    return a\n", namespace)
    other: dict[str, object] = {"__name__": "other_module"}
    exec("def f(a, b):\n    return a\n", other)

    def loop(function: object) -> Callable[[], None]:
        def run() -> None:
            for number in range(count):
                function(number, 2.5)  # type: ignore[operator]

        return run

    before = best(loop(namespace["f"]), 3)
    calls.watch(["watched_module"])
    try:
        ours, others = best(loop(namespace["f"]), 3), best(loop(other["f"]), 3)
    finally:
        calls.stop()
    show("AGENTLOG_CALLS, a call of a watched function", (ours - before) / count * 1e6, "us", "")
    show("AGENTLOG_CALLS, a call of any other function", (others - before) / count * 1e9, "ns", "")


# --- many writers -----------------------------------------------------------------------------------------------------

WRITER = """
import sys, threading
import agentlog
agentlog.enable(queue=1_000_000)
def write(name):
    for number in range({each}):
        agentlog.log("n", who=name, number=number)
threads = [threading.Thread(target=write, args=(f"{{sys.argv[1]}}.{{n}}",)) for n in range({threads})]
[t.start() for t in threads]
[t.join() for t in threads]
"""


def many(folder: Path) -> None:
    """Every line of every thread of every process is there, in its order."""
    from agentlog.events import Logged
    from agentlog.store import Store

    environment = {**os.environ, "AGENTLOG_DIR": str(folder / "many"), "AGENTLOG": "false"}
    code = WRITER.format(each=EACH, threads=THREADS)
    start = time.perf_counter()
    running = [subprocess.Popen([sys.executable, "-c", code, str(n)], env=environment) for n in range(PROCESSES)]
    codes = [one.wait() for one in running]
    took = time.perf_counter() - start
    store = Store.open(folder / "many")
    numbers: dict[str, list[int]] = {}
    for event in store.events(kinds={Logged.kind}):
        if isinstance(event, Logged) and "who" in event.data:
            numbers.setdefault(str(event.data["who"].value), []).append(int(str(event.data["number"].value)))
    store.close()
    whole = sum(one == list(range(EACH)) for one in numbers.values())
    show(
        f"{PROCESSES} processes x {THREADS} threads x {EACH} lines: threads whole and in order",
        whole,
        f"of {PROCESSES * THREADS}",
        "aim all",
    )
    show("lines a second, all together", PROCESSES * THREADS * EACH / took, "", f"exit codes {set(codes)}")


# --- start-up -----------------------------------------------------------------------------------------------------------


def start(folder: Path) -> None:
    """Milliseconds that a Python start pays for agentlog.pth when off, and for `import agentlog`; runs interleaved."""
    line = _start_file()
    site = folder / "site"
    site.mkdir()
    setups = {
        "without": "", "with the start file": f"import site; site.addsitedir({str(site)!r})", "with an empty folder": "",
        "import agentlog": "import agentlog",
    }  # fmt: skip
    if line is not None:
        (site / "agentlog.pth").write_text(line)
    empty = folder / "empty"
    empty.mkdir()
    setups["with an empty folder"] = f"import site; site.addsitedir({str(empty)!r})"
    times: dict[str, list[float]] = {name: [] for name in setups}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AGENTLOG")}
    environment["PYTHONPATH"] = str(Path(agentlog.__file__).parent.parent)
    for _ in range(40):
        for name, code in setups.items():
            begun = time.perf_counter()
            subprocess.run(
                [
                    sys.executable,
                    "-S",
                    "-E",
                    "-c",
                    f"import sys; sys.path.append({environment['PYTHONPATH']!r}); import site; {code}",
                ],
                env=environment,
                check=True,
            )
            times[name].append((time.perf_counter() - begun) * 1000)
    if line is None:
        show("start file", None, "", "agentlog.pth was not found")
    else:
        show(
            "agentlog.pth when off, above an empty folder",
            _above(times, "with the start file", "with an empty folder"),
            "ms",
            "aim < 1",
        )
    show("import agentlog, above none", _above(times, "import agentlog", "without"), "ms", "aim < 15")


def _above(times: dict[str, list[float]], one: str, other: str) -> float:
    """Median of the differences of neighbours: what the machine does meanwhile falls out."""
    return median(a - b for a, b in zip(times[one], times[other], strict=True))


def _start_file() -> str | None:
    places = [*map(Path, filter(None, sys.path)), Path(agentlog.__file__).parent.parent / "share"]
    found = next((place / "agentlog.pth" for place in places if (place / "agentlog.pth").exists()), None)
    return found.read_text() if found is not None else None


def show(what: str, figure: float | None, unit: str, note: str) -> None:
    """A line of the table."""
    print(f"{what:72} {'-' if figure is None else f'{figure:10.3f}'} {unit:6} {note}", flush=True)


PARTS: dict[str, Callable[[Path], None]] = {
    "off": off, "log": log_on, "func": func, "calls": watched_calls, "many": many, "start": start,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    for name in parser.parse_args().only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
