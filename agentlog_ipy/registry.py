"""Kernels that outlive the command that started them: `agentlog exec --kernel work "df.head()"`.

One JSON file a kernel under `<store>/kernels/`; the kernel's sockets are in a folder of its own that only the user
can read. Whoever starts or ends one holds a lock, so two commands never start the same name twice.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from agentlog.errors import KernelError, NotFound, UsageError
from agentlog.ids import timestamp
from agentlog.journal import prepare_folder
from agentlog_ipy.folders import PREFIX
from agentlog_ipy.found import FoundProcess
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.process import LocalProcess, gone, start_of
from agentlog_ipy.whole_files import write_text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Entry:
    """A named kernel. `born`: when its process began, which tells it from another one with the same pid."""

    name: str
    connection_file: str
    folder: str
    pid: int
    born: str | None
    spec: str
    host: str
    cwd: str
    started: str
    session: str | None = None

    @property
    def alive(self) -> bool:
        """Is the process there (seen from its own machine)?"""
        return self.host == socket.gethostname() and self.born is not None and start_of(self.pid) == self.born


class Registry:
    """The named kernels of one store."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.folder = store / "kernels"

    def entries(self) -> list[Entry]:
        """All that are known, dead ones included."""
        return [entry for path in sorted(self.folder.glob("*.json")) if (entry := _read(path)) is not None]

    def find(self, name: str) -> Entry | None:
        """The entry of `name`."""
        return _read(self._file(name))

    def get(self, name: str) -> Entry:
        """The entry of `name`. Raises NotFound."""
        found = self.find(name)
        if found is None:
            known = ", ".join(entry.name for entry in self.entries())
            raise NotFound(f"no kernel named {name!r}; " + (f"there are: {known}" if known else "agentlog exec starts one"))
        return found

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UsageError(f"a kernel's name has letters, digits, '.', '_' and '-', at most 64: {name!r} has not")
        return self.folder / f"{name}.json"

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Nobody else starts or ends `name` meanwhile."""
        self._file(name)
        prepare_folder(self.store)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with open(self.folder / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    async def open(
        self, name: str, *, spec: str = "python3", cwd: str | None = None, record: bool = True, max_tokens: int
    ) -> Kernel:
        """The kernel called `name`, started if there is none (or only a dead one)."""
        with self.locked(name):
            entry = self.find(name)
            if entry is not None and entry.alive:
                return await self._attach(entry, max_tokens=max_tokens).start()
            if entry is not None:
                self.forget(entry)
            return await self._start(name, spec, cwd, record, max_tokens)

    def _attach(self, entry: Entry, *, max_tokens: int) -> Kernel:
        return Kernel.attach(entry.connection_file, store=self.store, max_tokens=max_tokens)

    async def _start(self, name: str, spec: str, cwd: str | None, record: bool, max_tokens: int) -> Kernel:
        kernel = Kernel(
            spec, cwd=cwd or os.getcwd(), record=record, store=self.store, keep=True, kill=False, max_tokens=max_tokens
        )
        await kernel.start()
        process = kernel.link.process
        assert isinstance(process, LocalProcess)
        assert process.pid is not None
        entry = Entry(
            name=name,
            connection_file=process.connection_file,
            folder=str(process.folder),
            pid=process.pid,
            born=start_of(process.pid),
            spec=spec,
            host=socket.gethostname(),
            cwd=cwd or os.getcwd(),
            started=timestamp(),
            session=kernel.session,
        )
        write_text(self._file(name), json.dumps(asdict(entry)) + "\n")
        return kernel

    def forget(self, entry: Entry) -> None:
        """Take a dead kernel out of the list and remove its sockets."""
        self._file(entry.name).unlink(missing_ok=True)
        folder = Path(entry.folder)
        if folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(PREFIX):
            shutil.rmtree(folder, ignore_errors=True)

    async def stop(self, name: str) -> str:
        """End the kernel: in order if it can, else at once. Returns what happened, in words."""
        with self.locked(name):
            entry = self.get(name)
            if not entry.alive:
                self.forget(entry)
                return f"{name}: was dead already"
            how = await _end(entry)
            self.forget(entry)
            return f"{name}: {how}"

    async def interrupt(self, name: str) -> str:
        """Interrupt what it runs."""
        entry = self.get(name)
        if not entry.alive:
            raise KernelError(f"kernel {name!r} is dead; agentlog kernels stop {name} forgets it")
        kernel = await self._attach(entry, max_tokens=1000).start()
        try:
            if not kernel.busy:
                return f"{name}: was idle"
            return f"{name}: " + await _interrupt_foreign(kernel)
        finally:
            await kernel.close()


async def _end(entry: Entry) -> str:
    kernel = await Kernel.attach(entry.connection_file, record=False).start()
    process = kernel.link.process
    assert isinstance(process, FoundProcess)
    try:
        process.known_as(entry.pid)
        kernel.link.dispatch.send("control", "shutdown_request", {"restart": False})
        if await gone(process, 3.0):
            return "stopped"
        await process.kill()
        return "did not end by itself and was killed"
    finally:
        await kernel.close()


async def _interrupt_foreign(kernel: Kernel) -> str:
    """Interrupt a cell that another client sent, and see that it ended."""
    link = kernel.link
    await link.process.interrupt()
    for seconds in (0.5, 2.0):
        try:
            await asyncio.wait_for(link.dispatch.others_done(), seconds)
            return "interrupted"
        except asyncio.TimeoutError:
            link.dispatch.send("shell", "kernel_info_request", {})
    return "was interrupted but still runs; agentlog kernels stop ends it"


def _read(path: Path) -> Entry | None:
    try:
        return Entry(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
