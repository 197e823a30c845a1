"""The output of a tool, apart from the program's own: stdout and stderr, per call.

    with capture_output() as out:
        run_the_tool()
    out.stdout, out.stderr

Python's own writes are routed by context variable, so threads and tasks that run meanwhile keep their output. Child
processes and C code write to the file descriptors of the whole process: those are taken too, by one capture at a
time; a second one at the same moment gets Python's writes only and says so (`out.complete` is False).
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
from contextlib import AbstractContextManager, suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import IO, Any, TextIO

_NAMES = ("stdout", "stderr")
_capturing: ContextVar[Output | None] = ContextVar("agentlog_capture", default=None)
_lock = threading.RLock()  # a signal handler may capture while its own thread begins to
_users = 0
_descriptors_taken = False
_aside: dict[str, TextIO] = {}
"""While descriptors are redirected: where the streams on them went before."""


class Output(AbstractContextManager["Output"]):
    """What a tool wrote. `stdout` and `stderr` are text; `complete` says whether child processes are in it."""

    def __init__(self, *, descriptors: bool = True) -> None:
        self.stdout = self.stderr = ""
        self.complete = False
        self._descriptors = descriptors
        self._taken = False
        self._parts: dict[str, list[str]] = {name: [] for name in _NAMES}
        self._files: dict[str, _Redirected] = {}
        self._token: Token[Output | None] | None = None

    def __enter__(self) -> Output:
        _install()
        self._token = _capturing.set(self)
        self._taken = self._descriptors and _take_descriptors()
        if self._taken:
            for number, name in enumerate(_NAMES, start=1):
                with suppress(OSError):
                    self._files[name] = _Redirected(number, name)
            self.complete = len(self._files) == len(_NAMES)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._token is not None:
            _leave(self._token)
        for name, redirected in self._files.items():
            self._parts[name].append(redirected.restore())
        if self._taken:
            _give_descriptors_back()
        _uninstall()
        self.stdout, self.stderr = ("".join(self._parts[name]) for name in _NAMES)

    def write(self, name: str, text: str) -> None:
        """Python wrote `text` to the stream `name` in this context."""
        self._parts[name].append(text)


def capture_output(*, descriptors: bool = True) -> Output:
    """Keep what is written inside the block apart. `descriptors=False` leaves child processes alone."""
    return Output(descriptors=descriptors)


class _Routed:
    """Stands for sys.stdout or sys.stderr while anything captures: writes go to the capture of their context."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name, self._stream = name, stream

    def write(self, text: str) -> int:
        capture = _capturing.get()
        if capture is None or not isinstance(text, str):  # the stream says what is wrong with it
            return _aside.get(self._name, self._stream).write(text)
        capture.write(self._name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def on_descriptor(self, number: int) -> bool:
        """Does the stream write to the file descriptor `number` itself (not so in a kernel or under pytest)?"""
        try:
            return isinstance(self._stream, io.TextIOWrapper) and self._stream.fileno() == number
        except (OSError, ValueError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Redirected:
    """One file descriptor of the process, pointed at a temporary file until `restore`.

    Other contexts that write to the stream on that descriptor go to where it pointed before. Raises OSError where there is
    no descriptor or no room for the file.
    """

    def __init__(self, number: int, name: str) -> None:
        self._number, self._name = number, name
        self._saved = os.dup(number)
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives until restore
        except OSError:
            os.close(self._saved)
            raise
        stream = getattr(sys, name)
        if isinstance(stream, _Routed) and stream.on_descriptor(number):
            stream.flush()
            aside = os.fdopen(self._saved, "w", encoding=stream.encoding, errors="replace", buffering=1, closefd=False)
            _aside[name] = aside
        os.dup2(self._file.fileno(), number)

    def restore(self) -> str:
        """Point the descriptor back and return what was written to it."""
        aside = _aside.pop(self._name, None)
        if aside is not None:
            with suppress(OSError):  # nobody reads there any more
                aside.close()
        os.dup2(self._saved, self._number)
        os.close(self._saved)
        with self._file as file:
            file.seek(0)
            return file.read().decode("utf-8", "replace")


def _install() -> None:
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            for name in _NAMES:
                stream = getattr(sys, name)
                if stream is not None:
                    _flush(stream)
                    setattr(sys, name, _Routed(name, stream))


def _uninstall() -> None:
    """Put the streams back when the last capture ends, unless somebody replaced them meanwhile."""
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            for name in _NAMES:
                stream = getattr(sys, name)
                if isinstance(stream, _Routed):
                    setattr(sys, name, stream._stream)


def _take_descriptors() -> bool:
    global _descriptors_taken
    with _lock:
        if _descriptors_taken:
            return False
        _descriptors_taken = True
        return True


def _give_descriptors_back() -> None:
    global _descriptors_taken
    with _lock:
        _descriptors_taken = False


def _flush(stream: TextIO) -> None:
    with suppress(Exception):
        stream.flush()


def _leave(token: Token[Output | None]) -> None:
    with suppress(ValueError):
        _capturing.reset(token)


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
