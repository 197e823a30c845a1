"""The machine's clocks as they were when agentlog was loaded.

Tests of a program may freeze time: then a record still says when it was written, a duration is one, and a bound of time
still ends. The functions hang on a class because freezegun replaces them in every module where it finds them.
"""

from __future__ import annotations

import os
import time as _time

_PROCESSORS = os.cpu_count() or 1
_MOST = 8.0


class clock:
    """The functions of `time` that tell it."""

    time = _time.time
    time_ns = _time.time_ns
    monotonic = _time.monotonic
    perf_counter = _time.perf_counter
    process_time = _time.process_time
    thread_time = _time.thread_time


def crowd() -> float:
    """How many processes there are to a processor, from 1 to 8: the clock runs on while others compute, and costs the user nothing."""
    try:
        return min(_MOST, max(1.0, os.getloadavg()[0] / _PROCESSORS))
    except (OSError, AttributeError):
        return 1.0
