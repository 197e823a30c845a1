"""What coming alive costs, in milliseconds of processor time: each figure in fresh processes, the least of some.

    python benchmarks/start.py [--runs 7]

import       `import agentlog` above a bare Python                                                       aim 15
off          what agentlog.pth costs a start while it is off                                             aim 1
program      a script that does nothing with AGENTLOG=true above without
load_ext     `%load_ext agentlog` in a shell with ipykernel imported                                     aim 100, better 60
crash        recording the first failure of a session, whose failing line names a frame, and the next ones   aims 30, 15
context      `%agentlog context` as a magic: the first time in a kernel, and again

Installed packages have their bytecode compiled, so it is here too: the first run of each, which compiles, does not count.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

SHELL = """
import io, json, os, sys, time, contextlib
import numpy, pandas, ipykernel.ipkernel, ipykernel.zmqshell
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def run(code):
    begun = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        shell.run_cell(code, store_history=True)
    return (time.process_time() - begun) * 1000
run("import pandas as pd\\ndf = pd.DataFrame({'key': range(1000), 'value': 1.5})\\nlook = lambda frame, key: frame[key].sum()")
run("1/0")
run("look(df, 'vlaue')")
begun = time.process_time()
shell.run_line_magic("load_ext", "agentlog")
figures = {"load_ext": (time.process_time() - begun) * 1000}
from agentlog_ipy.extension import attachment_of
cells = attachment_of(shell).cells
record, spent = cells.record_error, []
def timed(*arguments):
    begun = time.process_time()
    try:
        return record(*arguments)
    finally:
        spent.append((time.process_time() - begun) * 1000)
cells.record_error = timed
run("look(df, 'vlaue')"), run("look(df, 'vlaue')"), run("1/0")
figures |= {"first": spent[0], "second": spent[1], "third": spent[2]}
figures |= {"context": run("%agentlog context"), "again": run("%agentlog context")}
sys.stdout.write("\\n@@" + json.dumps(figures)); sys.stdout.flush(); os._exit(0)
"""
START = "import time; a = time.perf_counter(); {work}; print((time.perf_counter() - a) * 1000)"


class Fresh:
    """Processes that share a folder for their bytecode."""

    def __init__(self, folder: Path, runs: int) -> None:
        self.folder, self.runs = folder, runs
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTLOG", "PYTHONDONTWRITE"))}
        self.environment = {
            **kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "AGENTLOG_DIR": str(folder / "store"),
            "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def said(self, code: str, *options: str) -> list[str]:
        """What `code` prints in each run."""
        command = [sys.executable, *options, "-c", code]
        return [subprocess.check_output(command, env=self.environment, cwd=self.folder, text=True) for _ in range(self.runs + 1)][
            1:
        ]

    def least(self, work: str) -> float:
        """Least milliseconds of `work` in an interpreter without site, but for `os`, which site loads."""
        path = f"import os, sys; sys.path.insert(0, {str(ROOT)!r})"
        return min(map(float, self.said(f"{path}; {START.format(work=work)}", "-S")))

    def shell(self) -> dict[str, float]:
        """The least of each figure that a shell prints."""
        found = [json.loads(text.split("\n@@")[-1]) for text in self.said(SHELL)]
        return {name: min(figures[name] for figures in found) for name in found[0]}

    def program(self, **environment: str) -> float:
        """Least processor time of a program that does nothing, in a folder that is no repository."""
        script = self.folder / "empty.py"
        script.write_text("pass\n")
        times = []
        for _ in range(self.runs + 1):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, str(script)], env={**self.environment, **environment}, cwd=self.folder, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
        return min(times[1:])


def say(what: str, measured: float, aim: float | None = None) -> None:
    told = "" if aim is None else f"   aim {aim:g}{'' if measured <= aim else ', missed'}"
    print(f"{what:62} {measured:8.1f}{told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="agentlog-start-") as folder:
        fresh = Fresh(Path(folder), args.runs)
        say("import agentlog", fresh.least("import agentlog"), 15)
        say("a start while it is off", fresh.least((ROOT / "share" / "agentlog.pth").read_text().strip()), 1)
        say("a program with AGENTLOG=true, above it off", fresh.program(AGENTLOG="true") - fresh.program())
        shell = fresh.shell()
        say("%load_ext agentlog", shell["load_ext"], 100)
        say("recording the first failure", shell["first"], 30)
        say("recording the same again", shell["second"], 15)
        say("recording 1/0", shell["third"], 15)
        say("%agentlog context, the first time in a kernel", shell["context"])
        say("%agentlog context, again", shell["again"])


if __name__ == "__main__":
    main()
