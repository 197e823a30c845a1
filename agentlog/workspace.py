"""The files around a run: a snapshot of tracked and touched files by hash, and what git says is not committed.

Bounded in files, bytes and time; what was left out is said in `cut`. Nothing is written, nothing leaves the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agentlog.clock import clock
from agentlog.events import NamespaceChanged, WorkspaceSeen
from agentlog.gitstate import git
from agentlog.prints import file_print
from agentlog.settings import project_root

MOST_FILES = 5_000
SECONDS = 5.0
DIFF_LINES = 50
_LEFT_OUT = frozenset(
    {
        ".git",
        ".agentlog",
        "node_modules",
        "__pycache__",
        ".venv",
        "venv",
        ".tox",
        ".mypy_cache",
        ".pytest_cache",
        ".ipynb_checkpoints",
    }
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`files`: path relative to `root` -> "<size>:<hash>"; `git`: commit and branch; `diff`: its first lines; `cut`: what was left out."""

    root: str
    files: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, str] = field(default_factory=dict)
    diff: str | None = None
    cut: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Paths by what became of them; reads like the dict of `as_json` too."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[str]]:
        return {"added": list(self.added), "removed": list(self.removed), "modified": list(self.modified)}

    def keys(self) -> Iterable[str]:
        return self.as_json().keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __getitem__(self, key: str) -> list[str]:
        return self.as_json()[key]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.modified)

    def __str__(self) -> str:
        parts = [f"{word} {', '.join(paths)}" for word, paths in asdict(self).items() if paths]
        return "; ".join(parts) or "no file differs"


def snapshot_workspace(files: Iterable[str | os.PathLike[str]] | None = None, *, root: str | Path | None = None) -> Snapshot:
    """Hashes of `files` (default: what git tracks and what was touched; without git, the files of the project) under `root`."""
    where = Path(root) if root is not None else project_root()
    paths = [os.fspath(file) for file in files] if files is not None else list(_files_of(where))
    deadline = clock.monotonic() + SECONDS
    prints: dict[str, str] = {}
    for path in paths[:MOST_FILES]:
        if clock.monotonic() > deadline:
            break
        mark = file_print(where / path)
        if mark is not None:
            prints[_relative(path, where)] = mark
    left = len(paths) - len(prints)
    return Snapshot(str(where), prints, _head(where), git_diff(where), f"{left} of {len(paths)} files" if left else None)


def compare_snapshots(a: Snapshot, b: Snapshot) -> Comparison:
    """What was added, removed and modified from `a` to `b`."""
    return Comparison(
        tuple(sorted(b.files.keys() - a.files.keys())),
        tuple(sorted(a.files.keys() - b.files.keys())),
        tuple(sorted(path for path in a.files.keys() & b.files.keys() if a.files[path] != b.files[path])),
    )


def git_diff(root: str | Path, lines: int = DIFF_LINES) -> str | None:
    """The first `lines` lines of what is not committed, with a line that says how many follow; None without git or change."""
    text = _git(root, "diff", "HEAD", "--no-color", "--no-ext-diff")
    if not text:
        return None
    all_lines = text.splitlines()
    more = len(all_lines) - lines
    return "\n".join(all_lines[:lines] + ([f"… {more} more lines"] if more > 0 else []))


def look(root: str | Path) -> WorkspaceSeen | None:
    """The uncommitted state of the workspace as an event; None without git."""
    head = _head(root)
    if not head:
        return None
    touched = [path for path in _touched(root) if not path.startswith(".agentlog")]
    prints = {path: mark for path in touched[:200] if (mark := file_print(Path(root) / path)) is not None}
    cut = f"{len(touched) - 200} of {len(touched)} touched files" if len(touched) > 200 else None
    return WorkspaceSeen(git={**head, "dirty": bool(touched)}, diff=git_diff(root), files=prints, cut=cut)


@dataclass(frozen=True, slots=True)
class StaleImport:
    """A local module whose file is not what was imported. `seen`: the recorder saw it change, else the file was compared now."""

    module: str
    seen: bool

    def __str__(self) -> str:
        return (
            f"{self.module} was edited after it was imported: the session still runs the old code (restart, or importlib.reload)"
        )


def stale_imports(looks: Iterable[NamespaceChanged]) -> list[StaleImport]:
    """Local modules that were edited since they were imported, as the looks of one session (in order) tell."""
    edited: dict[str, str] = {}
    for look_ in looks:
        for key, mark in look_.surroundings.items():
            kind, _, name = key.partition(":")
            if kind == "edited":
                edited[name] = mark
            elif kind == "module":
                edited.pop(name, None)
    return [StaleImport(name, True) for name, mark in edited.items() if mark]


# --- files and git --------------------------------------------------------------------------------------------


def _files_of(root: Path) -> Iterator[str]:
    tracked = _git(root, "ls-files", "-z")
    if tracked is not None:
        yield from dict.fromkeys([*filter(None, tracked.split("\0")), *_touched(root)])
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT and not name.startswith("."))
        yield from (_relative(os.path.join(folder, name), root) for name in sorted(names) if not name.startswith("."))


def _touched(root: str | Path) -> list[str]:
    """Modified and untracked files, relative to `root`."""
    modified = _git(root, "diff", "HEAD", "--name-only", "-z", "--relative") or ""
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z") or ""
    return list(dict.fromkeys(filter(None, (modified + "\0" + untracked).split("\0"))))


def _head(root: str | Path) -> dict[str, str]:
    commit = _git(root, "rev-parse", "HEAD")
    branch = _git(root, "rev-parse", "--abbrev-ref", "HEAD")
    return {"commit": commit.strip(), "branch": (branch or "").strip()} if commit else {}


def _git(root: str | Path, *words: str) -> str | None:
    return git(*words, cwd=str(root), seconds=SECONDS)


def _relative(path: str, root: Path) -> str:
    try:
        return Path(path).relative_to(root).as_posix() if os.path.isabs(path) else Path(path).as_posix()
    except ValueError:
        return path
