"""A file that cannot be opened: where the search began, what is there, which names come near."""

from __future__ import annotations

import os
import re
import stat

from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.relevance import history_of

_ENTRIES, _WALK = 2_000, 4_000
_CHDIR = re.compile(r"\bos\.chdir\(|^\s*%?cd\s")
_QUOTED = re.compile(r"['\"]([^'\"]+)['\"]")


@collector(
    "OSError",
    "FileNotFoundError",
    "OperationalError",
    pattern=r"No such file|not found|does not exist|cannot find|denied|directory|exists|unable to open|Too many open|read-only|Errno",
)
def file_trouble(failing: Failing) -> list[Fact] | None:
    """The path as it was resolved, what its folder holds, the nearest names, the same name elsewhere below the working directory."""
    path = _path(failing)
    if path is None:
        return None
    full = os.path.abspath(os.path.expanduser(path))
    facts = [Fact(f"resolved to {full}; working directory {os.getcwd()}", about=path)] if not os.path.isabs(path) else []
    facts += _literal_home(path) + ([] if os.path.isabs(path) else _moved(failing))
    if os.path.exists(full):
        return facts + _existing(full, path)
    parent, missing = _existing_parent(full)
    near = _near(parent, missing)
    found = _elsewhere(os.path.basename(full))
    facts.append(Fact(f"{parent} exists, {missing!r} is not in it{near}", about=path, kind="points" if near else "answers"))
    return [*facts, *found, _listing(parent, 10 if near or found else 25)]


def _path(failing: Failing) -> str | None:
    name = failing.told("filename") if failing.is_a(OSError) else None
    if type(name) is bytes:
        name = os.fsdecode(name)
    if type(name) is str and name:
        return name
    told = [text for text in _QUOTED.findall(failing.message) if "/" in text or "\\" in text or "." in text]
    return told[-1] if told and len(told[-1]) < 1000 else None


def _moved(failing: Failing) -> list[Fact]:
    """The last cell that changed the working directory, from which relative paths are counted."""
    cells = history_of(failing.names)
    for number in range(len(cells) - 1, 0, -1):
        line = next((line.strip() for line in cells[number].splitlines() if _CHDIR.search(line)), None)
        if line:
            return [Fact(f"the working directory was changed by In[{number}] `{line[:120]}`")]
    return []


def _literal_home(path: str) -> list[Fact]:
    return [Fact("begins with ~, which open() takes literally", about=path, kind="points")] if path.startswith("~") else []


def _existing_parent(full: str) -> tuple[str, str]:
    """The deepest folder that exists, and the first part below it that does not."""
    while True:
        parent, name = os.path.split(full)
        if parent == full or os.path.isdir(parent):
            return parent, name
        full = parent


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry.name + ("/" if entry.is_dir(follow_symlinks=False) else "")
                for _, entry in zip(range(_ENTRIES), entries, strict=False)
            ]
    except OSError:
        return []


def _near(folder: str, name: str) -> str:
    near = probe.nearest_text(name, [entry.rstrip("/") for entry in _names(folder)])
    return f"; {near}" if near else ""


def _listing(folder: str, most: int = 25) -> Fact:
    names = sorted(_names(folder), key=lambda name: (name.startswith("."), name))
    shown = ", ".join(names[:most]) + (f" ... {len(names) - most} more" if len(names) > most else "")
    return Fact(
        f"holds {len(names)}{'+' if len(names) >= _ENTRIES else ''} entries: {shown}" if names else "is empty", about=folder
    )


def _elsewhere(name: str) -> list[Fact]:
    """The same file name at most three levels below the working directory."""
    found, seen = [], 0
    here = os.getcwd()
    for folder, folders, files in os.walk(here):
        seen += len(files) + len(folders)
        if seen > _WALK:
            break
        folders[:] = (
            [f for f in folders if not f.startswith(".") and f not in ("node_modules", "__pycache__")]
            if folder.count(os.sep) - here.count(os.sep) < 3
            else []
        )
        found += [os.path.relpath(os.path.join(folder, file), here) for file in files if file.casefold() == name.casefold()]
    return [Fact(f"a file of this name is at {', '.join(found[:4])}", about=name, kind="points")] if found else []


def _existing(full: str, path: str) -> list[Fact]:
    """It exists: what it is, how large, whose, and what may be done with it."""
    try:
        info = os.stat(full)
    except OSError as error:
        return [Fact(f"cannot be looked at: {error.strerror}", about=path)]
    kind = "a folder" if stat.S_ISDIR(info.st_mode) else "a file"
    allowed = [word for word, mode in (("read", os.R_OK), ("write", os.W_OK), ("execute", os.X_OK)) if os.access(full, mode)]
    rights = f"mode {stat.S_IMODE(info.st_mode):o}, owner {info.st_uid}; this process (user {os.getuid() if hasattr(os, 'getuid') else '?'}) may {', '.join(allowed) or 'nothing'}"
    facts = [Fact(f"exists: {kind}, {info.st_size} bytes, {rights}", about=path)]
    return [*facts, _listing(full)] if stat.S_ISDIR(info.st_mode) else facts
