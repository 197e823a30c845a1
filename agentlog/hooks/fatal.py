"""The stack of a fatal signal, written by faulthandler beside the journal's segment: `<segment>.fault`.

Only where the user has not turned faulthandler on. A file that stayed empty is removed at a clean end.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
from pathlib import Path

from agentlog.recorder import Recorder

SUFFIX = ".fault"


class _Target:
    """What faulthandler is given to write to. It keeps a reference to it for as long as it writes there."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def fileno(self) -> int:
        return self.descriptor

    def flush(self) -> None:
        """Nothing waits."""


class FaultFile:
    """faulthandler, pointed at a file of ours while the recorder is on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._path: Path | None = None
        self._target: _Target | None = None
        self._held = 0
        self._pid = os.getpid()

    def attach(self) -> None:
        """Raises OSError where the folder cannot be written."""
        if faulthandler.is_enabled():
            return
        self._path = self._recorder.journal.open().with_suffix(SUFFIX)
        self._target = _Target(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
        faulthandler.enable(file=self._target)  # a fileno is all it needs
        self._held = sys.getrefcount(self._target)

    def detach(self) -> None:
        """Turn it off again, unless the user turned it on meanwhile, and leave no empty file."""
        if self._target is None or self._path is None or self._pid != os.getpid():
            return
        if sys.getrefcount(self._target) >= self._held:  # else it writes to a file of the user's
            faulthandler.disable()
        empty = os.fstat(self._target.descriptor).st_size == 0
        os.close(self._target.descriptor)
        self._target = None
        if empty:
            with contextlib.suppress(OSError):
                self._path.unlink()
