"""The files a cell names: strings in its text and in the functions it calls, short texts and paths in its variables."""

from __future__ import annotations

import os
import pathlib
import stat
from collections.abc import Iterator
from itertools import islice
from typing import Any

from agentlog.clock import clock
from agentlog.prints import file_print
from agentlog.static import CellNames
from agentlog_ipy.watch.reach import Reached

_FILES, _TRIES, _FOLDERS = 16, 96, 6
UNSEEN = "unseen:files"
"""Key that says: time ran out before every path was looked at."""
_LEAST_SECONDS = 0.01
"""What a look may take in any case: on a busy machine the time of the cell's look is gone before it begins."""
_PATHS = frozenset(map(id, (pathlib.PosixPath, pathlib.WindowsPath)))
_TEXTS = _PATHS | {id(str)}


class TouchedFiles:
    """Finds them, and remembers prints by size and time so that a file is read once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], str]] = {}

    def of(self, names: CellNames, reached: Reached, namespace: dict[str, Any], began: float, deadline: float) -> dict[str, str]:
        """ "file:<path as written>" or "wrote:<path>" (changed since the cell `began`) -> print; `UNSEEN` where time ran out."""
        found: dict[str, str] = {}
        deadline = max(deadline, clock.perf_counter() + _LEAST_SECONDS)
        texts = [text for text in (*names.texts, *reached.texts) if _may_be_path(text)]
        values = list(_held(names.reads | names.writes | reached.reads, namespace))
        for path in islice(dict.fromkeys(_paths(texts, values)), _TRIES):
            if len(found) >= _FILES or clock.perf_counter() >= deadline:
                found[UNSEEN] = "out of time" if len(found) < _FILES else "more files than are kept"
                break
            mark = self._print(path)
            if mark is not None:
                key, about = mark
                found[f"{'wrote' if about >= began > 0 else 'file'}:{path}"] = key
        return found

    def _print(self, path: str) -> tuple[str, float] | None:
        """(print, time of change) of a regular file."""
        try:
            about = os.stat(path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(about.st_mode):
            return None
        version = (about.st_size, about.st_mtime_ns)
        known = self._known.get(path)
        if known is None or known[0] != version:
            mark = file_print(path)
            if mark is None:
                return None
            if len(self._known) > 500:
                self._known.clear()
            known = self._known[path] = (version, mark)
        return known[1], about.st_mtime


def _may_be_path(text: str) -> bool:
    return (
        "\n" not in text
        and "://" not in text
        and "\0" not in text
        and ("." in text or "/" in text or "\\" in text or text.isidentifier())
    )


def _held(names: frozenset[str] | set[str], namespace: dict[str, Any]) -> Iterator[str]:
    """Texts and paths that variables hold, of exact types only."""
    for name in sorted(names):
        value = namespace.get(name)
        if type(value) is str and len(value) <= 400 and _may_be_path(value):
            yield value
        elif id(type(value)) in _PATHS:
            yield str(value)
        elif (type(value) is list or type(value) is tuple) and len(value) <= 8:
            yield from (text for item in value if id(type(item)) in _TEXTS and len(text := str(item)) <= 400)


def _paths(texts: list[str], values: list[str]) -> Iterator[str]:
    """As written, then joined to the folders among them (`DATA / "a.csv"`, f"{DATA}/a.csv")."""
    yield from texts
    yield from values
    folders = [text for text in (*values, *texts) if os.path.isdir(text)][:_FOLDERS]
    for folder in folders:
        for text in (*texts, *values):
            if text not in folders:
                yield os.path.join(folder, text.lstrip("/\\"))
