"""Which process is which, as /proc tells it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from agentlog.processes import is_alive, process_start, stat_fields, this_machine
from agentlog_ipy.footprint import cpu_seconds
from agentlog_ipy.process import start_of

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")

NAMED = """
import sys
with open("/proc/self/comm", "wb", buffering=0) as comm:
    comm.write(sys.argv[1].encode("latin-1"))
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["caf\xc3", "a) R 1 2 3"])
def odd(request: pytest.FixtureRequest) -> Iterator[int]:
    """The pid of a process whose name is no text (a long one is cut in the middle of a letter), or looks like what follows it."""
    with subprocess.Popen([sys.executable, "-c", NAMED, request.param], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        assert child.stdin is not None
        child.stdin.close()


def test_a_process_may_have_any_name(odd: int) -> None:
    """Its parent, its start and whether it lives are known all the same; so is the processor time of all the others."""
    assert stat_fields(odd)[1] == str(os.getpid())
    start = process_start(odd)
    assert start == start_of(odd)
    assert is_alive(odd, *this_machine(), start) is True
    assert is_alive(odd, *this_machine(), "another start") is False
    assert cpu_seconds(os.getpgid(0)) > 0


def test_no_such_process() -> None:
    """One that has ended and was waited for."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert stat_fields(child.pid) == []
    assert (process_start(child.pid), start_of(child.pid)) == (None, None)
