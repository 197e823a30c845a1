"""Several kernels at a time, some of them started before anybody asks.

    async with KernelPool(4) as pool:
        async with pool.kernel() as k:
            reply = await k.run(...)

Each is used once: nobody finds another's variables.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any

from agentlog.errors import KernelError, UsageError
from agentlog_ipy.kernel import Kernel

STARTS_AT_ONCE = max(2, (os.cpu_count() or 2))
"""Kernels that start at the same time: more only make each other slow."""


class KernelPool:
    """At most `size` kernels in use, `ready` of them started in advance. Each is used once, so nobody finds another's
    variables; the next one starts while the last is in use. `options` are those of `Kernel`.
    """

    def __init__(self, size: int, *, ready: int = 1, make: Callable[[], Kernel] | None = None, **options: Any) -> None:
        if size < 1 or ready < 0:
            raise UsageError(f"a pool has at least one kernel, not {size}, and {ready} cannot be ready")
        self.size = size
        self.ready = min(ready, size)
        self._make = make or (lambda: Kernel(**options))
        self._gate = asyncio.Semaphore(STARTS_AT_ONCE)
        self._places = asyncio.Semaphore(size)
        self._waiting: deque[asyncio.Task[Kernel]] = deque()
        self._used: set[Kernel] = set()
        self._given = 0
        self._open = True

    async def __aenter__(self) -> KernelPool:
        self._prestart()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        await self.close()

    def _prestart(self) -> None:
        while self._open and len(self._waiting) < self.ready and len(self._waiting) + self._given < self.size:
            self._waiting.append(asyncio.ensure_future(self._start()))

    async def _start(self) -> Kernel:
        async with self._gate:
            return await self._make().start()

    @asynccontextmanager
    async def kernel(self) -> AsyncIterator[Kernel]:
        """A fresh kernel for the time of the block. Raises KernelStartError when none can be started."""
        if not self._open:
            raise KernelError("the pool is closed")
        async with self._places:
            self._given += 1
            try:
                kernel = await self._take()
                self._used.add(kernel)
                self._prestart()
                try:
                    yield kernel
                finally:
                    self._used.discard(kernel)
                    await kernel.close()
            finally:
                self._given -= 1
                self._prestart()

    async def _take(self) -> Kernel:
        """One that was started before and still lives, else a new one."""
        while self._waiting:
            kernel = await self._started(self._waiting.popleft())
            if kernel.alive:
                return kernel
            await kernel.close()
        return await self._start()

    async def _started(self, start: asyncio.Task[Kernel]) -> Kernel:
        """The kernel of a start. Who goes away before it is there leaves it to the next."""
        try:
            await asyncio.wait({start})
        except asyncio.CancelledError:
            if self._open:
                self._waiting.appendleft(start)
            else:
                await _end([start])
            raise
        return start.result()

    async def close(self) -> None:
        """End all kernels, also those in use."""
        self._open = False
        waiting, self._waiting = self._waiting, deque()
        await _end(waiting)
        for kernel in list(self._used):
            with suppress(KernelError):
                await kernel.close()
        self._used.clear()


async def _end(starts: Iterable[asyncio.Task[Kernel]]) -> None:
    """Stop what starts, and end what was started."""
    for start in starts:
        start.cancel()
    for kernel in await asyncio.gather(*starts, return_exceptions=True):
        if not isinstance(kernel, BaseException):
            await kernel.close()
