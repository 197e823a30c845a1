"""The server as its clients start it: a process that speaks over standard input and output, or over HTTP."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

PATIENCE = 120.0
"""Seconds after which a test gives up."""


def command(store: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "agentlog", "mcp", "--store", str(store), "--python", sys.executable, *words]


@asynccontextmanager
async def stdio(folder: Path, mode: str = "auto") -> AsyncIterator[Client]:
    """A client of a server process of its own, its store under `folder`."""
    program, *arguments = command(folder / "store")
    parameters = StdioServerParameters(command=program, args=arguments, cwd=str(folder))
    async with Client(parameters, mode=mode) as client:  # type: ignore[arg-type]
        yield client


@contextmanager
def http(folder: Path) -> Iterator[str]:
    """A server process on a free port; its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(folder / "errors.txt", "wb") as errors:
        words = command(folder / "store", "--http", f"127.0.0.1:{port}")
        process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        assert b"/mcp" in process.stdout.readline()
        _until_open(port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()


def _until_open(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
            return
        except OSError:
            subprocess.run([sys.executable, "-c", "import time; time.sleep(0.1)"], check=True)
    raise AssertionError(f"nothing listens on {port}")


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene to its end, in time."""

    async def bounded() -> None:
        await asyncio.wait_for(scene(), PATIENCE)

    asyncio.run(bounded())


async def call(client: Client, tool: str, **arguments: Any) -> Any:
    """The structured answer of a tool that did what it should; its text is also what a reader gets."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    assert result.content[0].text == result.structured_content["text"]
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """The one line with which a tool refuses."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    text: str = result.content[0].text
    assert "\n" not in text
    assert "Traceback" not in text
    return text
