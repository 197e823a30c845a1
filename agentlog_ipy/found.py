"""A kernel that somebody else started."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from agentlog.errors import KernelStartError, NotFound
from agentlog_ipy.process import GONE, gone, send_signal, start_of


class FoundProcess:
    """A kernel that somebody else started, by its connection file. Its `pid` is learnt from itself, if at all."""

    owned = False

    def __init__(self, connection_file: str | Path) -> None:
        self.file = Path(connection_file)
        self.pid: int | None = None
        self.started: str | None = None
        self.connection: dict[str, Any] = {}

    async def start(self) -> None:
        """Read the connection file. Raises NotFound or KernelStartError."""
        try:
            data = json.loads(self.file.read_text())
        except FileNotFoundError:
            raise NotFound(f"no connection file {self.file}; `jupyter --runtime-dir` says where kernels put theirs") from None
        except (OSError, ValueError) as reason:
            raise KernelStartError(f"{self.file} is not a kernel's connection file: {reason}") from None
        if not isinstance(data, dict) or "shell_port" not in data:
            raise KernelStartError(f"{self.file} is not a kernel's connection file: it names no shell_port")
        self.connection = data

    def known_as(self, pid: int) -> None:
        """The kernel said its pid, and it runs on this machine."""
        self.pid = pid
        self.started = start_of(pid)

    async def exit_code(self) -> int | None:
        """None while it runs or nothing is known; GONE when its process is no more."""
        if self.pid is None or start_of(self.pid) == self.started:
            return None
        return GONE

    async def interrupt(self) -> None:
        """SIGINT to its process group if it leads one, else to the process."""
        self._signal_all(signal.SIGINT)

    def signal(self, number: int) -> bool:
        """Send a signal to the kernel alone."""
        return send_signal(self.pid, number)

    async def kill(self) -> None:
        """End the process now, and its group if it leads one."""
        if await self.exit_code() is None and self._signal_all(signal.SIGKILL):
            await gone(self, 5.0)

    def _signal_all(self, number: int) -> bool:
        """To the process, and its group if it leads one; False where that is not possible: gone, or somebody else's."""
        if self.pid is None:
            return False
        try:
            send = os.killpg if os.getpgid(self.pid) == self.pid else os.kill
            send(self.pid, number)
        except OSError:
            return False
        return True

    async def clean(self) -> None:
        """Nothing of it is ours."""

    def stderr(self) -> str:
        """Not ours to read."""
        return ""
