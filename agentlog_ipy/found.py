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
        if self.pid is None:
            return
        try:
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGINT)
            else:
                os.kill(self.pid, signal.SIGINT)
        except ProcessLookupError:
            pass  # gone, which the one who waits will see

    def signal(self, number: int) -> bool:
        """Send a signal to the kernel alone."""
        return send_signal(self.pid, number)

    async def kill(self) -> None:
        """End the process now, and its group if it leads one."""
        if self.pid is None or await self.exit_code() is not None:
            return
        try:
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        await gone(self, 5.0)

    async def clean(self) -> None:
        """Nothing of it is ours."""

    def stderr(self) -> str:
        """Not ours to read."""
        return ""
