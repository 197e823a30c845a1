"""Run a program in our place, with recording on: its output, signals and exit code are its own.

    agentlog run app.py --its --own options         agentlog run -m package ...         agentlog run pytest -x

Where the system can (POSIX), the program replaces this process: same pid, same streams, nothing of ours in between.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentlog.errors import NotFound, UsageError

_PYTHON = frozenset({".py", ".pyw", ".pyc", ".pyz"})
START_FILES = ("agentlog.pth", "agentlog.start")


@dataclass(frozen=True, slots=True)
class Program:
    """What to execute: the file, its arguments (argv[0] first), and the store's folder where one was named."""

    file: str
    words: tuple[str, ...]
    store: str | None = None

    def environment(self) -> dict[str, str]:
        """Ours, with recording on."""
        chosen = {"AGENTLOG_DIR": str(Path(self.store).expanduser().absolute())} if self.store else {}
        return {**os.environ, "AGENTLOG": "true", **chosen}


def program_of(words: Sequence[str]) -> Program | None:
    """The program that `words` (after `agentlog run`) ask for; None where they ask for notebooks.

    Only --store may stand before the program; everything after it is its own. Raises UsageError, NotFound.
    """
    store, rest = _store(list(words))
    if rest[:1] == ["-m"]:
        if len(rest) < 2:
            raise UsageError("agentlog run -m needs the name of a module")
        return Program(sys.executable, (sys.executable, *rest), store)
    if not rest or rest[0].startswith("-") or rest[0].endswith(".ipynb") or (os.path.isdir(rest[0]) and not _is_package(rest[0])):
        return None
    return Program(*_executable(rest[0], rest[1:]), store)


def execute(program: Program) -> int:
    """Run it. Returns only where the system cannot replace a process, with the exit code."""
    if program.file == sys.executable and not has_start_file():
        print(
            f"agentlog: {sys.executable} has no agentlog.pth: nothing is recorded (pip install agentlog there)", file=sys.stderr
        )
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        if os.name == "posix":
            os.execve(program.file, list(program.words), program.environment())
        return subprocess.call([program.file, *program.words[1:]], env=program.environment())
    except OSError as error:
        raise UsageError(f"cannot run {program.words[0]}: {error.strerror or error}") from None


def has_start_file() -> bool:
    """Does a new Python of this installation start recording when AGENTLOG says so?"""
    folders = (Path(folder) for folder in sys.path if folder)
    return any((folder / name).exists() for folder in folders for name in START_FILES)


def _store(words: list[str]) -> tuple[str | None, list[str]]:
    if words[:1] == ["--store"] and len(words) > 1:
        return words[1], words[2:]
    if words and words[0].startswith("--store="):
        return words[0].partition("=")[2], words[1:]
    return None, words


def _is_package(folder: str) -> bool:
    """A folder with a __main__ is a program, as for `python FOLDER`."""
    return os.path.isfile(os.path.join(folder, "__main__.py"))


def _executable(name: str, rest: list[str]) -> tuple[str, tuple[str, ...]]:
    path = Path(name)
    if path.exists():
        if path.suffix.lower() in _PYTHON or path.is_dir() or not os.access(path, os.X_OK):
            return sys.executable, (sys.executable, name, *rest)
        return str(path.absolute()), (name, *rest)
    found = shutil.which(name) if os.sep not in name else None
    if found is None:
        raise NotFound(f"no file {name}" + ("" if os.sep in name else f" and no command {name} on PATH"))
    return found, (name, *rest)
