"""The runner beside others that drive kernels, in one run: lost output, time per call, what a huge print costs,
deadlines, many kernels, and what start-stop cycles leave behind.

    python benchmarks/runner.py [--quick]

Aims: 0 lost; under 5 ms a call above a raw round trip; 3 MB printed under 1,000 tokens and retrievable; every stuck cell
resolved within 3 s of its deadline and the next call works; 24 kernels start; 50 cycles leave nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_async_kernel

from agentlog.tokens import estimate_tokens
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.pool import KernelPool

Runner = Callable[[str], Awaitable[str]]


def _row(what: str, *figures: object) -> None:
    print(f"  {what:46}" + "".join(f"{figure!s:>22}" for figure in figures), flush=True)


# --- the others ---------------------------------------------------------------------------------------------------


class Raw:
    """jupyter_client alone, waiting for reply and idle: what a round trip costs by itself."""

    async def start(self) -> None:
        self.manager, self.client = await start_new_async_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def run(self, code: str) -> str:
        sent = self.client.session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
        )
        self.client.shell_channel.send(sent)
        parent, out = sent["header"]["msg_id"], []
        while True:
            message = await self.client.iopub_channel.get_msg()
            if message["parent_header"].get("msg_id") != parent:
                continue
            if message["msg_type"] == "stream":
                out.append(message["content"]["text"])
            elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        while (await self.client.shell_channel.get_msg())["parent_header"].get("msg_id") != parent:
            pass
        return "".join(out)

    async def close(self) -> None:
        self.client.stop_channels()
        await self.manager.shutdown_kernel(now=True)


class ReplyOnly(Raw):
    """What many agents do: the reply ends it, then what is there of the output is taken."""

    async def run(self, code: str) -> str:
        sent = self.client.execute(code)
        parent = await sent if asyncio.isfuture(sent) or asyncio.iscoroutine(sent) else sent
        while (await self.client.shell_channel.get_msg())["parent_header"].get("msg_id") != parent:
            pass
        out = []
        while await self.client.iopub_channel.msg_ready():
            message = await self.client.iopub_channel.get_msg()
            if message["parent_header"].get("msg_id") == parent and message["msg_type"] == "stream":
                out.append(message["content"]["text"])
        return "".join(out)


class NbClient:
    """nbclient, a cell at a time."""

    async def start(self) -> None:
        import nbformat
        from nbclient import NotebookClient

        self.client = NotebookClient(nbformat.v4.new_notebook(), kernel_name="python3")
        self.client.create_kernel_manager()
        await self.client.async_start_new_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await self.client.async_start_new_kernel_client()

    async def run(self, code: str) -> str:
        import nbformat

        cell = nbformat.v4.new_code_cell(code)
        self.client.nb.cells = [cell]
        await self.client.async_execute_cell(cell, 0)
        return "".join(output.text for output in cell.outputs if output.output_type == "stream")

    async def close(self) -> None:
        await self.client._async_cleanup_kernel()


class OverGateway:
    """jupyter-kernel-client, over a Jupyter Kernel Gateway of its own."""

    async def start(self) -> None:
        from jupyter_kernel_client import JupyterKernelClient as Client

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "kernel_gateway", f"--KernelGatewayApp.port={port}"]
        self.server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as there:
                if there.connect_ex(("127.0.0.1", port)) == 0:
                    break
            await asyncio.sleep(0.1)
        self.client = Client(server_url=f"http://127.0.0.1:{port}", token="")
        await asyncio.to_thread(self.client.start)

    async def run(self, code: str) -> str:
        reply = await asyncio.to_thread(self.client.execute, code)
        return "".join(output["text"] for output in reply["outputs"] if output["output_type"] == "stream")

    async def close(self) -> None:
        await asyncio.to_thread(self.client.stop)
        self.server.terminate()
        self.server.wait()


class Ours:
    """This project, with or without its recorder in the kernel."""

    def __init__(self, *, record: bool) -> None:
        self.kernel = Kernel(record=record, store=Path(tempfile.mkdtemp(prefix="bench-store-")))

    async def start(self) -> None:
        await self.kernel.start()

    async def run(self, code: str) -> str:
        return (await self.kernel.run(code)).stdout

    async def close(self) -> None:
        await self.kernel.close()


def _contestants() -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {
        "agentlog": lambda: Ours(record=True),
        "agentlog, not recorded": lambda: Ours(record=False),
        "reply and idle, raw": Raw,
        "reply only": ReplyOnly,
    }
    if find_spec("nbclient"):
        found["nbclient"] = NbClient
    if find_spec("jupyter_kernel_client") and find_spec("kernel_gateway"):
        found["jupyter-kernel-client, gateway"] = OverGateway
    return found


# --- lost output, time per call ---------------------------------------------------------------------------------------


async def lost(make: Callable[[], Any], quick: bool) -> tuple[str, ...]:
    """Lost or cut outputs of small prints, large prints and child processes; and the time of a call."""
    one = make()
    await one.start()
    try:
        rounds = 100 if quick else 1_000
        small = sum([await one.run(f"print({n})\nprint('end')") != f"{n}\nend\n" for n in range(rounds)])
        large = sum([len(await one.run("print('x' * 300_000)")) != 300_001 for _ in range(10 if quick else 100)])
        child = sum(
            [
                f"child {n}" not in await one.run(f"import os; os.system('echo child {n}'); None")
                for n in range(10 if quick else 100)
            ]
        )
        times = await _times(one, 50 if quick else 200)
    finally:
        await one.close()
    return f"{small}/{rounds}", str(large), str(child), f"{statistics.median(times):.2f} ms", f"{min(times):.2f} ms"


async def _times(one: Any, count: int) -> list[float]:
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        await one.run("pass")
        times.append((time.perf_counter() - begun) * 1000)
    return times


async def overhead(quick: bool) -> tuple[float, float]:
    """Our call and a raw one, in turn in the same minute: medians of the differences, recorder off and on (ms)."""
    raw, off, on = Raw(), Ours(record=False), Ours(record=True)
    for one in (raw, off, on):
        await one.start()
    differences: dict[str, list[float]] = {"off": [], "on": []}
    try:
        for _ in range(10 if quick else 40):
            base = statistics.median(await _times(raw, 10))
            differences["off"].append(statistics.median(await _times(off, 10)) - base)
            differences["on"].append(statistics.median(await _times(on, 10)) - base)
    finally:
        for one in (raw, off, on):
            await one.close()
    return statistics.median(differences["off"]), statistics.median(differences["on"])


async def huge() -> tuple[int, bool, int]:
    """Tokens of 3 MB printed, whether all of it can be read, and the bytes of 30 MB printed that arrived."""
    async with Kernel(store=tempfile.mkdtemp(prefix="bench-store-")) as kernel:
        reply = await kernel.run(
            "import random\nrandom.seed(1)\ntext = ''.join(random.choice('abcdef 0123456789\\n') for _ in range(3_000_000))\nprint(text)"
        )
        whole = kernel.output(reply.execution, 0, None)
        same = await kernel.run(f"import hashlib; hashlib.sha256((text + '\\n').encode()).hexdigest() == '{_digest(whole)}'")
        thirty = await kernel.run("print('y' * 30_000_000)")
        return estimate_tokens(str(reply)), same.result == "True", len(thirty.stdout) - 1


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


# --- deadlines and deaths ---------------------------------------------------------------------------------------------

STUCK = {
    "sleep": "import time; time.sleep(60)",
    "await": "import asyncio; await asyncio.sleep(60)",
    "KeyboardInterrupt held back": "import time\nwhile True:\n    try: time.sleep(0.2)\n    except KeyboardInterrupt: pass",
    "CancelledError held back": "import asyncio\nwhile True:\n    try: await asyncio.sleep(0.2)\n    except asyncio.CancelledError: pass",
    "waiting child": "import subprocess; subprocess.run(['sleep', '60'])",
    "regular expression": "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')",
    "C code, interpreter kept": "import itertools, collections; collections.deque(itertools.repeat(0), maxlen=0)",
    "flood of output": "while True: print('flood ' * 100)",
}


async def deadlines() -> None:
    """Each stuck cell: seconds from the deadline to the answer, what worked, and whether the next call works."""
    async with Kernel(store=tempfile.mkdtemp(prefix="bench-store-")) as kernel:
        for name, code in STUCK.items():
            await kernel.run("1")
            begun = time.perf_counter()
            reply = await kernel.run(code, timeout=1.0)
            after = time.perf_counter() - begun - 1.0
            following = await kernel.run("40 + 2", timeout=60)
            how = reply.notes[-1].removeprefix("stopped by ").split(",")[0] if reply.notes else "?"
            _row(
                name,
                f"{after:.2f} s",
                "next ok" if following.result == "42" else "NEXT FAILED",
                "" + ("locals" if reply.look and reply.look.frames else "stack" if reply.look else "nothing"),
            )
            print(f"      {how}")


async def deaths() -> None:
    """Seconds from the cell's start to the report."""
    for name, code in {
        "SIGKILL": "import os; os.kill(os.getpid(), 9)",
        "SIGSEGV": "import ctypes; ctypes.string_at(0)",
        "os._exit": "import os; os._exit(3)",
    }.items():
        async with Kernel(store=tempfile.mkdtemp(prefix="bench-store-")) as kernel:
            await kernel.run("1")
            begun = time.perf_counter()
            reply = await kernel.run(code)
            _row(name, f"{time.perf_counter() - begun:.2f} s", reply.status, reply.death.words[:60])


# --- many kernels -------------------------------------------------------------------------------------------------


async def many(count: int) -> tuple[int, float]:
    """How many of `count` kernels start at once and answer, and the seconds it took."""
    begun = time.perf_counter()
    async with KernelPool(
        count, ready=count, record=False, store=tempfile.mkdtemp(prefix="bench-store-"), start_seconds=180
    ) as pool:
        gate = asyncio.Event()
        held = 0

        async def one() -> bool:
            nonlocal held
            async with pool.kernel() as kernel:
                answered = (await kernel.run("6 * 7")).result == "42"
                held += 1
                if held == count:
                    gate.set()
                await gate.wait()
                return answered

        good = sum(await asyncio.gather(*(one() for _ in range(count))))
        took = time.perf_counter() - begun
    return good, took


def _state() -> tuple[int, int, int]:
    """(file descriptors, threads, children)"""
    children = subprocess.run(
        ["ps", "--no-headers", "-o", "pid", "--ppid", str(os.getpid())], capture_output=True, text=True
    ).stdout.split()
    return len(os.listdir("/proc/self/fd")), threading.active_count(), len(children) - 1


async def cycles(count: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The process's state after the first cycle and after `count` more."""

    async def cycle() -> None:
        async with Kernel(record=False, store=tempfile.mkdtemp(prefix="bench-store-")) as kernel:
            await kernel.run("1")

    await cycle()
    before = _state()
    for _ in range(count):
        await cycle()
    return before, _state()


@contextmanager
def _section(title: str, *columns: str) -> Iterator[None]:
    print(f"\n{title}")
    if columns:
        _row("", *columns)
    yield


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds")
    parser.add_argument("--lost", action="store_true", help="only the first table")
    args = parser.parse_args()
    quick = args.quick
    with _section(
        "lost or cut outputs, and the time of `pass`", "two-line prints", "300 kB prints", "child echoes", "median", "least"
    ):
        for name, make in _contestants().items():
            _row(name, *asyncio.run(lost(make, quick)))
    if args.lost:
        return
    with _section("a call above a raw round trip (aim < 5 ms)", "not recorded", "recorded"):
        _row("median of differences", *(f"{ms:.2f} ms" for ms in asyncio.run(overhead(quick))))
    with _section("3 MB printed", "tokens", "all retrievable", "of 30 MB arrived"):
        _row("agentlog", *asyncio.run(huge()))
    with _section("stuck cells, deadline 1 s (aim < 3 s after it)", "answer after", "then", "seen"):
        asyncio.run(deadlines())
    with _section("deaths (aim < 1 s)", "reported after", "as"):
        asyncio.run(deaths())
    with _section("24 kernels at once", "answered", "seconds"):
        good, took = asyncio.run(many(24))
        _row("agentlog", good, f"{took:.1f}")
    with _section("start-stop cycles", "before", "after"):
        before, after = asyncio.run(cycles(5 if quick else 50))
        _row("descriptors, threads, children", before, after)


if __name__ == "__main__":
    main()
