"""`KernelPool`: kernels that are ready, each used once, never more than the pool's size."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from agentlog.errors import KernelError, UsageError
from agentlog_ipy.pool import KernelPool

PATIENCE = 120.0


def test_each_kernel_is_fresh_and_there_are_never_more_than_the_size(store_folder: Path) -> None:
    """Six tasks over two kernels: no task finds another's variables, and none is left at the end."""

    async def main() -> list[str]:
        running = most = 0
        async with KernelPool(2, ready=1, record=False, store=store_folder, timeout=PATIENCE) as pool:

            async def task(number: int) -> str:
                nonlocal running, most
                async with pool.kernel() as kernel:
                    running += 1
                    most = max(most, running)
                    reply = await kernel.run(f"try:\n    mine\nexcept NameError:\n    mine = {number}\nprint(mine)")
                    running -= 1
                    return reply.stdout.strip()

            answers = await asyncio.gather(*(task(number) for number in range(4)))
        assert most <= 2
        return answers

    before = set(psutil.Process().children())
    assert asyncio.run(main()) == ["0", "1", "2", "3"]
    assert set(psutil.Process().children()) <= before


def test_a_prestarted_kernel_that_died_is_replaced(store_folder: Path) -> None:
    """Nobody is given a dead one."""

    async def main() -> bool:
        async with KernelPool(1, record=False, store=store_folder, timeout=PATIENCE) as pool:
            waiting = await pool._waiting[0]
            await waiting.link.process.kill()
            await asyncio.wait_for(asyncio.shield(waiting.link.dead), PATIENCE)
            async with pool.kernel() as kernel:
                return (await kernel.run("1")).ok

    assert asyncio.run(main())


def test_bad_sizes_and_a_closed_pool() -> None:
    """One line each."""
    with pytest.raises(UsageError, match="at least one"):
        KernelPool(0)

    async def main() -> None:
        pool = KernelPool(1)
        await pool.close()
        async with pool.kernel():
            pass

    with pytest.raises(KernelError, match="closed"):
        asyncio.run(main())
