"""What one execution put out, in order: text kept on disk beyond a bound, displays by MIME type.

A display is a barrier: text before it and after it never merge. Carriage returns, backspaces and colours are
applied as a terminal would.
"""

from __future__ import annotations

import os
import re
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentlog.terminal import Terminal

MEMORY_CHARS = 1_000_000
"""text of one stream held in memory; beyond it everything is in a file"""
DISK_CHARS = 200_000_000
"""text of one stream kept at all; beyond it characters are counted and dropped"""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PAGE = 1 << 16


class Spool:
    """One stretch of text of one stream; `start` and `end` count characters.

    Lines that can no longer change are committed, to memory and then to a file that disappears with the last
    reference to the spool. From the first control character on, text goes through a terminal first.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dropped = 0
        self._parts: list[str] = []
        self._held = 0
        self._committed = 0
        self._pages: list[tuple[int, int]] = [(0, 0)]  # (characters, bytes) at which a page of the file begins
        self._bytes = 0
        self._path: str | None = None
        self._screen: Terminal | None = None

    def write(self, text: str) -> None:
        """More text arrived."""
        if self._screen is None:
            control = _CONTROL.search(text)
            if control is None:
                self._commit(text)
                return
            line = text.rfind("\n", 0, control.start()) + 1
            self._commit(text[:line])
            self._screen, text = Terminal(), text[line:]
            self._screen.feed(self._take_back_line())
        self._screen.feed(text)
        self._commit(self._screen.take())

    def __len__(self) -> int:
        return self._committed + len(self._live())

    def read(self, start: int = 0, end: int | None = None) -> str:
        """Characters `start` to `end` (the end when None)."""
        live = self._live()
        total = self._committed + len(live)
        end = total if end is None else min(end, total)
        start = max(0, min(start, end))
        kept = self._read_committed(start, min(end, self._committed))
        return kept + live[max(0, start - self._committed) : max(0, end - self._committed)]

    def _live(self) -> str:
        return self._screen.text() if self._screen is not None else ""

    def _take_back_line(self) -> str:
        """The unfinished last line, out of what was committed to memory: a carriage return may still change it."""
        if self._path is not None or not self._parts:
            return ""
        whole = "".join(self._parts)
        line = whole.rfind("\n") + 1
        self._parts = [whole[:line]]
        self._held = line
        self._committed = line
        return whole[line:]

    def _commit(self, text: str) -> None:
        if self._committed + len(text) > DISK_CHARS:
            room = max(0, DISK_CHARS - self._committed)
            self.dropped += len(text) - room
            text = text[:room]
        self._committed += len(text)
        if self._path is None:
            self._parts.append(text)
            self._held += len(text)
            if self._held > MEMORY_CHARS:
                self._to_disk()
        elif text:
            self._append(text)

    def _to_disk(self) -> None:
        descriptor, self._path = tempfile.mkstemp(prefix="agentlog-output-", suffix=".txt")
        os.close(descriptor)
        weakref.finalize(self, _remove, self._path)
        parts, self._parts = self._parts, []
        self._append("".join(parts))

    def _append(self, text: str) -> None:
        assert self._path is not None
        with open(self._path, "ab") as file:
            for begin in range(0, len(text), _PAGE):
                body = text[begin : begin + _PAGE].encode("utf-8", "surrogatepass")
                file.write(body)
                self._bytes += len(body)
                characters = self._pages[-1][0] + min(_PAGE, len(text) - begin)
                self._pages.append((characters, self._bytes))

    def _read_committed(self, start: int, end: int) -> str:
        if end <= start:
            return ""
        if self._path is None:
            return "".join(self._parts)[start:end]
        first = max(i for i, page in enumerate(self._pages) if page[0] <= start)
        last = next((page for page in self._pages if page[0] >= end), self._pages[-1])
        with open(self._path, "rb") as file:
            file.seek(self._pages[first][1])
            text = file.read(last[1] - self._pages[first][1]).decode("utf-8", "surrogatepass")
        return text[start - self._pages[first][0] : end - self._pages[first][0]]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


@dataclass(frozen=True, slots=True)
class Display:
    """A display or a result. `data`: MIME type -> what the kernel sent (images in base64)."""

    result: bool
    data: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)
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
        self.last: float | None = None
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
        self.items.append(Display(result, content.get("data", {}), content.get("metadata", {}), identifier))

    def _on_update_display_data(self, content: Mapping[str, Any]) -> None:
        identifier = (content.get("transient") or {}).get("display_id")
        for at, item in enumerate(self.items):
            if isinstance(item, Display) and item.display_id == identifier:
                self.items[at] = Display(item.result, content.get("data", {}), content.get("metadata", {}), identifier)

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
