"""Which process is which: a pid alone says little, it is used again.

The writing side notes these facts in the first record of a segment; the reading side compares them to tell
whether the writer still lives.
"""

from __future__ import annotations

import os
from functools import lru_cache

_this = os.getpid()


def this_process() -> int:
    """os.getpid() without a call into the system, which costs microseconds around a cell."""
    return _this


def _after_fork_in_child() -> None:
    global _this
    _this = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def stat_fields(pid: int | str) -> list[str]:
    """What /proc/<pid>/stat says after the name: state, parent, group, session ...; [] where there is no such process, or
    no /proc. The name is any bytes: the system cuts a long one in the middle of a letter."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return []


def process_start(pid: int) -> str | None:
    """When process `pid` of this machine started, in the system's own words; tells a reused pid from the old one."""
    fields = stat_fields(pid)
    return fields[19] if fields else None


def boot_id() -> str | None:
    """Which boot of the machine this is; a pid means nothing across boots."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as boot:
            return boot.read().strip()
    except OSError:
        return None


@lru_cache(maxsize=1)
def this_machine() -> tuple[str, str | None]:
    """(host name, boot id)."""
    return host_name(), boot_id()


def host_name() -> str:
    """What `socket.gethostname` says, without loading `socket` where the system tells it otherwise."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


def is_alive(pid: int | None, host: str | None, boot: str | None, start: str | None) -> bool | None:
    """Does the process that noted these facts still live? None: it is of another machine, so nobody here can know."""
    here, this_boot = this_machine()
    if pid is None or host != here:
        return None
    if boot and this_boot and boot != this_boot:
        return False
    if pid == os.getpid():
        now = process_start(pid)
        return not (start and now and start != now)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, of another user
    except (OSError, OverflowError):
        return None
    return not _is_other_or_zombie(pid, start)


def _is_other_or_zombie(pid: int, start: str | None) -> bool:
    """Is `pid` another process by now, or one that has ended and waits for its parent to ask?"""
    fields = stat_fields(pid)
    if not fields:
        return False  # no /proc here: the signal's answer stands
    return fields[0] in "ZX" or bool(start and fields[19] != start)
