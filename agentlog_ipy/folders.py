"""A folder for each kernel: its sockets, its stderr, its stacks. Those of runners that were killed are swept away."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from agentlog_ipy.process import start_of

PREFIX = "agentlog-kernel-"
_OWNER = "owner"


def new_folder(*, keep: bool) -> Path:
    """A new folder that only the user can read. With `keep` it belongs to no process and is never swept."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if not keep:
        (folder / _OWNER).write_text(f"{os.getpid()} {start_of(os.getpid())} {_numbering()}")
    return folder


def _numbering() -> str:
    """Which processes our pids count: a container that sees the same temporary folder has numbers of its own. Empty where the
    system has one numbering for all."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


@lru_cache(maxsize=1)
def _sweep() -> None:
    """Remove the folders whose owner is gone for certain; once a process."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_OWNER}"):
        try:
            pid, born, *numbering = owner.read_text().split()
            known = owner.stat().st_uid == os.getuid() and numbering in ([], [_numbering()])
            gone = known and start_of(int(pid)) != born
        except (OSError, ValueError, AttributeError):
            continue
        if gone:
            shutil.rmtree(owner.parent, ignore_errors=True)
