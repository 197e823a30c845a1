"""The front door: `%load_ext agentlog` attaches the recorder to a shell, `%unload_ext agentlog` takes all of it away."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from typing import Any

from agentlog import recorder as recorders
from agentlog import session as sessions
from agentlog.guard import guarded
from agentlog_ipy.cells import CellWatch
from agentlog_ipy.magics import Magic
from agentlog_ipy.whereabouts import Whereabouts

_attached: dict[int, Attachment] = {}


class Attachment:
    """Everything of ours that hangs on one shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.recorder = recorders.start()
        self.whereabouts = Whereabouts(shell)
        self.cells = CellWatch(shell, self.recorder, self.whereabouts)
        self.magic = Magic(self)
        self._undo = ExitStack()

    def attach(self) -> None:
        """Begin the session and hang on each part."""
        if not self.recorder.session:
            life = "kernel" if getattr(self.shell, "kernel", None) is not None else "ipython"
            sessions.begin(self.recorder, life=life, notebook=self.whereabouts.notebook(), kernel=self.whereabouts.kernel_id())
        self.recorder.execution_of = self._execution
        for part in (self.magic, self.cells):
            _attach(part, self._undo)

    def detach(self, how: str) -> None:
        """Take each part away, last one first, and end the session."""
        self._undo.close()
        self.recorder.execution_of = lambda: None
        sessions.end(self.recorder, how)
        recorders.stop()

    def _execution(self) -> str | None:
        cell = self.cells.current()
        return cell.execution if cell is not None else None


@guarded("attach")
def _attach(part: Any, undo: ExitStack) -> None:
    undo.callback(guarded("detach")(part.detach))
    part.attach()


def load(shell: Any) -> None:
    """Attach to `shell`; a second time does nothing."""
    if id(shell) in _attached:
        return
    attachment = Attachment(shell)
    _attached[id(shell)] = attachment
    attachment.attach()
    atexit.register(_leave, attachment)


def unload(shell: Any) -> None:
    """Take away everything `load` did."""
    attachment = _attached.pop(id(shell), None)
    if attachment is not None:
        atexit.unregister(_leave)
        attachment.detach("unloaded")


def attachment_of(shell: Any) -> Attachment | None:
    """What hangs on `shell`, if anything does."""
    return _attached.get(id(shell))


def _leave(attachment: Attachment) -> None:
    """The interpreter ends in order."""
    if _attached.pop(id(attachment.shell), None) is not None:
        attachment.detach("exit")
