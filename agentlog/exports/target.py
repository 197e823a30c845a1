"""Where an export goes: a file that appears whole or not at all, or standard output ("-")."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from agentlog.errors import UsageError
from agentlog.writable import as_utf8

STANDARD_OUTPUT = "-"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well (mode 0600); what a link leads to; a pipe
    or a device itself. Raises UsageError."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def text_file(target: str | Path, newline: str | None = "\n") -> Iterator[TextIO]:
    """UTF-8 text to `target`; half characters are replaced."""
    if str(target) == STANDARD_OUTPUT:
        yield as_utf8(sys.stdout)
        return
    with whole_file(Path(target)) as path, open(path, "w", encoding="utf-8", errors="replace", newline=newline) as file:
        yield file
