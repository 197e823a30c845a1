"""Where the index of a store lives, and the lock under which it is changed."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agentlog.clock import clock

fcntl: Any
try:
    import fcntl
except ImportError:  # not POSIX: SQLite's own lock has to do
    fcntl = None

FILE = "index.sqlite"
NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "ncpfs", "9p", "ceph", "lustre", "gpfs", "glusterfs",
    "beegfs", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.davfs",
    "fuse.juicefs", "virtiofs", "vboxsf", "prl_fs",
})  # fmt: skip
"""File systems on which SQLite's locks cannot be trusted, or cost a journey each."""


def index_places(folder: Path) -> list[Path]:
    """Files where the index of the store in `folder` may live, best first; none may turn out to be writable."""
    cached = cache_folder() / f"{hashlib.sha256(str(folder.absolute()).encode('utf-8', 'replace')).hexdigest()[:20]}.sqlite"
    return [cached] if on_network(folder) or not os.access(folder, os.W_OK | os.X_OK) else [folder / FILE, cached]


def cache_folder() -> Path:
    """The user's cache directory for agentlog."""
    if sys.platform == "darwin":
        base = Path("~/Library/Caches").expanduser()
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path("~/AppData/Local").expanduser())
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return base / "agentlog"


def on_network(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Is `folder` on a network disk, as far as the system says?"""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    here = os.path.realpath(folder)
    best, kind = "", ""
    for line in lines:
        words = line.split(" ")
        if len(words) < 3:
            continue
        point = words[1].replace("\\040", " ").rstrip("/")
        if (here == point or here.startswith(point + "/")) and len(point) >= len(best):
            best, kind = point, words[2]
    return kind in NETWORK


@contextmanager
def locked(path: Path, wait: float) -> Iterator[bool]:
    """Hold the lock file at `path`; yields False if another process kept it for `wait` seconds.

    Without a lock to take (no fcntl, no permission) it yields True: SQLite's transaction still keeps writers apart.
    """
    descriptor = _open(path)
    if descriptor is None:
        yield True
        return
    try:
        yield _taken(descriptor, clock.monotonic() + wait)
    finally:
        with suppress(OSError):
            os.close(descriptor)


def _open(path: Path) -> int | None:
    if fcntl is None:
        return None
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _taken(descriptor: int, deadline: float) -> bool:
    pause = 0.0005
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if clock.monotonic() >= deadline:
                return False
        except OSError:
            return True
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
