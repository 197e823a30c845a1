"""One stream of one cell on its way into the store: through the terminal model, redacted, within its limit.

A stream is written in pieces, in order; their `text`s joined are what a reader is shown, their wholes (the blob
where a piece was cut) joined are all of it. The first half of the limit goes into the journal as it comes. From there
on the text gathers in parts that go to blobs, and the last piece shows the other half: the tail.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from agentlog.redact import Redactor, StreamRedactor
from agentlog.settings import Limits
from agentlog.terminal import Terminal

PART_CHARS = 1_000_000
"""Characters that gather in memory before they go to a blob."""
SLICE_CHARS = 65_536
"""Characters looked at in one go: the interpreter's lock is free in between."""

LAST_CHARS = 2_000
"""Characters that `show` gives at most."""

Piece = tuple[str, str | None]
"""(text to show, all of it where that is more)"""


class Stream:
    """Takes the chunks of a stream and gives back pieces to write.

    What comes after `limits.blob_bytes` characters is only counted.
    """

    def __init__(self, name: str, limits: Limits, redactor: Redactor) -> None:
        self.name = name
        self._room = limits.blob_bytes
        self._lost = 0
        self._head = limits.stream_chars // 2
        self._tail = limits.stream_chars - self._head
        self._redactor = StreamRedactor(redactor)
        self._terminal = Terminal()
        self._rest: list[str] = []
        self._rest_chars = 0
        self._shown = ""

    @property
    def unfinished(self) -> bool:
        """Is there text that `settle` did not give back: it may still change, or may be in the middle?"""
        return bool(self._rest) or self._terminal.pending() or self._redactor.pending()

    def show(self) -> str | None:
        """The end of what is unfinished, as it stands; None where it stands as it was shown before. Nothing is taken:
        the next piece has it again."""
        screen = copy.deepcopy(self._terminal)
        screen.feed(self._redactor.peek())
        text = "".join(self._rest) + screen.text()
        if len(text) > LAST_CHARS:
            text = _gap(len(text) - LAST_CHARS) + text[-LAST_CHARS:]
        before, self._shown = self._shown, text
        return text if text != before else None

    def feed(self, text: str, *, keep: bool = True) -> None:
        """Take a chunk as it was written; without `keep` it is only counted."""
        room = self._room if keep else 0
        if len(text) > room:
            self._lost += len(text) - room
            text = text[:room]
        self._room -= len(text)
        for start in range(0, len(text), SLICE_CHARS):
            self._terminal.feed(self._redactor.feed(text[start : start + SLICE_CHARS]))

    def settle(self, *, whole: bool) -> Iterator[Piece]:
        """Pieces to write now: the finished lines; with `whole` also those that may still change."""
        if whole:
            self._terminal.feed(self._redactor.finish())
        yield from self._pieces(self._terminal.take(whole=whole))
        if whole and self._shown and not self._rest:  # it was erased
            self._shown = ""
            yield "", None

    def end(self) -> Iterator[Piece]:
        """The last pieces: what is still unfinished, and the tail of what did not fit."""
        yield from self.settle(whole=True)
        text = "".join(self._rest)
        self._rest, self._rest_chars = [], 0
        if self._lost:
            text += f"\n[... {self._lost:,} more characters were not kept ...]\n"
        if len(text) > self._tail:
            yield _gap(len(text) - self._tail) + text[-self._tail :], text
        elif text:
            yield text, None

    def _pieces(self, text: str) -> Iterator[Piece]:
        if self._head and text:
            head, text = text[: self._head], text[self._head :]
            self._head -= len(head)
            self._shown = ""
            yield head, None
        if text:
            self._rest.append(text)
            self._rest_chars += len(text)
        if self._rest_chars >= PART_CHARS:
            gathered = "".join(self._rest)
            part, kept = gathered[: -self._tail], gathered[-self._tail :]
            self._rest, self._rest_chars = [kept], len(kept)
            self._shown = ""
            yield _gap(len(part)), part


def _gap(characters: int) -> str:
    return f"\n[... {characters:,} characters ...]\n"
