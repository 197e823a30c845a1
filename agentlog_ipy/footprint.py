"""What another process uses: its memory, looked at while it lives, so that something can be said when it is gone; its
processor time."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentlog.processes import stat_fields


@dataclass
class Footprint:
    """What was known of a process's memory when it was last looked at; bytes."""

    pid: int | None
    resident: int | None = None
    peak: int | None = None
    limit: int | None = None
    kills_before: int | None = None
    events: Path | None = None

    @classmethod
    def of(cls, pid: int | None) -> Footprint:
        """Begin to watch `pid`."""
        found = cls(pid)
        folder = _cgroup(pid) if pid is not None else None
        if folder is not None:
            found.events = next(
                (folder / name for name in ("memory.events", "memory.oom_control") if (folder / name).exists()), None
            )
            found.limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
            found.kills_before = found.kills()
        return found

    def look(self) -> None:
        """Read the process's figures, while there are any."""
        if self.pid is None:
            return
        with suppress(OSError, ValueError, IndexError):
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self.peak = int(line.split()[1]) * 1024
                elif line.startswith("VmRSS:"):
                    self.resident = int(line.split()[1]) * 1024

    def kills(self) -> int | None:
        """Out-of-memory kills that the control group has counted."""
        if self.events is None:
            return None
        with suppress(OSError, ValueError, IndexError):
            for line in self.events.read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
        return None


def _cgroup(pid: int) -> Path | None:
    root = Path("/sys/fs/cgroup")
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                folder = root / ("memory" if controllers else "") / path.lstrip("/")
                return folder if folder.is_dir() else root
    return None


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
        return int(text) if text != "max" and int(text) < 1 << 60 else None
    except (OSError, ValueError):
        return None


def available() -> int | None:
    """Bytes that the system could still give, None where it does not say."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def cpu_seconds(group: int | None) -> float:
    """Processor time of a process group so far (kernels lead one)."""
    if group is None or not os.path.isdir("/proc/self"):
        return 0.0
    processes = map(stat_fields, filter(str.isdigit, os.listdir("/proc")))
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in processes if fields and int(fields[2]) == group)
    return ticks / os.sysconf("SC_CLK_TCK")
