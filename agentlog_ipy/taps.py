"""Where outputs are seen: the kernel's `session.send`, or `write` of the streams of a terminal.

In a kernel one wrapper of the session that everything shares sees streams (prints, child processes, C code), displays,
results and the idle message that marks the end of a cell's outputs, each with the id of the request that caused it.
A wrapped method calls the original first and then looks; it never changes what is sent.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from agentlog import guard
from agentlog.events import Status
from agentlog.guard import guarded
from agentlog.processes import this_process
from agentlog_ipy.cell import Cell
from agentlog_ipy.displays import KINDS
from agentlog_ipy.outputs import Outputs, Slot

LOOKED_AT = KINDS | {"stream", "status"}
"""Types of the messages that show something, or say that a cell is over."""


class KernelTap:
    """Looks at every message that the kernel's session sends. The listeners of `idle` are called after a cell's last message."""

    def __init__(self, session: Any, outputs: Outputs) -> None:
        self.idle: list[Callable[[], None]] = []
        self._session = session
        self._outputs = outputs
        self._pid = this_process()
        self._send = self._wrapper(session.send)

    def attach(self) -> None:
        """Wrap `send` of this one session object."""
        self._session.send = self._send

    def detach(self) -> None:
        """Unwrap it; where somebody wrapped it after us, ours stays below theirs and only passes on."""
        self._pid = -1
        if self._session.__dict__.get("send") is self._send:
            del self._session.__dict__["send"]

    @guarded("outputs")
    def started(self, cell: Cell) -> None:
        """Outputs that answer the cell's request are its own; those of nested cells are the outer cell's."""
        if cell.within is None and cell.request is not None:
            self._outputs.expect(cell.request, cell.execution)

    def _wrapper(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def send(stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, *args: Any, **kwargs: Any) -> Any:
            sent = original(stream, msg_or_type, content, parent, *args, **kwargs)
            try:
                kind = msg_or_type if isinstance(msg_or_type, str) else msg_or_type["header"]["msg_type"]
                if kind in LOOKED_AT and self._pid == this_process():
                    self._see(kind, msg_or_type, content, parent)
            except Exception as error:
                guard.note("outputs", error)
            return sent

        return send

    def _see(self, kind: str, message: Any, content: Any, parent: Any) -> None:
        if isinstance(message, str):
            parent = (parent or {}).get("header", parent)
        else:
            content, parent = message["content"], message.get("parent_header")
        request = (parent or {}).get("msg_id")
        if kind != "status":
            self._outputs.put(kind, self._outputs.slot(request), content)
        elif content["execution_state"] == "idle" and request is not None:
            self._over(request)

    def _over(self, request: str) -> None:
        slot = self._outputs.slot(request)
        if slot.execution is not None and not slot.over:
            self._outputs.over(slot)
            for listener in self.idle:
                listener()


class TerminalTap:
    """Looks at what a cell writes to sys.stdout and sys.stderr; between cells nothing is patched.

    Sees prints, results and tracebacks; not what child processes write straight to the terminal.
    """

    def __init__(self, outputs: Outputs) -> None:
        self.idle: list[Callable[[], None]] = []
        self._outputs = outputs
        self._patched: list[tuple[Any, Any, Any]] = []
        self._slot: Slot | None = None

    def attach(self) -> None:
        """Nothing is patched until a cell starts."""

    def detach(self) -> None:
        """Nothing stays patched."""
        self._restore()

    @guarded("outputs")
    def started(self, cell: Cell) -> None:
        """Patch `write` of whatever the streams are now."""
        if cell.within is not None:
            return
        self._restore()
        self._slot = self._outputs.expect(cell.execution, cell.execution)
        self._patch(sys.stdout, "stdout")
        self._patch(sys.stderr, "stderr")

    @guarded("outputs")
    def ended(self, cell: Cell, status: Status) -> None:
        """Put the streams back; a terminal has shown everything by now."""
        if cell.within is None and self._slot is not None and self._slot.execution == cell.execution:
            self._restore()
            self._outputs.over(self._slot)

    def _patch(self, stream: Any, name: str) -> None:
        names = getattr(stream, "__dict__", None)
        if names is None:  # a stream that cannot be patched shows what it shows
            return
        original, before = stream.write, names.get("write")
        put, slot = self._outputs.put, self._slot

        def write(text: Any, *args: Any, **kwargs: Any) -> Any:
            written = original(text, *args, **kwargs)
            if type(text) is str and text:
                put("stream", slot, {"name": name, "text": text})  # type: ignore[arg-type]
            return written

        stream.write = write
        self._patched.append((stream, write, before))

    def _restore(self) -> None:
        while self._patched:
            stream, ours, before = self._patched.pop()
            if stream.__dict__.get("write") is ours:
                if before is None:
                    del stream.write
                else:
                    stream.write = before
