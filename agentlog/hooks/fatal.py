"""The stack of a fatal signal, written by faulthandler beside the journal's segment: `<segment>.fault`.

Only where the user has not turned faulthandler on. A file that stayed empty is removed at a clean end.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
from pathlib import Path

from agentlog.recorder import Recorder

SUFFIX = ".fault"


class FaultFile:
    """faulthandler, pointed at a file of ours while the recorder is on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._pid = os.getpid()

    def attach(self) -> None:
        """Raises OSError where the folder cannot be written."""
        if faulthandler.is_enabled():
            return
        self._path = self._recorder.journal.open().with_suffix(SUFFIX)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        faulthandler.enable(file=self._descriptor)

    def detach(self) -> None:
        """Turn it off again and leave no empty file."""
        if self._descriptor is None or self._path is None or self._pid != os.getpid():
            return
        faulthandler.disable()
        empty = os.fstat(self._descriptor).st_size == 0
        os.close(self._descriptor)
        self._descriptor = None
        if empty:
            with contextlib.suppress(OSError):
                self._path.unlink()
