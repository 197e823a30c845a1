"""What happens at a deadline: look at what runs, then stop it, one rung after the other, each one verified.

1. SIGINT. Enough for most code; frees neither a cell that awaits something nor one that holds KeyboardInterrupt back.
2. A message on the shell channel after it: wakes the event loop, which had the interrupt but not the occasion.
3. Cancelling the cell's task, by way of a subshell.
4. An exception that `except KeyboardInterrupt` and `except Exception` do not hold back, raised by a signal.
5. Ending the process: nothing else reaches C code that keeps the interpreter to itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlog.clock import clock
from agentlog.errors import KernelError
from agentlog.events import Value, value_from_plain
from agentlog.faulttext import CELL_FILE
from agentlog.valuetext import nested
from agentlog_ipy.channels import Request
from agentlog_ipy.link import Link
from agentlog_ipy.reply import Look

LOOK_SECONDS = 0.4
DRAIN_SECONDS = 1.0
"""What a stopped cell has put out may take this long to arrive; the rest comes late."""
_STACK_CHARS = 6_000


@dataclass(frozen=True)
class Climb:
    """How far the ladder was climbed. `rung`: what stopped the cell, None when nothing did; `survived`: whether the
    kernel lives on with its variables; `drained`: whether all its output has arrived."""

    rung: str | None
    survived: bool
    seconds: float
    drained: bool = True


# --- looking ----------------------------------------------------------------------------------------------------


async def look(link: Link) -> Look | None:
    """The running frames and their locals; where the interpreter lets nobody in, the stacks alone. Within 0.8 s."""
    for way in (_look_beside, _look_by_signal, _look_at_stacks):
        found = await way(link)
        if found is not None:
            return found
    return None


async def _look_beside(link: Link) -> Look | None:
    if "kernel subshells" not in link.facts.features or not link.facts.prepared:
        return None
    with suppress(KernelError):
        return _look_of(await link.evaluate("look()", beside=True, seconds=LOOK_SECONDS), "seen from a subshell")
    return None


async def _look_by_signal(link: Link) -> Look | None:
    path = link.folder / "look.json"
    if not link.facts.look or "kernel subshells" in link.facts.features:
        return None
    path.unlink(missing_ok=True)
    if not link.process.signal(link.signals["look"]) or not await _appears(path, 0):
        return None
    with suppress(OSError, ValueError):
        return _look_of(json.loads(path.read_text()), "seen by a signal")
    return None


async def _look_at_stacks(link: Link) -> Look | None:
    path = link.folder / "stacks.txt"
    before = path.stat().st_size if path.exists() else 0
    if not link.facts.look or not link.process.signal(link.signals["stack"]) or not await _appears(path, before + 1):
        return None
    await asyncio.sleep(0.02)  # it is written line by line
    with open(path, "rb") as file:
        file.seek(before)
        stacks = file.read().decode("utf-8", "replace").strip()
    return Look("stacks of all threads; C code keeps the interpreter to itself, so no locals", stacks=main_stack(stacks))


async def _appears(path: Path, size: int) -> bool:
    deadline = clock.monotonic() + LOOK_SECONDS
    while clock.monotonic() < deadline:
        with suppress(OSError):
            if path.stat().st_size >= size:
                return True
        await asyncio.sleep(0.01)
    return False


def main_stack(stacks: str) -> str:
    """The part of faulthandler's text that shows user code: of the thread that runs it, without IPython's own lines."""
    threads = [part for part in stacks.replace("\nCurrent thread", "\n\nCurrent thread").split("\n\n") if part.strip()]
    running = [part for part in threads if CELL_FILE.search(part)]
    lines = ((running or threads)[-1] if threads else "").strip().splitlines()
    last = max((at for at, line in enumerate(lines) if CELL_FILE.search(line)), default=len(lines) - 1)
    return "\n".join(lines[: last + 1])[:_STACK_CHARS]


def _look_of(found: dict[str, Any], how: str) -> Look:
    frames = tuple(_frame(frame) for frame in found["frames"])
    awaiting = bool(found.get("awaiting"))
    return Look(how + (", while it awaits" if awaiting else ""), frames, awaiting=awaiting)


def _frame(frame: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    place = "cell" if frame["cell"] else frame["file"]
    names = {name: _words(value) for name, value in frame["locals"].items()}
    return f"{place} line {frame['line']} in {frame['function']}", frame["source"], names


def _words(data: Any) -> str:
    value = value_from_plain(data) if isinstance(data, dict) else Value(type="?", value=str(data))
    return nested(value, 120)


# --- stopping -----------------------------------------------------------------------------------------------------


async def climb(link: Link, request: Request, *, kill: bool, awaiting: bool | None = None) -> Climb:
    """Stop the cell of `request`; with `kill` end the process when nothing else helped. Takes 2 s at most.

    awaiting: whether the cell awaits something, which decides what is worth trying and for how long.
    """
    begun = clock.monotonic()
    for rung, seconds, step in _rungs(awaiting):
        if await step(link) and await link.replied(request, seconds):
            took = clock.monotonic() - begun
            return Climb(rung, True, took, drained=await link.wait(request, DRAIN_SECONDS))
        if link.dead.done():
            return Climb(f"the kernel ended when it got {rung}", False, clock.monotonic() - begun)
    if kill:
        await link.process.kill()
        return Climb("ending the kernel's process: nothing else reached it", False, clock.monotonic() - begun)
    return Climb(None, True, clock.monotonic() - begun)


async def _interrupt(link: Link) -> bool:
    await link.process.interrupt()
    return True


async def _nudge(link: Link) -> bool:
    link.dispatch.send("shell", "kernel_info_request", {})
    return True


async def _cancel(link: Link) -> bool:
    if "kernel subshells" not in link.facts.features or not link.facts.prepared:
        return False
    with suppress(KernelError):
        return bool(await link.evaluate("cancel()", beside=True, seconds=0.3))
    return False


async def _stop(link: Link) -> bool:
    return link.facts.look and link.process.signal(link.signals["stop"])


Rung = tuple[str, float, Callable[[Link], Awaitable[bool]]]


def _rungs(awaiting: bool | None) -> list[Rung]:
    """(in words, seconds to wait for its effect, what to do), in order."""
    interrupt = [("an interrupt", {True: 0.1, None: 0.5, False: 1.0}[awaiting], _interrupt)]
    wake = [("an interrupt and a message that woke the event loop", 0.6, _nudge), ("cancelling its task", 0.5, _cancel)]
    return [*interrupt, *(wake if awaiting is not False else []), ("an exception that it could not hold back", 0.6, _stop)]
