"""What git says of a folder: its head from the files of .git without waiting, the rest from git commands that change nothing."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from agentlog.events import Scalar

GIT_SECONDS = 5.0


def working_folder() -> str | None:
    """The working directory; None where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


def git_folder(start: Path) -> Path | None:
    """The .git folder that `start` belongs to (a worktree's own), or None."""
    for folder in (start, *start.parents):
        mark = folder / ".git"
        if os.path.isdir(mark):  # unlike Path.is_dir, also in a folder that may not be searched
            return mark
        if os.path.isfile(mark):
            with suppress(OSError):
                return (folder / mark.read_text().removeprefix("gitdir:").strip()).resolve()
    return None


def git_head(start: Path) -> dict[str, Scalar]:
    """{"branch", "commit"} as the files of .git say them: no process is started. Empty without git."""
    folder = git_folder(start.absolute())
    if folder is None:
        return {}
    try:
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return {"commit": head}
        ref = head.removeprefix("ref:").strip()
        commit = _ref(folder, ref)
    except (OSError, UnicodeDecodeError):
        return {}
    facts: dict[str, Scalar] = {"branch": ref.removeprefix("refs/heads/")}
    return {**facts, "commit": commit} if commit else facts


def git_head_here() -> dict[str, Scalar]:
    """`git_head` of the working directory."""
    here = working_folder()
    return git_head(Path(here)) if here is not None else {}


def _ref(folder: Path, ref: str) -> str | None:
    common = folder / "commondir"
    roots = [folder, (folder / common.read_text().strip()).resolve()] if common.is_file() else [folder]
    for root in roots:
        if (root / ref).is_file():
            return (root / ref).read_text().strip()
        packed = root / "packed-refs"
        if packed.is_file():
            for line in packed.read_text().splitlines():
                if line.endswith(" " + ref):
                    return line.split()[0]
    return None


def git(*arguments: str, cwd: str | None = None, seconds: float = GIT_SECONDS) -> str | None:
    """Output of a git command that changes nothing, or None where git or the repository is missing or slow."""
    program = _program()
    if program is None:
        return None
    import subprocess  # here and below: a program that is in no repository never pays for them

    try:
        done = subprocess.run(
            [program, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=True,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _program() -> str | None:
    """Where git is. `subprocess` would look for it with `warnings.catch_warnings`, and the host would see warnings again."""
    import shutil

    return shutil.which("git")
