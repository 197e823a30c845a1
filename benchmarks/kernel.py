"""What the recorder costs a kernel: the same cells with and without it, in turn, in one process.

    python benchmarks/kernel.py [--rounds 6] [--only roundtrip,inprocess,crash]

round trip   from sending a cell until its reply and its idle message are both here (aims: `pass` 1.03 with five names and
             with 300 MB of frames alive, 200 prints 1.05, `1/0` 1.10)
in process   `run_cell("pass")` of a bare shell (aim, by the least times, 1.3)
crash        time and extra memory of recording a KeyError while the namespace holds a frame of 10 million rows, an array
             of 1 GB, a list of 10 million ints, a dict of a million keys and 5,000 names (aims: 30 ms, the first
             too, and 5 MB; see `start.py` for what coming alive costs)

The speed of a machine drifts, so blocks of cells stand close together as without, with, with, without (ABBA); each such
round gives one ratio of medians. The table shows their median with its quartiles, and the ratio of the least times.
Output waits 0.1 s for more of it before it is written: a block lasts longer than that, so that the cells of a block meet the
writing of those before them, and the time of the processor is read when the last output of the block has been written.

What `pass` pays is the code of the two hooks and little beside it: with the recorder a cell sends as many messages and polls as
often, has two writes more, and garbage is collected once in 300 cells. Called over and over the hooks take 44 us; as a cell
comes 130 us, and 230 us where others compute, for other threads and processes have had the processor's caches meanwhile. That
is spread over all of their steps, of which none takes more than an eighth. In process they leave the caches worse for
IPython's own code, too, by 11 us.

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
from dataclasses import dataclass
from pathlib import Path

FIVE_NAMES = "a, b, c, d, e = 1, 'two', [3], {'four': 4}, (5,)"
FRAMES = """
import numpy as np, pandas as pd
frames = [pd.DataFrame(np.random.default_rng(i).random((1_000_000, 5)), columns=list('vwxyz')) for i in range(6)]
big = pd.DataFrame(np.random.default_rng(9).random((1_300_000, 5)))
first, second = frames[0], frames[1]
"""
AIMS = {"pass": 1.03, "200 prints": 1.05, "1/0": 1.10}
SETTLE = """
from agentlog_ipy.extension import attachment_of
attachment_of(get_ipython()).flush()
del attachment_of
"""
WRITTEN = 0.2
"""Seconds after which the output of a cell has been written."""
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

    def cpu(self) -> float:
        """Milliseconds that the kernel's threads have been running so far."""
        tasks = Path(f"/proc/{self.manager.provisioner.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@dataclass(frozen=True)
class Compared:
    """Milliseconds of the same cell, block by block in the order ABBA: `without`[i] and `recorded`[i] belong together."""

    what: str
    aim: float
    without: list[list[float]]
    recorded: list[list[float]]

    def ratios(self) -> list[float]:
        """One ratio of medians a round, in order of size."""
        return sorted(statistics.median(on) / statistics.median(off) for on, off in zip(self.recorded, self.without, strict=True))

    def least(self) -> float:
        """The ratio of the least times."""
        return min(map(min, self.recorded)) / min(map(min, self.without))


def in_turn(what: str, aim: float, rounds: int, block: Callable[[bool], list[float]]) -> Compared:
    """Run `block(recorder is on)` as ABBA, `rounds` times."""
    sides: dict[bool, list[list[float]]] = {False: [], True: []}
    for _ in range(rounds):
        times: dict[bool, list[float]] = {False: [], True: []}
        for on in (False, True, True, False):
            times[on] += block(on)
        for on in sides:
            sides[on].append(times[on])
    return Compared(what, aim, sides[False], sides[True])


def round_trips(rounds: int) -> Iterator[Compared]:
    """Of a kernel, seen by its client; then the time that the kernel's threads were running for each cell."""
    for names, prepare, cells in (("five names", FIVE_NAMES, CELLS), ("300 MB of frames", FRAMES, {"pass": "pass"})):
        with tempfile.TemporaryDirectory() as folder:
            client = Client(Path(folder))
            try:
                client.run(prepare)
                for what, code in cells.items():
                    yield from _compared(client, f"{what}, {names}", AIMS[what], rounds, code)
            finally:
                client.close()


def _compared(client: Client, what: str, aim: float, rounds: int, code: str) -> Iterator[Compared]:
    ran: dict[bool, list[float]] = {False: [], True: []}

    def block(on: bool) -> list[float]:
        times, cpu = _block(client, code, on)
        ran[on].append(cpu)
        return times

    yield in_turn(what, aim, rounds, block)
    pairs = {on: [each[at : at + 2] for at in range(0, 2 * rounds, 2)] for on, each in ran.items()}
    yield Compared("    CPU of the kernel", aim, pairs[False], pairs[True])


def _block(client: Client, code: str, on: bool, each: int = 60) -> tuple[list[float], float]:
    """(times of `code`, milliseconds of CPU a cell); what loading leaves to do (git, packages) is done before."""
    client.run("%load_ext agentlog" if on else "None")
    for _ in range(2):  # the first cell that is settled leaves git to be asked; that is done when the second has been
        client.run(SETTLE if on else "None")
    for _ in range(3):
        client.run(code)
    time.sleep(WRITTEN)
    before = client.cpu()
    times = [client.run(code) for _ in range(each)]
    time.sleep(WRITTEN)
    cpu = (client.cpu() - before) / each
    client.run("%unload_ext agentlog" if on else "None")
    return times, cpu


def in_process(rounds: int) -> Iterator[Compared]:
    """`run_cell("pass")` of a shell without a kernel."""
    from IPython.core.interactiveshell import InteractiveShell

    with tempfile.TemporaryDirectory() as folder:
        os.environ["AGENTLOG_DIR"] = str(Path(folder) / "store")
        os.environ["IPYTHONDIR"] = folder
        shell = InteractiveShell.instance()
        shell.run_cell(FIVE_NAMES)

        def block(on: bool) -> list[float]:
            with _extension(shell, on):
                for _ in range(10):
                    shell.run_cell("pass")
                return [_timed(lambda: shell.run_cell("pass")) for _ in range(100)]

        yield in_turn("run_cell('pass'), five names", 1.3, 4 * rounds, block)


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
                shell.run_cell(CRASH)
                gc.collect()
                before = _peak_reset()
                for _ in range(5):
                    shell.run_cell(CRASH)
                extra = (_peak() - before) / 1e6
            finally:
                sys.stdout = kept
        shell.run_line_magic("unload_ext", "agentlog")
        yield "crash capture, first after loading (ms)", 30, spent[0]
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
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--only", default="roundtrip,inprocess,crash")
    args = parser.parse_args()
    wanted = args.only.split(",")
    print(f"{'':40} {'without':>9} {'with':>9} {'ratio':>7} {'quartiles':>13} {'least':>7} {'aim':>6}")
    if "roundtrip" in wanted:
        for compared in round_trips(args.rounds):
            _line(compared, by_least=False)
    if "inprocess" in wanted:
        for compared in in_process(args.rounds):
            _line(compared, by_least=True)
    if "crash" in wanted:
        for what, limit, measured in crash():
            print(f"{what:40} {'':>9} {measured:9.2f} {'':>29} {limit:6g}{'' if measured <= limit else '   missed'}")


def _line(compared: Compared, *, by_least: bool) -> None:
    """Medians of the medians in milliseconds, and the ratios; `missed` is said of the ratio that the aim is about."""
    without, recorded = (statistics.median(map(statistics.median, side)) for side in (compared.without, compared.recorded))
    ratios, least = compared.ratios(), compared.least()
    middle = statistics.median(ratios)
    quartiles = f"{ratios[len(ratios) // 4]:.3f}-{ratios[len(ratios) * 3 // 4]:.3f}"
    missed = "" if (least if by_least else middle) <= compared.aim else "   missed"
    print(
        f"{compared.what:40} {without:9.3f} {recorded:9.3f} {middle:7.3f} {quartiles:>13} {least:7.3f} {compared.aim:6g}{missed}",
        flush=True,
    )


if __name__ == "__main__":
    main()
