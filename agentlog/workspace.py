"""The workspace as it is now: what git says has changed, and prints of the files that are tracked or touched.

Everything is bounded: lines of the diff, number of files, bytes that are read. Nothing in the workspace is changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agentlog import recorder
from agentlog.events import Scalar, WorkspaceSeen
from agentlog.gitstate import git, git_folder, git_head
from agentlog.guard import guarded

DIFF_LINES = 50
DIFF_CHARS = 8_000
FILES = 2_000
"""Files of one snapshot; the touched ones come first."""
FILE_BYTES = 8_000_000
"""A larger file is told by its size and time, without being read."""
SNAPSHOT_BYTES = 64_000_000

Snapshot = dict[str, Any]
"""{"git": {...}, "files": {path: print}, "cut": words or None}: plain data, as JSON keeps it."""


def look(cwd: str | Path) -> WorkspaceSeen | None:
    """Head, whether there are changes, and the first lines of the diff against the last commit; None without git."""
    here = str(cwd)
    if git_folder(Path(here).absolute()) is None:
        return None
    status = git("status", "--porcelain", cwd=here)
    if status is None:
        return None
    changed = [line for line in status.splitlines() if not line.startswith("??")]
    facts: dict[str, Scalar] = {
        **git_head(Path(here)),
        "dirty": bool(changed),
        "untracked": len(status.splitlines()) - len(changed),
    }
    whole = (git("diff", "HEAD", "--no-color", "--no-ext-diff", cwd=here) or "") if changed else ""
    diff, cut = _first_lines(whole)
    return WorkspaceSeen(git=facts, diff=diff or None, cut=cut)


def snapshot_workspace(files: Iterable[str | Path] | None = None) -> Snapshot:
    """Prints of `files`, else of what git tracks and what was touched (without git: of the folder's files). Bounded."""
    found: Snapshot | None = _snapshot(files)
    return found if found is not None else {"git": {}, "files": {}, "cut": "the workspace could not be read"}


def compare_snapshots(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, list[str]]:
    """{"added", "removed", "modified"}: paths, sorted. What one of them had cut away is not told apart from absent."""
    before, after = (dict(one.get("files") or {}) if isinstance(one, Mapping) else {} for one in (a, b))
    return {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "modified": sorted(path for path in before.keys() & after.keys() if before[path] != after[path]),
    }


@guarded("workspace")
def _snapshot(files: Iterable[str | Path] | None) -> Snapshot:
    here = Path(os.getcwd())
    wanted = [str(file) for file in files] if files is not None else list(_paths(here))
    prints: dict[str, str] = {}
    left = SNAPSHOT_BYTES
    for path in wanted[:FILES]:
        read, text = _print(here / path, left)
        left -= read
        if text:
            prints[path] = text
    cut = f"{len(wanted) - FILES} of {len(wanted)} files" if len(wanted) > FILES else None
    shot: Snapshot = {"git": dict(git_head(here)), "files": prints, "cut": cut}
    door = recorder.current()
    if door is not None:
        door.record(WorkspaceSeen(git=shot["git"], files=prints, cut=cut))
    return shot


def _paths(here: Path) -> Iterator[str]:
    """What was touched, then what is tracked; without git the files below, hidden ones left out."""
    touched = git("ls-files", "-z", "--modified", "--others", "--exclude-standard", cwd=str(here))
    if touched is None:
        yield from _walk(here)
        return
    tracked = git("ls-files", "-z", cwd=str(here)) or ""
    yield from dict.fromkeys(name for name in (touched + tracked).split("\0") if name)


def _walk(here: Path) -> Iterator[str]:
    count = 0
    for folder, names, files in os.walk(here):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in ("node_modules", "__pycache__"))
        for file in sorted(files):
            yield os.path.relpath(os.path.join(folder, file), here)
            count += 1
            if count > FILES:
                return


def _print(path: Path, left: int) -> tuple[int, str | None]:
    """(bytes read, print): of the content, else of size and time where it is too large; None where it is no file."""
    try:
        status = path.stat()
        if not path.is_file():
            return 0, None
        if status.st_size > min(FILE_BYTES, left):
            return 0, f"size:{status.st_size}:{status.st_mtime_ns}"
        return status.st_size, hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    except OSError:
        return 0, None


def _first_lines(diff: str) -> tuple[str, str | None]:
    lines = diff.splitlines()
    kept = "\n".join(lines[:DIFF_LINES])[:DIFF_CHARS]
    told = kept.count("\n") + 1 if kept else 0
    return kept, f"{len(lines) - told} of {len(lines)} lines" if told < len(lines) else None
