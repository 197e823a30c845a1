"""`KernelPool`: kernels that are ready, each used once, never more than the pool's size."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from agentlog.errors import KernelError, UsageError
from agentlog_ipy.pool import KernelPool

PATIENCE = 120.0


def test_each_kernel_is_fresh_and_there_are_never_more_than_the_size(store_folder: Path) -> None:
    """Four tasks over two kernels: no task finds another's variables, and none is left at the end."""

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


class Stand:
    """What a pool sees of a kernel."""

    made: ClassVar[list[Stand]] = []

    def __init__(self) -> None:
        self.made.append(self)
        self.alive = False

    async def start(self) -> Stand:
        await asyncio.sleep(0)
        self.alive = True
        return self

    async def close(self) -> None:
        self.alive = False


@pytest.fixture
def stands(monkeypatch: pytest.MonkeyPatch) -> list[Stand]:
    """The kernels that were made, in order."""
    monkeypatch.setattr(Stand, "made", [])
    return Stand.made


async def use(pool: KernelPool, until: asyncio.Event | None = None) -> None:
    async with pool.kernel():
        if until is not None:
            await until.wait()


def test_who_goes_away_leaves_the_kernel_to_the_next(stands: list[Stand]) -> None:
    """Cancelled in the turn in which the kernel is ready: it is used by the next task, and ends with the pool."""

    async def main() -> None:
        async with KernelPool(2, make=Stand) as pool:  # type: ignore[arg-type]
            first = asyncio.ensure_future(use(pool))
            pool._waiting[0].add_done_callback(lambda _: first.cancel())
            await asyncio.gather(first, return_exceptions=True)
            assert first.cancelled()
            assert [stand.alive for stand in stands] == [True]
            await use(pool)
            assert not stands[0].alive

    asyncio.run(main())
    assert not any(stand.alive for stand in stands)


def test_a_kernel_on_its_way_to_somebody_counts(stands: list[Stand]) -> None:
    """Two of a pool of two are given out, one while the other is being taken: no third is started."""

    async def main() -> None:
        over, all_over = asyncio.Event(), asyncio.Event()
        async with KernelPool(2, ready=1, make=Stand) as pool:  # type: ignore[arg-type]
            users = [asyncio.ensure_future(use(pool, over)), *(asyncio.ensure_future(use(pool, all_over)) for _ in range(3))]
            for turn in range(40):
                await asyncio.sleep(0)
                assert sum(stand.alive for stand in stands) + sum(not start.done() for start in pool._waiting) <= 2
                if turn == 10:
                    over.set()
            all_over.set()
            await asyncio.gather(*users)

    asyncio.run(main())
    assert not any(stand.alive for stand in stands)


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
