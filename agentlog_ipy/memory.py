"""Resident memory of this process, cheap enough to ask for around every cell."""

from __future__ import annotations

import os
import sys

from agentlog.processes import this_process

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PEAK_RISE = 1_000_000
"""Bytes that the process's peak must rise by to be worth a word."""
_MAXRSS = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit of `ru_maxrss`."""
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Memory:
    """Reads /proc/self/statm through one descriptor (about 2 us a reading).

    resident  bytes that were in memory at the last look; None without /proc
    """

    def __init__(self) -> None:
        self._pid = -1
        self._descriptor: int | None = None
        self.resident, self._peak = self._in_memory(), _peak()

    def look(self) -> int | None:
        """See what is resident now; returns the process's peak where it rose since the last look."""
        before, self._peak = self._peak, _peak()
        self.resident = self._in_memory()
        return self._peak if self._peak and before and self._peak - before >= PEAK_RISE else None

    def _in_memory(self) -> int | None:
        if self._pid != this_process():
            self._open()
        if self._descriptor is None:
            return None
        return int(os.pread(self._descriptor, 64, 0).split()[1]) * _PAGE

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._pid = None, -1

    def _open(self) -> None:
        """/proc/self means the process that opens it: a forked child opens its own."""
        self.close()
        self._pid = this_process()
        try:
            self._descriptor = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._descriptor = None


def _peak() -> int | None:
    """The most bytes this process ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS if resource is not None else None
