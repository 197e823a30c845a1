"""What watching the namespace costs where people feel it: from sending a cell to its reply, in kernels, beside other tools.

    python benchmarks/diff_kernels.py [ARM=PYTHON ...]        arms: agentlog, ipyflow, kishu; default agentlog=this Python

For each arm two kernels of that Python run the cells of `session_cells.py`, cell by cell in turn: a plain one and one
with the tool loaded. Printed are the median ratio and the time added; first with a pause after each cell, as somebody
who reads the output makes it, then back to back, as "run all" does. Needs jupyter_client here, ipykernel, numpy and
pandas in each Python. What does not load says why.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from session_cells import INSIDE, SETUP, cells, report

PAUSE = 0.12
"""Seconds between two cells: the recorder looks around after 0.1."""
_LONGEST = 60
"""Seconds of each half; what is not reached until then is left out and said by the number of cells."""
LOADS = {
    "agentlog": ("%load_ext agentlog",),
    "ipyflow": ("%load_ext ipyflow",),
    "kishu": (
        "from kishu.jupyterint import KishuForJupyter\nfrom kishu.notebook_id import NotebookId\nfrom pathlib import Path",
        "KishuForJupyter(NotebookId('bench', Path('bench.ipynb').resolve(), 'bench'), get_ipython()).install_kishu_hooks()",
    ),
}
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


class Kernel:
    """One kernel and how long its replies take."""

    def __init__(self, python: str, folder: str) -> None:
        self.manager = KernelManager()
        self.manager._kernel_spec = KernelSpec(
            argv=[python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
        )
        self.manager.start_kernel(
            cwd=folder,
            env={**os.environ, "AGENTLOG_DIR": os.path.join(folder, "store"), "HOME": folder, "ENV_KISHU_TEST_MODE": "1"},
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def run(self, source: str) -> tuple[float, None]:
        """Seconds from sending to the reply; raises where the cell failed. The kernel's processor time is not known."""
        start = time.perf_counter()
        reply = self._reply(self.client.execute(source, store_history=True))
        took = time.perf_counter() - start
        if reply["content"]["status"] != "ok":
            raise RuntimeError(f"{source.splitlines()[0]!r}: {reply['content']['ename']}: {reply['content']['evalue'][:200]}")
        return took, None

    def value(self, name: str) -> float:
        """A number of the namespace."""
        reply = self._reply(self.client.execute("", silent=True, user_expressions={"it": name}))
        return float(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])

    def forget(self) -> None:
        """What is not wanted any more stays: a cell that deletes it would be one more to be watched."""

    def _reply(self, asked: str) -> Any:
        while True:
            message = self.client.get_shell_msg(timeout=300)
            if message["parent_header"].get("msg_id") == asked:
                return message

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def compare(arm: str, python: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.ipynb").write_text(NOTEBOOK)
        pair = [Kernel(python, folder), Kernel(python, folder)]
        plain, watched = pair
        try:
            for source in LOADS[arm]:
                watched.run(source)
            for source in SETUP:
                for one in pair:
                    one.run(source)
            measure(arm, plain, watched)
        except RuntimeError as error:
            print(f"{arm}: not measured: {error}")
        finally:
            for one in pair:
                one.close()


def measure(arm: str, plain: Kernel, watched: Kernel) -> None:
    todo = cells()
    for title, pause, which in (("a pause after each cell", PAUSE, todo), ("back to back", 0.0, todo)):
        rows, began = [], time.perf_counter()
        for number, (kind, source) in enumerate(which):
            if time.perf_counter() - began > _LONGEST:
                break
            order = (plain, watched) if number % 2 else (watched, plain)
            times = {}
            for one in order:
                time.sleep(pause / 2)
                times[one] = one.run(source)[0]
            rows.append((kind, times[plain], times[watched]))
        report(f"{arm}, {title}: {len(rows)} cells", rows)
    for title, source in INSIDE.items():
        times = [(plain.run(source)[0], watched.run(source)[0]) for _ in range(5)]
        a, b = min(a for a, _ in times), min(b for _, b in times)
        print(f"    {title:28} {b / a:6.3f}   ({a * 1e3:.0f} ms)", flush=True)


def main() -> None:
    arms = [word.partition("=") for word in sys.argv[1:]] or [("agentlog", "=", sys.executable)]
    for arm, _, python in arms:
        compare(arm, python or sys.executable)


if __name__ == "__main__":
    main()
