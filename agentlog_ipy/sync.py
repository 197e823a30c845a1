"""The same for programs without an event loop: an event loop on a thread of its own, which ends with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from agentlog.errors import KernelError
from agentlog_ipy.inside import Inspected, Past, Variables
from agentlog_ipy.kernel import DEFAULT, Kernel
from agentlog_ipy.replay import Replayed
from agentlog_ipy.reply import Reply

T = TypeVar("T")
CLEAN_UP_SECONDS = 10.0
"""What was cancelled may take this long to clean up behind itself."""


class LoopThread:
    """An event loop on its own thread. The caller's loop, if it has one, is never touched."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._turn, name="agentlog-kernel", daemon=True)
        self._thread.start()

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` there and wait. What interrupts the wait (Ctrl-C) cancels the work and waits for its end."""
        done: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []
        self._loop.call_soon_threadsafe(lambda: tasks.append(_started(work, done)))
        try:
            return done.result()
        except BaseException:
            if not done.done():
                self._loop.call_soon_threadsafe(lambda: tasks[0].cancel())
                with suppress(Exception, CancelledError):
                    done.result(CLEAN_UP_SECONDS)
            raise

    def close(self) -> None:
        """End the loop and its thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10.0)


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` on a loop of its own and wait for it."""
    loop = LoopThread()
    try:
        return loop.call(work)
    finally:
        loop.close()


def _started(work: Coroutine[Any, Any, T], done: Future[T]) -> asyncio.Task[T]:
    """A task for `work` that hands what comes of it to `done`."""

    def hand_over(task: asyncio.Task[T]) -> None:
        if task.cancelled():
            done.set_exception(CancelledError())
        elif (error := task.exception()) is not None:
            done.set_exception(error)
        else:
            done.set_result(task.result())

    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(hand_over)
    return task


class SyncKernel:
    """`with SyncKernel() as k: reply = k.run(code, timeout=30)`: a `Kernel` with the same options and answers."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._make: Callable[[], Kernel] = lambda: Kernel(*args, **options)
        self._thread: LoopThread | None = None
        self._kernel: Kernel | None = None

    @classmethod
    def attach(cls, connection_file: str | Path, **options: Any) -> SyncKernel:
        """A kernel that somebody else started; `close` leaves it running."""
        found = cls()
        found._make = lambda: Kernel.attach(connection_file, **options)
        return found

    @classmethod
    def gateway(cls, url: str, spec: str = "python3", **options: Any) -> SyncKernel:
        """A kernel on a Jupyter Server or Kernel Gateway."""
        found = cls()
        found._make = lambda: Kernel.gateway(url, spec, **options)
        return found

    def start(self) -> SyncKernel:
        """Start the kernel and wait until it answers; also once more, where it could not be started again."""
        if self._thread is not None and self._kernel is not None:
            self._call(self._kernel.start())
        elif self._thread is None:
            self._thread = LoopThread()
            try:
                self._kernel = self._thread.call(self._begin())
            except BaseException:
                self.close()
                raise
        return self

    async def _begin(self) -> Kernel:
        return await self._make().start()

    def close(self) -> None:
        """End the kernel and the thread."""
        thread, self._thread = self._thread, None
        kernel, self._kernel = self._kernel, None
        if thread is not None:
            try:
                if kernel is not None:
                    thread.call(kernel.close())
            finally:
                thread.close()

    def __enter__(self) -> SyncKernel:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()

    @property
    def kernel(self) -> Kernel:
        """The asynchronous one underneath, for what only looks (`alive`, `busy`, `session`, `state()`)."""
        if self._kernel is None:
            raise KernelError("the kernel is not running: use `with SyncKernel() as k`, or start()")
        return self._kernel

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._thread is not None
        return self._thread.call(work)

    def run(self, code: str, *, timeout: float | None = DEFAULT, answers: Sequence[str] = (), **options: Any) -> Reply:
        """See `Kernel.run`."""
        return self._call(self.kernel.run(code, timeout=timeout, answers=answers, **options))

    def interrupt(self) -> None:
        """Interrupt the cell that another thread runs."""
        self._call(self.kernel.interrupt())

    def restart(self, *, replay: bool = False) -> Replayed:
        """See `Kernel.restart`."""
        return self._call(self.kernel.restart(replay=replay))

    def variables(self) -> Variables:
        """See `Kernel.variables`."""
        return self._call(self.kernel.variables())

    def inspect(self, name: str, *, detail: int = 0) -> Inspected:
        """See `Kernel.inspect`."""
        return self._call(self.kernel.inspect(name, detail=detail))

    def complete(self, code: str, cursor: int | None = None) -> list[str]:
        """See `Kernel.complete`."""
        return self._call(self.kernel.complete(code, cursor))

    def history(self, count: int = 20) -> list[Past]:
        """See `Kernel.history`."""
        return self._call(self.kernel.history(count))

    def output(self, execution: str, start: int = 0, end: int | None = None, *, stream: str = "stdout") -> str:
        """See `Kernel.output`."""
        return self.kernel.output(execution, start, end, stream=stream)

    def state(self) -> str:
        """See `Kernel.state`."""
        return self.kernel.state()
