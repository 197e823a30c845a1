"""The front door: `%load_ext agentlog` attaches the recorder to a shell, `%unload_ext agentlog` takes all of it away."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Protocol

from agentlog import recorder as recorders
from agentlog import session as sessions
from agentlog.events import Status
from agentlog.guard import guarded
from agentlog.hooks.exceptions import ExceptionHooks
from agentlog.hooks.fatal import FaultFile
from agentlog_ipy.afterwards import Afterwards
from agentlog_ipy.cell import Cell
from agentlog_ipy.cells import CellWatch
from agentlog_ipy.completion import Completion
from agentlog_ipy.display import Hint
from agentlog_ipy.magics import Magic
from agentlog_ipy.outputs import Outputs
from agentlog_ipy.taps import KernelTap, TerminalTap
from agentlog_ipy.whereabouts import Whereabouts

_attached: dict[int, Attachment] = {}


class Part(Protocol):
    """Something that hangs on the shell or the process, and can be taken away again."""

    def attach(self) -> None: ...

    def detach(self) -> None: ...


class Attachment:
    """Everything of ours that hangs on one shell."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.pid = os.getpid()
        self.recorder = recorders.start()
        self.whereabouts = Whereabouts(shell)
        self.cells = CellWatch(shell, self.recorder, self.whereabouts)
        self.magic = Magic(self)
        self.outputs = Outputs(self.recorder)
        self.tap = self._tap()
        self.hooks = ExceptionHooks(self._loose_error, uncaught=False)
        self.hint = Hint(shell, self.whereabouts)
        self.afterwards: Afterwards | None = None
        self._undo = ExitStack()

    def attach(self) -> None:
        """Begin the session and hang on each part."""
        activation = sys.modules.get("agentlog.activation")
        if activation is not None:  # AGENTLOG=true came first: its hooks would record each error a second time
            activation.release()
        if not self.recorder.session:
            life = "kernel" if getattr(self.shell, "kernel", None) is not None else "ipython"
            sessions.begin(self.recorder, life=life, notebook=self.whereabouts.notebook(), kernel=self.whereabouts.kernel_id())
        self.recorder.execution_of = self._execution
        parts: list[Callable[[], Part]] = [
            lambda: self.magic,
            lambda: Completion(self.shell, self.cells.counts),
            lambda: FaultFile(self.recorder),
            lambda: self.hooks,
            lambda: self.outputs,
            lambda: self.tap,
            self._afterwards,
        ]
        for make in parts:
            _attach(make, self._undo)
        self._listen()
        _attach(lambda: self.cells, self._undo)

    def _listen(self) -> None:
        """Who hears of a cell's start and end, in this order."""
        tap, afterwards, cells = self.tap, self.afterwards, self.cells
        if afterwards is not None:
            cells.started.append(afterwards.started)
        cells.started.append(tap.started)
        if isinstance(tap, TerminalTap):
            cells.ended.append(tap.ended)
        if afterwards is not None:
            cells.ended.append(afterwards.ended)
            tap.idle.append(afterwards.idle)
        cells.ended += [self.hint.ended, self._pause_if_off]

    def detach(self, how: str) -> None:
        """Take each part away, last one first, and end the session."""
        self.recorder.paused = False
        self._undo.close()
        self.recorder.execution_of = lambda: None
        sessions.end(self.recorder, how)
        recorders.stop()

    def pause(self) -> None:
        """Record nothing any more, also what does not come from cells."""
        self.flush()
        self.recorder.paused = True

    def resume(self) -> None:
        """Record again, from the next cell on."""
        if not self.cells.recording and self.afterwards is not None:
            self.afterwards.resume()
        self.cells.recording = True
        self.recorder.paused = False

    def _pause_if_off(self, cell: Cell, status: Status) -> None:
        if not self.cells.recording and cell.within is None:
            self.pause()

    def flush(self) -> None:
        """Have everything that happened so far in the store."""
        if self.afterwards is not None:
            self.afterwards.settle()
        self.outputs.drain()
        self.recorder.flush()

    def _tap(self) -> KernelTap | TerminalTap:
        session = getattr(getattr(self.shell, "kernel", None), "session", None)
        return TerminalTap(self.outputs) if session is None else KernelTap(session, self.outputs)

    def _afterwards(self) -> Afterwards:
        self.afterwards = Afterwards(self.shell, self.recorder, self.whereabouts.notebook())
        return self.afterwards

    def _loose_error(self, error: BaseException, origin: str) -> None:
        """An error outside the cells' own flow: of a thread, a task, a finalizer."""
        if self.cells.recording:
            self.cells.record_error(error, origin, self.cells.latest())

    def _execution(self) -> str | None:
        cell = self.cells.current()
        return cell.execution if cell is not None else None


@guarded("attach")
def _attach(make: Callable[[], Part], undo: ExitStack) -> None:
    """Hang on one part; the others do not depend on whether it can be done."""
    part = make()
    undo.callback(guarded("detach")(part.detach))
    part.attach()


def load(shell: Any) -> None:
    """Attach to `shell`; a second time does nothing."""
    attachment = _attached.get(id(shell))
    if attachment is None:
        attachment = _attached[id(shell)] = Attachment(shell)
        attachment.attach()
        atexit.register(_leave, attachment)
    attachment.hint.loaded()


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
    """The interpreter ends in order. A forked child that gets here leaves its parent's session alone."""
    if attachment.pid == os.getpid() and _attached.pop(id(attachment.shell), None) is not None:
        guarded("cells")(attachment.cells.record_left_over)()
        attachment.detach("exit")
