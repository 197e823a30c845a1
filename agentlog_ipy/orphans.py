"""What a kernel started ends with it, also when its runner is killed and can do nothing any more.

A kernel leads a process group. A helper process reads from a pipe which groups there are; when the pipe ends, because the
runner closed it or is gone, the helper ends the groups that are left. The helper is this file, run by itself; one a runner,
and none while there is no kernel.

Who was meant to outlive the kernel does: a process in a session of its own (`setsid`, `start_new_session=True`) is not of
the group, and one that ignores SIGHUP (`nohup`) is left alone, unless the runner itself was started that way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

ROUNDS = 20
"""How often a group is looked at while new members appear."""
_HANG_UP = getattr(signal, "SIGHUP", None)


def end_group(leader: int, spare: bool = True) -> None:
    """Kill the members of the process group `leader`; with `spare`, not those that ignore SIGHUP."""
    if not os.path.isdir("/proc/self"):
        with suppress(OSError):
            os.killpg(leader, signal.SIGHUP if spare else signal.SIGKILL)
        return
    for _ in range(ROUNDS):
        doomed = [pid for pid in _members(leader) if not (spare and _ignores_hang_up(pid))]
        if not doomed:
            return
        for pid in doomed:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _members(group: int) -> list[int]:
    """Living processes of the group (the dead that nobody has waited for are none)."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        fields = _fields(name)
        if fields and fields[0] not in ("Z", "X") and fields[2] == str(group):
            found.append(int(name))
    return found


def _fields(pid: int | str) -> list[str]:
    """`agentlog.processes.stat_fields`, once more: run by itself, this file can import nothing of ours."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return []


def _ignores_hang_up(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/status", errors="replace") as file:
            ignored = next(line for line in file if line.startswith("SigIgn:"))
    except (OSError, StopIteration):
        return False
    return bool(int(ignored.split()[1], 16) & 1)  # SIGHUP is signal 1


# --- the runner's side --------------------------------------------------------------------------------------------------


class Helper:
    """The helper process of this runner and the groups it watches. Does nothing where there are no process groups."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, leader: int | None) -> None:
        """From now on the group ends when this process does."""
        if leader is None or _HANG_UP is None:
            return
        with self._lock:
            self._groups.add(leader)
            if self._process is None or self._process.poll() is not None:
                self._start()
            else:
                self._say(f"+{leader}")

    def end(self, leader: int | None) -> None:
        """End what is left of the group now."""
        if leader not in self._groups:
            return
        end_group(leader, _spare())
        with self._lock:
            self._groups.discard(leader)
            self._say(f"-{leader}")
            if not self._groups:
                self._stop()

    def _start(self) -> None:
        self._stop()
        command = [sys.executable, "-I", "-S", __file__, str(int(_spare()))]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        for leader in self._groups:
            self._say(f"+{leader}")

    def _say(self, word: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):
                self._process.stdin.write(word.encode() + b"\n")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)

    def forked(self) -> None:
        """In a forked child: the groups are the parent's, and its pipe must not be held open here."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        self._groups.clear()
        if process is not None and process.stdin is not None:
            process.returncode = 0  # not ours to wait for
            process.stdin.close()


def _spare() -> bool:
    return _HANG_UP is None or signal.getsignal(_HANG_UP) != signal.SIG_IGN


helper = Helper()
"""The one of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=helper.forked)


# --- the helper's side --------------------------------------------------------------------------------------------------


def main() -> None:
    """Read which groups there are until the pipe ends, then end those that are left."""
    spare = sys.argv[1] == "1"
    began: dict[int, list[str]] = {}
    for line in sys.stdin:
        leader = int(line[1:])
        if line[0] == "+":
            began[leader] = _fields(leader)[19:20]
        else:
            began.pop(leader, None)
    for leader, start in began.items():
        if _fields(leader)[19:20] in ([], start):  # else the number belongs to somebody else by now
            end_group(leader, spare)


if __name__ == "__main__":
    main()
