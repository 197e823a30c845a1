"""Redaction of a text that comes in pieces: a secret may begin in one and end in the next."""

from __future__ import annotations

import re
from collections.abc import Callable

_LONGEST_LINE = 65_536
_LONGEST_KEY = 32_768
_CONTEXT = 4_096
_OPEN_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?![\s\S]*-----END )")


class StreamRedactor:
    """Pieces in, safe text out; the unfinished line waits for its end, a private key for its last line.

    Whoever feeds calls `finish` when nothing more has come for a while (200 ms) or the stream has ended. What `finish` gave out
    cannot be taken back: of a secret that goes on after that, only the rest is hidden.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._waiting: list[str] = []
        self._size = 0
        self._before = ""  # the line so far, where a part of it was given out already
        self._given = ""  # what was given out for it

    def feed(self, text: str) -> str:
        """Take the next piece; returns what is safe to give out now."""
        if not text:
            return ""
        self._waiting.append(text)
        self._size += len(text)
        if "\n" not in text and "\r" not in text and self._size < _LONGEST_LINE:
            return ""
        whole = "".join(self._waiting)
        end = self._safe_end(whole)
        if end == 0 and self._size < _LONGEST_LINE:
            self._waiting = [whole]
            return ""
        if end == 0:
            return self.finish()
        self._keep(whole[end:])
        return self._out(whole[:end])

    def finish(self) -> str:
        """Everything that waits, redacted as far as it is known."""
        whole = "".join(self._waiting)
        self._keep("")
        return self._out(whole)

    def peek(self) -> str:
        """What `finish` would give out; it goes on waiting."""
        before, given, waiting, size = self._before, self._given, self._waiting, self._size
        out = self.finish()
        self._before, self._given, self._waiting, self._size = before, given, waiting, size
        return out

    def pending(self) -> bool:
        """Is something waiting?"""
        return self._size > 0

    def _keep(self, text: str) -> None:
        self._waiting, self._size = [text] if text else [], len(text)

    def _safe_end(self, whole: str) -> int:
        """Up to where nothing can depend on what comes: after the last line's end, before a key that has no end yet."""
        end = max(whole.rfind("\n"), whole.rfind("\r")) + 1
        key = _OPEN_KEY.search(whole) if "PRIVATE KEY" in whole else None
        if key is not None and len(whole) - key.start() < _LONGEST_KEY:
            return min(end, whole.rfind("\n", 0, key.start()) + 1)
        return end

    def _out(self, text: str) -> str:
        """`text` redacted together with the part of its line that was given out before."""
        if not text:
            return ""
        redacted = self._redact(self._before + text)
        out = redacted[_common(redacted, self._given) :] if self._before else redacted
        line = text if "\n" in text else self._before + text
        self._before = line[line.rfind("\n") + 1 :][-_CONTEXT:]
        self._given = self._redact(self._before) if self._before else ""
        return out


def _common(one: str, other: str) -> int:
    """Length of the common beginning."""
    size = min(len(one), len(other))
    return next((at for at in range(size) if one[at] != other[at]), size)
