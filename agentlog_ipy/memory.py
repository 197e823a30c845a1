"""Resident memory of this process, cheap enough to ask for around every cell."""

from __future__ import annotations

import os

from agentlog.processes import this_process

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Memory:
    """Reads /proc/self/statm through one descriptor (about 2 us a reading); without /proc `resident` is None."""

    def __init__(self) -> None:
        self._pid = -1
        self._descriptor: int | None = None

    def resident(self) -> int | None:
        """Bytes of this process that are in memory now."""
        if self._pid != this_process():
            self._open()
        if self._descriptor is None:
            return None
        return int(os.pread(self._descriptor, 64, 0).split()[1]) * _PAGE

    def peak(self) -> int | None:
        """The most bytes this process ever had in memory."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if resource is not None else None

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
