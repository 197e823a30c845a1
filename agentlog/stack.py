"""A traceback as levels: whose code each is, and its source as far as it is at hand.

Levels hold live frames. They live only while a failure is being described.
"""

from __future__ import annotations

import functools
import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

from agentlog import peek
from agentlog.evaluate import Scope
from agentlog.events import FrameKind
from agentlog.guard import note

_OPTIMIZED = 0x1  # code flag CO_OPTIMIZED: a function, whose locals are no dictionary
_FRAME_AND_US = 3  # references to a snapshot: the frame, our variable, the argument of getrefcount
_OUR_OWN = ("agentlog", "agentlog_ipy")


@dataclass(frozen=True, slots=True)
class CellSource:
    """The cell that a code file stands for; line 1 of the code is line `first_line` of `source`."""

    execution: str
    count: int | None
    source: str
    first_line: int = 1


CellOf = Callable[[str], "CellSource | None"]


def no_cells(filename: str) -> CellSource | None:
    """For programs without cells."""
    return None


@dataclass(slots=True)
class Level:
    """One live level of a stack. `line` counts in the code's own file; `lasti` is the instruction that was running."""

    frame: FrameType
    line: int
    lasti: int
    kind: FrameKind
    cell: CellSource | None

    @property
    def file(self) -> str:
        return self.frame.f_code.co_filename

    @property
    def function(self) -> str:
        code = self.frame.f_code
        name = getattr(code, "co_qualname", None)
        if name is not None:
            return str(name)
        owner = self.names.get("self") if code.co_varnames[:1] == ("self",) and code.co_argcount else None
        return code.co_name if owner is None else f"{peek.class_name(type(owner))}.{code.co_name}"

    @property
    def module(self) -> str | None:
        name = self.frame.f_globals.get("__name__")
        return name if type(name) is str else None

    @property
    def shift(self) -> int:
        """What to add to a line of the code to get the line of the cell as the user sees it."""
        return self.cell.first_line - 1 if self.cell else 0

    @property
    def names(self) -> Mapping[str, Any]:
        """The locals; empty where somebody runs code in a mapping of his own, whose look-ups would be his code."""
        known = self.frame.f_locals
        return known if type(known) is dict or peek.class_module(type(known)) is None else {}

    @property
    def top(self) -> bool:
        """Is this module-level code, whose locals are the whole namespace?"""
        return self.frame.f_locals is self.frame.f_globals

    @property
    def user(self) -> bool:
        return self.kind in ("cell", "user") or (self.kind == "synthetic" and self.module == "__main__")

    def scope(self) -> Scope:
        return Scope(self.names, self.frame.f_globals)

    def lines(self) -> list[str]:
        """The lines of the code as it was compiled; [] where nobody has them. Library files are not read from disk."""
        cached = linecache.cache.get(self.file)
        if cached is not None and len(cached) == 4:
            return list(cached[2])
        if self.cell is not None:
            return self.cell.source.splitlines()[self.shift :]
        return linecache.getlines(self.file, self.frame.f_globals) if self.kind == "user" else []

    def source(self) -> str | None:
        """The text of the running line, as the user wrote it."""
        lines, line = (self.cell.source.splitlines(), self.line + self.shift) if self.cell else (self.lines(), self.line)
        return lines[line - 1].strip("\r\n") if 0 < line <= len(lines) else None


def levels_of(
    traceback: TracebackType | None, cell_of: CellOf, project: Path | None, skip_modules: tuple[str, ...], keep: int = 1_000_000
) -> list[Level]:
    """The levels of `traceback`, outermost first, without the recorder's and the shell's own.

    Where all that is left at the end is the shell's own code, its last level stays: it raised. Of more than
    `keep` levels the outermost and innermost halves are returned.
    """
    raw: list[tuple[FrameType, int, int]] = []
    while traceback is not None:
        raw.append((traceback.tb_frame, traceback.tb_lineno, traceback.tb_lasti))
        traceback = traceback.tb_next
    kept = [item for item in raw if not _skipped(item[0], skip_modules)]
    if raw and (not kept or kept[-1] is not raw[-1]) and not _skipped(raw[-1][0], _OUR_OWN):
        kept.append(raw[-1])
    if len(kept) > keep:
        kept = kept[: keep // 2] + kept[-(keep - keep // 2) :]
    kind_of: dict[str, tuple[FrameKind, CellSource | None]] = {}
    levels = []
    for frame, line, lasti in kept:
        file = frame.f_code.co_filename
        if file not in kind_of:
            kind_of[file] = classify(file, cell_of, project)
        kind, cell = kind_of[file]
        if cell is not None and cell.first_line > 1 and not _written_in(cell, frame.f_code):
            kind, cell = "synthetic", None
        levels.append(Level(frame, line or 0, lasti, kind, cell))
    return _without_magic(levels)


def _written_in(cell: CellSource, code: CodeType) -> bool:
    """Does `code`, which a magic compiled, stand in `cell`? A function that an earlier cell made so has the same file name."""
    if code.co_name == "<module>":
        return True
    at = code.co_firstlineno + cell.first_line - 2
    lines = cell.source.splitlines()
    sign = {"<lambda>": "lambda"}.get(code.co_name, "for" if code.co_name.startswith("<") else code.co_name)
    return 0 <= at < len(lines) and (sign in lines[at] or lines[at].lstrip().startswith("@"))


def _without_magic(levels: list[Level]) -> list[Level]:
    """Without the call of a magic that runs the rest of its own cell: the lines below it say more."""
    inside = {level.cell.execution for level in levels if level.cell and level.cell.first_line > 1}
    return [level for level in levels if not (level.cell and level.cell.first_line == 1 and level.cell.execution in inside)]


def traceback_of(error: BaseException) -> TracebackType | None:
    """The traceback, read from the exception's own slot: a subclass may have redefined the name."""
    return BaseException.__traceback__.__get__(error, type(error))  # type: ignore[union-attr, no-any-return]


def cause_of(error: BaseException) -> tuple[BaseException | None, bool]:
    """The exception it came from, `__cause__` else `__context__` unless suppressed; and whether it was said explicitly."""
    cause = BaseException.__cause__.__get__(error, type(error))  # type: ignore[union-attr]
    if cause is not None or BaseException.__suppress_context__.__get__(error, type(error)):  # type: ignore[attr-defined]
        return cause, cause is not None
    return BaseException.__context__.__get__(error, type(error)), False  # type: ignore[union-attr]


def arguments_of(error: BaseException) -> tuple[object, ...]:
    return BaseException.args.__get__(error, type(error))  # type: ignore[attr-defined, no-any-return]


def members_of(error: BaseException) -> tuple[BaseException, ...]:
    """The exceptions of a group, as the interpreter keeps them: a class of the user's may call others so. None of anything else."""
    group = next((cls for cls in peek.mro(type(error)) if peek.class_name(cls) == "BaseExceptionGroup"), None)
    slot = peek.class_dict(group).get("exceptions") if group is not None else None
    return slot.__get__(error, type(error)) if slot is not None else ()


def release(levels: list[Level]) -> None:
    """Empty the snapshots of locals that looking made."""
    for level in levels:
        empty_snapshot(level.frame)


def empty_snapshot(frame: FrameType) -> None:
    """Empty the dictionary that reading `f_locals` leaves in a frame.

    Before Python 3.13 it would keep the user's objects alive as long as the frame runs. One that somebody else holds too
    (a `locals()` of the user's) is left alone.
    """
    if sys.version_info >= (3, 13) or not frame.f_code.co_flags & _OPTIMIZED:
        return
    snapshot = frame.f_locals
    if sys.getrefcount(snapshot) <= _FRAME_AND_US:
        snapshot.clear()


def depth_of(traceback: TracebackType | None) -> int:
    """How many levels a traceback has."""
    depth = 0
    while traceback is not None:
        depth, traceback = depth + 1, traceback.tb_next
    return depth


def classify(file: str, cell_of: CellOf, project: Path | None) -> tuple[FrameKind, CellSource | None]:
    """Whose code `file` is."""
    cell = _cell(file, cell_of)
    if cell is not None:
        return "cell", cell
    if file.startswith("<frozen "):
        return "stdlib", None
    if file.startswith("<__array_function__") or file.endswith((".pyx", ".pxi", ".pxd")):
        return "library", None
    if file.startswith("<"):
        return "synthetic", None
    return _kind_of_file(file, str(project) if project else None), None


def _cell(file: str, cell_of: CellOf) -> CellSource | None:
    try:
        return cell_of(file)
    except Exception as error:  # the caller's look-up; the failure itself must not be lost with it
        note("cells", error)
        return None


@functools.lru_cache(maxsize=2048)
def _kind_of_file(file: str, project: str | None) -> FrameKind:
    if "site-packages" in file or "dist-packages" in file or file.startswith(_site_folders()):
        return "library"
    if file.startswith(_stdlib_folders()):
        return "stdlib"
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if project is None or file.startswith(project + os.sep) or not os.path.isabs(file) or file == main:
        return "user"
    return "library" if not _beside_the_program(file) else "user"


def _beside_the_program(file: str) -> bool:
    """Outside the project, a file next to where the program runs is still the user's."""
    return os.path.dirname(os.path.abspath(file)).startswith((os.getcwd(), os.path.dirname(os.path.abspath(sys.argv[0] or "."))))


@functools.lru_cache(maxsize=1)
def _site_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths["purelib"], paths["platlib"], *(site.getsitepackages() if hasattr(site, "getsitepackages") else ())}
    return tuple(folder + os.sep for folder in folders if folder)


@functools.lru_cache(maxsize=1)
def _stdlib_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths["stdlib"], paths["platstdlib"], os.path.dirname(os.path.realpath(os.__file__))}
    return tuple(folder + os.sep for folder in folders if folder)


def _skipped(frame: FrameType, modules: tuple[str, ...]) -> bool:
    name = frame.f_globals.get("__name__")
    return type(name) is str and name.partition(".")[0] in modules
