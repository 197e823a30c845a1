"""Ids and times."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timezone

import pytest

from agentlog import ids
from agentlog.clock import clock


def test_ids_increase_also_when_the_clock_jumps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a process each id is greater than the one before, whatever the clock does."""
    first = ids.new_id()
    monkeypatch.setattr(clock, "time_ns", lambda: 0)
    second = ids.new_id()
    assert first < second
    assert len(second) == 20


def test_ids_of_many_threads_are_all_different() -> None:
    """No lock is missing: 8 threads, 4,000 ids, no duplicate."""
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(ids.new_id() for _ in range(500))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_draws_its_own_chance() -> None:
    """Parent and child never make the same id."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, ids.new_id()[-9:].encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 20).decode() != ids.new_id()[-9:]
    os.close(reader)
    os.close(writer)


def test_the_time_of_an_id_and_of_a_stamp() -> None:
    """Both say UTC with microseconds."""
    now = datetime.now(timezone.utc)
    assert abs((ids.id_time(ids.new_id()) - now).total_seconds()) < 60
    assert ids.timestamp(1_700_000_000.25) == "2023-11-14T22:13:20.250000Z"
    assert ids.parse_timestamp("2023-11-14T22:13:20.250000Z") == datetime(2023, 11, 14, 22, 13, 20, 250000, timezone.utc)
