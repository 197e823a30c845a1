"""What the recorder costs a kernel: the same cells with and without it, in turn, in one kernel.

    python benchmarks/kernel.py [--rounds 12] [--only roundtrip,inprocess,crash]

round trip   from sending a cell until its reply and its idle message are both here: median with the recorder over
             median without (aims: `pass` 1.03 with five names and with 300 MB of frames alive, 200 prints 1.05, `1/0` 1.10)
in process   `run_cell("pass")` of a bare shell, least with over least without (aim 1.3)
crash        time and extra memory of recording a KeyError while the namespace holds a frame of 10 million rows, an array
             of 1 GB, a list of 10 million ints, a dict of a million keys and 5,000 names (aims: 30 ms, 5 MB)

Each needs numpy and pandas; `crash` needs about 3 GB of memory.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FIVE_NAMES = "a, b, c, d, e = 1, 'two', [3], {'four': 4}, (5,)"
FRAMES = """
import numpy as np, pandas as pd
frames = [pd.DataFrame(np.random.default_rng(i).random((1_000_000, 5)), columns=list('vwxyz')) for i in range(6)]
big = pd.DataFrame(np.random.default_rng(9).random((1_300_000, 5)))
first, second = frames[0], frames[1]
"""
CELLS = {"pass": "pass", "200 prints": "for i in range(200): print(i)", "1/0": "1/0"}


class Client:
    """A kernel and the time its cells take."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import start_new_kernel

        environment = {**os.environ, "AGENTLOG": "", "AGENTLOG_DIR": str(folder / "store"), "IPYTHONDIR": str(folder / "ipython")}
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=environment)

    def run(self, code: str) -> float:
        """Milliseconds from the request until reply and idle are both here."""
        started = time.perf_counter()
        request = self.client.execute(code)
        while self.client.get_shell_msg(timeout=300)["parent_header"].get("msg_id") != request:
            pass
        while True:
            message = self.client.get_iopub_msg(timeout=300)
            if message["parent_header"].get("msg_id") == request and message["content"].get("execution_state") == "idle":
                return (time.perf_counter() - started) * 1000

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def round_trips(rounds: int) -> Iterator[tuple[str, float, list[float], list[float]]]:
    """(what, aim, without, with): milliseconds of each cell, in alternating blocks."""
    aims = {"pass": 1.03, "200 prints": 1.05, "1/0": 1.10}
    for names, prepare, cells in (("five names", FIVE_NAMES, CELLS), ("300 MB of frames", FRAMES, {"pass": "pass"})):
        with tempfile.TemporaryDirectory() as folder:
            client = Client(Path(folder))
            try:
                client.run(prepare)
                for what, code in cells.items():
                    without, recorded = _in_turn(client, code, rounds)
                    yield f"{what}, {names}", aims[what], without, recorded
            finally:
                client.close()


def _in_turn(client: Client, code: str, rounds: int, each: int = 40) -> tuple[list[float], list[float]]:
    samples: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(2 * rounds):
        on = turn % 4 in (1, 2)  # off on on off: neither is always first
        client.run("%load_ext agentlog" if on else "None")
        for _ in range(5):
            client.run(code)
        samples[on] += [client.run(code) for _ in range(each)]
        client.run("%unload_ext agentlog" if on else "None")
    return samples[False], samples[True]


def in_process(rounds: int) -> Iterator[tuple[str, float, list[float], list[float]]]:
    """Milliseconds of `run_cell("pass")` of a shell without a kernel."""
    from IPython.core.interactiveshell import InteractiveShell

    with tempfile.TemporaryDirectory() as folder:
        os.environ["AGENTLOG_DIR"] = str(Path(folder) / "store")
        os.environ["IPYTHONDIR"] = folder
        shell = InteractiveShell.instance()
        shell.run_cell(FIVE_NAMES)
        samples: dict[bool, list[float]] = {False: [], True: []}
        for turn in range(4 * rounds):
            on = turn % 4 in (1, 2)
            with _extension(shell, on):
                for _ in range(10):
                    shell.run_cell("pass")
                samples[on] += [_timed(lambda: shell.run_cell("pass")) for _ in range(60)]
        yield "run_cell('pass'), five names", 1.3, samples[False], samples[True]


@contextmanager
def _extension(shell: object, on: bool) -> Iterator[None]:
    import agentlog

    if on:
        agentlog.load_ipython_extension(shell)
    yield
    if on:
        agentlog.unload_ipython_extension(shell)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


HUGE = """
import numpy as np, pandas as pd
rows = pd.DataFrame({'key': np.arange(10_000_000), 'value': np.random.default_rng(1).random(10_000_000)})
array = np.ones(125_000_000)
numbers = list(range(10_000_000))
table = {f'k{i}': i for i in range(1_000_000)}
globals().update({f'name_{i}': [i] for i in range(5_000)})
def look(frame, table, wanted):
    total = frame['value'].iloc[:10].sum() + array[0] + numbers[-1]
    return total + table[wanted]
"""
CRASH = "look(rows, table, 'k_1000000')"


def crash() -> Iterator[tuple[str, float, float]]:
    """(what, aim, measured) of recording one failure with a huge namespace."""
    from IPython.core.interactiveshell import InteractiveShell

    from agentlog.events import ErrorRaised
    from agentlog_ipy.extension import attachment_of

    with tempfile.TemporaryDirectory() as folder:
        os.environ["AGENTLOG_DIR"] = str(Path(folder) / "store")
        os.environ["IPYTHONDIR"] = folder
        shell = InteractiveShell.instance()
        shell.run_cell(HUGE)
        shell.run_line_magic("load_ext", "agentlog")
        attachment = attachment_of(shell)
        assert attachment is not None
        spent: list[float] = []
        record = attachment.recorder.record

        def watched(event: object, **options: object) -> object:
            if isinstance(event, ErrorRaised):
                spent.append(event.spent_ms)
            return record(event, **options)  # type: ignore[arg-type]

        attachment.recorder.record = watched  # type: ignore[method-assign,assignment]
        with open(os.devnull, "w") as sink:
            sys.stdout, kept = sink, sys.stdout
            try:
                shell.run_cell("look(rows, table, 'k_0')")  # imports of the first capture
                shell.run_cell(CRASH)
                gc.collect()
                before = _peak_reset()
                for _ in range(5):
                    shell.run_cell(CRASH)
                extra = (_peak() - before) / 1e6
            finally:
                sys.stdout = kept
        shell.run_line_magic("unload_ext", "agentlog")
        yield "crash capture, first (ms)", 30, spent[0]
        yield "crash capture, median of the next (ms)", 30, statistics.median(spent[1:])
        yield "crash capture, extra memory (MB)", 5, extra


def _peak_reset() -> int:
    """Bytes resident now; the kernel of the system counts the peak from here."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", default="roundtrip,inprocess,crash")
    args = parser.parse_args()
    wanted = args.only.split(",")
    print(f"{'':40} {'without':>9} {'with':>9} {'ratio':>7} {'aim':>6}")
    if "roundtrip" in wanted:
        for what, aim, without, recorded in round_trips(args.rounds):
            _line(what + " (median ms)", aim, statistics.median(without), statistics.median(recorded))
    if "inprocess" in wanted:
        for what, aim, without, recorded in in_process(args.rounds):
            _line(what + " (least ms)", aim, min(without), min(recorded))
            _line(what + " (median ms)", aim, statistics.median(without), statistics.median(recorded))
    if "crash" in wanted:
        for what, limit, measured in crash():
            print(f"{what:40} {'':>9} {measured:9.2f} {'':>7} {limit:6g}{'' if measured <= limit else '   missed'}")


def _line(what: str, aim: float, without: float, recorded: float) -> None:
    ratio = recorded / without
    print(f"{what:40} {without:9.3f} {recorded:9.3f} {ratio:7.3f} {aim:6g}{'' if ratio <= aim else '   missed'}", flush=True)


if __name__ == "__main__":
    main()
