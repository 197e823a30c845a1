"""The process behind a kernel: started here, or found by its connection file.

Sockets are files in a folder of the kernel's own where the system allows, else TCP. What the process writes to its
real stdout goes nowhere (it would end up in the middle of a protocol on ours), its stderr to a file, its stdin is empty.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from jupyter_client.kernelspec import KernelSpec, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from agentlog.clock import clock
from agentlog.errors import KernelStartError
from agentlog.processes import stat_fields
from agentlog_ipy.orphans import helper

SOCKET_NAME_BYTES = 100
"""longest path a Unix socket may have (107 on Linux, 103 on macOS), some to spare"""
GONE = -1000
"""exit code of a process that we cannot wait for: it is gone, nobody knows how"""


_USUAL = re.compile(r"^0\.00s - |running over TCP without encryption|^\[IPKernelApp\] WARNING")


class Process(Protocol):
    """What a kernel runs in, as far as we can reach it."""

    pid: int | None
    connection: dict[str, Any]
    owned: bool

    async def start(self) -> None: ...
    async def exit_code(self) -> int | None: ...
    async def interrupt(self) -> None: ...
    def signal(self, number: int) -> bool: ...
    async def kill(self) -> None: ...
    async def clean(self) -> None: ...
    def stderr(self) -> str: ...


class LocalProcess:
    """A kernel of any kernelspec, or of any interpreter that has ipykernel, on this machine.

    keep  the kernel outlives this process; otherwise it ends with it
    """

    owned = True

    def __init__(
        self,
        spec: str,
        *,
        python: str | Path | None = None,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        keep: bool = False,
        folder: Path,
    ) -> None:
        self.spec = spec
        self.python = python
        self.cwd = str(cwd) if cwd is not None else None
        self.env = dict(env or {})
        self.arguments = list(arguments)
        self.keep = keep
        self.folder = folder
        self.pid: int | None = None
        self.connection: dict[str, Any] = {}
        self._manager: AsyncKernelManager | None = None
        self._starts = 0

    async def start(self) -> None:
        """Start the process. Raises KernelStartError when there is no such kernel or it cannot be executed."""
        self._starts += 1
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        manager = self._manager = self._new_manager()
        options: dict[str, Any] = {"env": {**os.environ, **self.env}, "independent": self.keep}
        if self.cwd is not None:
            options["cwd"] = self.cwd
        try:
            with open(self._stderr_file(), "ab") as errors:
                await manager.start_kernel(
                    extra_arguments=self.arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, **options
                )
        except NoSuchKernel as missing:
            raise KernelStartError(_no_such_kernel(self.spec, manager)) from missing
        except OSError as reason:
            argv = getattr(manager.kernel_spec, "argv", None) or ["?"]
            raise KernelStartError(
                f"kernel {self.spec!r} could not be started with {argv[0]}: {reason.strerror or reason}"
            ) from reason
        self.pid = getattr(manager.provisioner, "pid", None)
        if not self.keep:
            helper.watch(self.pid)
        self.connection = manager.get_connection_info()

    def _new_manager(self) -> AsyncKernelManager:
        manager = AsyncKernelManager(kernel_name=self.spec)
        if self.python is not None:
            argv = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            manager._kernel_spec = KernelSpec(argv=argv, display_name=str(self.python), language="python")
        manager.connection_file = self.connection_file
        place = str(self.folder / f"s{self._starts}")
        if os.name == "posix" and len(os.fsencode(place)) + 3 <= SOCKET_NAME_BYTES:
            manager.transport = "ipc"
            manager.ip = place
        else:
            manager.cache_ports = True
        return manager

    @property
    def connection_file(self) -> str:
        """Where its connection is written down."""
        return str(self.folder / f"connection-{self._starts}.json")

    async def exit_code(self) -> int | None:
        """None while it runs; else the exit code, negative for a signal."""
        if self._manager is None or self._manager.provisioner is None:
            return GONE
        code = await self._manager.provisioner.poll()
        return None if code is None else int(code)

    async def interrupt(self) -> None:
        """As the kernelspec wants it: SIGINT to the process group, or a message."""
        assert self._manager is not None
        try:
            await self._manager.interrupt_kernel()
        except (RuntimeError, ProcessLookupError):
            pass  # it is gone, which the one who waits will see

    def signal(self, number: int) -> bool:
        """Send a signal to the kernel alone, not to its children."""
        return send_signal(self.pid, number)

    async def kill(self) -> None:
        """End the process and its group now."""
        manager = self._manager
        if manager is None or manager.provisioner is None or not manager.has_kernel:
            return
        try:
            await manager.provisioner.kill()
        except OSError:
            pass  # already gone
        await gone(self, 5.0)
        await manager.shutdown_kernel(now=True)

    async def clean(self) -> None:
        """Leave no process, socket or file. A kernel that is kept stays as it is."""
        manager, self._manager = self._manager, None
        if manager is not None:
            if self.keep and manager.has_kernel:
                manager._close_control_socket()
                _disown(manager)
            else:
                await manager.shutdown_kernel(now=True)
                helper.end(self.pid)  # what the kernel had started and left in its process group, which it led
            manager.context.destroy(linger=0)

    def _stderr_file(self) -> Path:
        return self.folder / "stderr.txt"

    def stderr(self) -> str:
        """The last the process wrote to its real stderr, without what every kernel says there."""
        lines = file_tail(self._stderr_file()).splitlines()
        return "\n".join(line for line in lines if not _USUAL.search(line)).strip()


async def gone(process: Process, seconds: float) -> bool:
    """Wait until the process has ended; False when it has not within `seconds`."""
    deadline = clock.monotonic() + seconds
    while await process.exit_code() is None:
        if clock.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _disown(manager: AsyncKernelManager) -> None:
    """The child goes on without us: its Popen object must not complain about that."""
    manager._connection_file_written = False  # else it is removed with the manager
    popen = getattr(manager.provisioner, "process", None)
    if popen is not None:
        popen.returncode = 0
        manager.provisioner.process = None


def send_signal(pid: int | None, number: int) -> bool:
    """Send `number` to `pid`; False where that is not possible."""
    if pid is None:
        return False
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def start_of(pid: int) -> str | None:
    """When the process began (in clock ticks since boot), None if there is no such process: pids are used again."""
    fields = stat_fields(pid)
    if not fields:
        return None if os.path.isdir("/proc/self") else ("?" if send_signal(pid, 0) else None)
    return None if fields[0] == "Z" else fields[19]


def file_tail(path: Path, size: int = 4_000) -> str:
    """The last `size` bytes of a file as text; empty if it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _no_such_kernel(name: str, manager: AsyncKernelManager) -> str:
    known = sorted(manager.kernel_spec_manager.find_kernel_specs())
    listed = f"installed: {', '.join(known)}" if known else "none is installed: pip install ipykernel"
    return f"no kernel named {name!r}; {listed}"
