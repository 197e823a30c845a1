"""What one execution put out, in order: text, displays by MIME type, errors.

A display is a barrier: text before it and after it never merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentlog.terminal import Terminal
from agentlog_ipy.spool import Spool


@dataclass(frozen=True, slots=True)
class Display:
    """A display or a result. `data`: MIME type -> what the kernel sent (images in base64)."""

    result: bool
    data: Mapping[str, Any]
    display_id: str | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """An exception as the kernel told it; the traceback in plain text, without colours."""

    name: str
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


Item = Spool | Display | Error


class Transcript:
    """The output of one execution, put together from the kernel's messages as a front end would."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.count: int | None = None
        self._clear_next = False

    def add(self, kind: str, content: Mapping[str, Any]) -> None:
        """Take over one iopub message (its type and content)."""
        handler = getattr(self, f"_on_{kind}", None)
        if handler is not None:
            handler(content)

    def text(self, name: str) -> str:
        """All of one stream, "stdout" or "stderr"."""
        return "".join(spool.read() for spool in self.spools(name))

    def spools(self, name: str) -> Iterator[Spool]:
        """The stretches of one stream, in order."""
        return (item for item in self.items if isinstance(item, Spool) and item.name == name)

    def read(self, name: str, start: int, end: int | None) -> str:
        """Characters `start` to `end` of one stream."""
        out, before = [], 0
        for spool in self.spools(name):
            size = len(spool)
            out.append(spool.read(max(0, start - before), None if end is None else max(0, end - before)))
            before += size
        return "".join(out)

    @property
    def errors(self) -> list[Error]:
        """The errors that were shown, in order."""
        return [item for item in self.items if isinstance(item, Error)]

    def tail(self, characters: int = 2_000) -> str:
        """The last text that was put out."""
        spools = [item for item in self.items if isinstance(item, Spool)]
        return spools[-1].read(max(0, len(spools[-1]) - characters)) if spools else ""

    def _on_stream(self, content: Mapping[str, Any]) -> None:
        self._cleared()
        name = str(content.get("name", "stdout"))
        for item in reversed(self.items):
            if not isinstance(item, Spool):
                break
            if item.name == name:
                item.write(str(content["text"]))
                return
        spool = Spool(name)
        spool.write(str(content["text"]))
        self.items.append(spool)

    def _on_display_data(self, content: Mapping[str, Any]) -> None:
        self._show(content, result=False)

    def _on_execute_result(self, content: Mapping[str, Any]) -> None:
        self.count = content.get("execution_count", self.count)
        self._show(content, result=True)

    def _show(self, content: Mapping[str, Any], *, result: bool) -> None:
        self._cleared()
        identifier = (content.get("transient") or {}).get("display_id")
        self.items.append(Display(result, content.get("data", {}), identifier))

    def _on_update_display_data(self, content: Mapping[str, Any]) -> None:
        identifier = (content.get("transient") or {}).get("display_id")
        for at, item in enumerate(self.items):
            if isinstance(item, Display) and item.display_id == identifier:
                self.items[at] = Display(item.result, content.get("data", {}), identifier)

    def _on_clear_output(self, content: Mapping[str, Any]) -> None:
        if content.get("wait"):
            self._clear_next = True
        else:
            self.items.clear()

    def _cleared(self) -> None:
        if self._clear_next:
            self.items.clear()
            self._clear_next = False

    def _on_error(self, content: Mapping[str, Any]) -> None:
        self._cleared()
        self.items.append(error_of(content))

    def _on_execute_input(self, content: Mapping[str, Any]) -> None:
        self.count = content.get("execution_count", self.count)


def error_of(content: Mapping[str, Any]) -> Error:
    """The error that an iopub `error` message or an `execute_reply` tells of."""
    screen = Terminal()
    screen.feed("\n".join(str(line) for line in content.get("traceback") or ()))
    return Error(str(content.get("ename") or "Error"), str(content.get("evalue") or ""), screen.text())
