"""One stretch of text of one stream, kept on disk beyond a bound; carriage returns, backspaces and colours applied as a
terminal would."""

from __future__ import annotations

import os
import re
import tempfile
import weakref

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
