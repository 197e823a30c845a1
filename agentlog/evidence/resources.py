"""Out of memory, recursion, timeouts and interrupts: the numbers, and where the program was."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Any

from agentlog import peek
from agentlog.evaluate import package_of
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.bounds import looped
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.stack import traceback_of

_MB = 1_000_000


@collector("MemoryError", "OutOfMemoryError")
def out_of_memory(failing: Failing) -> list[Fact]:
    """What was asked for, what the process holds, what the machine has, and the largest objects of the namespace."""
    facts = []
    shape, dtype = failing.told("shape"), failing.told("dtype")
    if type(shape) is tuple and dtype is not None and package_of(type(failing.error)) == "numpy":
        size = int(dtype.itemsize)
        for length in shape:
            size *= int(length)
        facts.append(Fact(f"asked for {_megabytes(size)}: shape {shape}, {dtype}"))
    facts += _machine()
    largest = sorted(
        ((bytes_of(value), name, value) for name, value in list(failing.names.items())[-2000:]), key=lambda item: -item[0]
    )
    return facts + [
        Fact(f"{probe.say(value)}: {_megabytes(size)}", about=name) for size, name, value in largest[:6] if size > _MB
    ]


def bytes_of(value: Any) -> int:
    """Bytes an object holds, by what it says itself in constant time; 0 where that is not known."""
    if probe.is_array(value):
        return int(value.nbytes)
    if probe.is_frame(value):
        return sum(
            int(value.dtypes.iloc[i].itemsize) if hasattr(value.dtypes.iloc[i], "itemsize") else 50
            for i in range(min(200, value.shape[1]))
        ) * len(value)
    if probe.is_series(value) or probe.is_index(value):
        return int(value.nbytes) if package_of(type(value.dtype)) == "numpy" else 50 * len(value)
    length = probe.length_of(value)
    return (
        sys.getsizeof(value) + (28 * length if peek.exactly(value, list, set) else 0)
        if length is not None and package_of(type(value)) == "builtins"
        else 0
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _machine() -> list[Fact]:
    """Resident size of this process, and memory of the machine, where the system says so in /proc."""
    try:
        with open("/proc/self/statm") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        with open("/proc/meminfo") as file:
            known = {
                line.split(":")[0]: int(line.split()[1]) * 1024 for line in file if line.startswith(("MemTotal", "MemAvailable"))
            }
    except (OSError, ValueError, IndexError):
        return []
    return [
        Fact(
            f"this process holds {_megabytes(resident)}; the machine has {_megabytes(known.get('MemTotal', 0))}, {_megabytes(known.get('MemAvailable', 0))} available"
        )
    ]


@collector("RecursionError")
def recursion(failing: Failing) -> list[Fact]:
    """The functions of the cycle with how often they stand on the stack, and how their arguments went."""
    counts: Counter[tuple[str, int]] = Counter()
    calls: dict[str, list[Any]] = {}
    traceback = traceback_of(failing.error)
    while traceback is not None:
        frame = traceback.tb_frame
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        counts[name, code.co_firstlineno] += 1
        kept = calls.setdefault(name, [])
        if len(kept) < 3 or traceback.tb_next is None:
            kept.append(frame)
        else:
            kept[-1] = frame
        traceback = traceback.tb_next
    cycle = [(name, count) for (name, _), count in counts.most_common(6) if count > 10]
    facts = (
        [
            Fact(
                "on the stack: "
                + ", ".join(f"{name} {count} times" for name, count in cycle)
                + f"; limit {sys.getrecursionlimit()}"
            )
        ]
        if cycle
        else []
    )
    return facts + [_arguments(name, calls[name]) for name, _ in cycle[:3]]


def _arguments(name: str, frames: list[Any]) -> Fact:
    code = frames[0].f_code
    names = code.co_varnames[: code.co_argcount]
    steps = [
        ", ".join(f"{arg}={probe.show(frame.f_locals[arg], 40)}" for arg in names if arg in frame.f_locals) for frame in frames
    ]
    same = len(set(steps)) == 1
    return Fact(
        f"called with {steps[0]}"
        + (" each time" if same else f"; then {steps[1]}; at the end {steps[-1]}" if len(steps) > 2 else ""),
        about=name,
    )


@collector("KeyboardInterrupt", "TimeoutError", "CancelledError", "TimeoutExpired", "CellTimeoutError")
def stopped(failing: Failing) -> list[Fact]:
    """Where the program was when it was stopped, and how far its loops had come."""
    facts = []
    if failing.user is not None:
        facts.append(
            Fact(
                f"was in {failing.user.function}, line {failing.user.line + failing.user.shift}: `{(failing.user.source() or '').strip()[:120]}`"
            )
        )
    below = failing.raising
    if below is not None and below is not failing.user:
        facts.append(Fact(f"inside {below.module}.{below.function}"))
    for level in reversed([level for level in failing.levels if level.user]):
        if level is failing.user:
            facts += looped(failing)
    return facts
