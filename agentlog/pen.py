"""One write of a line, without handing over the interpreter's lock where there is a quicker way.

`os.write` gives the lock away for the microsecond that it takes. In a kernel other threads wait for it at that moment (they
send messages), and the caller has it back only when they are done: 20 us by the median and 50 us on average for each line of
a cell, against 10 us when the lock stays, as it does in a call through `ctypes.PyDLL` (`benchmarks/kernel.py`). That is used
where the process has loaded ctypes already, as kernels have, and as long as the disk is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from agentlog.clock import clock

SLOW = 0.005
"""Seconds that a write may keep all other threads waiting; after one that took longer the lock is handed over again."""


class Pen:
    """`write(descriptor, line)` as `os.write`."""

    def __init__(self) -> None:
        self._direct = _direct_write()

    def write(self, descriptor: int, line: bytes) -> int:
        """Bytes that the disk took. Raises OSError."""
        if self._direct is None:
            return os.write(descriptor, line)
        begun = clock.perf_counter()
        written = self._direct(descriptor, line, len(line))
        if clock.perf_counter() - begun > SLOW:
            self._direct = None
        return written if written >= 0 else os.write(descriptor, line)  # which says what is wrong


_found: list[Callable[[int, bytes, int], int]] = []


def _direct_write() -> Callable[[int, bytes, int], int] | None:
    """The system's `write`, called with the lock held; None where there is none or ctypes would have to be loaded for it.

    It is looked for once: a forked child must not, another thread may have held the loader's lock when it forked."""
    ctypes: Any = sys.modules.get("ctypes")
    if _found:
        return _found[0]
    if ctypes is None or os.name != "posix":
        return None
    try:
        write = ctypes.PyDLL(None).write
        write.argtypes, write.restype = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t), ctypes.c_ssize_t
    except (OSError, AttributeError):
        return None
    _found.append(write)
    return _found[0]
