"""What is known of one cell on its way."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from agentlog.events import Failure

_OWN_LINE = re.compile(
    r"\s*(%(agentlog\b.*|(load|reload|unload)_ext\s+agentlog\s*)|agentlog\s+(context|diff|why|timeline|history|show|sessions|status)\b.*)$"
)


def _thread_name() -> str | None:
    thread = threading.current_thread()
    return None if thread is threading.main_thread() else thread.name


@dataclass(slots=True, eq=False)
class Cell:
    """A cell on its way. `request`: id of the message that asked for it; `seen`: id() of the error it recorded;
    `thread`: name of the one it begins on, None for the main thread."""

    execution: str
    source: str
    info: Any
    request: str | None
    stored: bool
    within: Cell | None
    number: int
    own: bool
    task: Any = None
    started: float = 0.0
    last_value: int = 0
    seen: int = 0
    failure: Failure | None = None
    count: int | None = None
    notebook: str | None = None
    thread: str | None = field(default_factory=_thread_name)


def is_own(source: str) -> bool:
    """Does the cell hold only %agentlog lines (and comments)?"""
    if "agentlog" not in source:
        return False
    lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and all(map(_OWN_LINE.match, lines))


def task_if_async() -> Any:
    loop = asyncio._get_running_loop()
    return None if loop is None else asyncio.current_task(loop)


def interrupted(cell: Cell, error: BaseException) -> bool:
    """KeyboardInterrupt, or a CancelledError because the cell's own task was cancelled (how a kernel interrupts `await`)."""
    if isinstance(error, KeyboardInterrupt):
        return True
    if not isinstance(error, asyncio.CancelledError):
        return False
    cancelling = getattr(cell.task, "cancelling", None)  # Python 3.11
    return cancelling is None or bool(cancelling())
