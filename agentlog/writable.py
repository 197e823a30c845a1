"""Standard output that can write every character: half of Unicode is missing in ASCII and cp1252, half characters in UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def writable(stream: TextIO | None) -> Iterator[None]:
    r"""Within it `stream` writes `\u91d1` where its encoding has no such character, instead of raising. Flushed at the end.

    What cannot be written at all (a closed pipe, a full disk) raises here, not when the interpreter ends.
    """
    errors, reconfigure = getattr(stream, "errors", None), getattr(stream, "reconfigure", None)
    if stream is None or reconfigure is None or errors not in ("strict", "surrogateescape"):
        yield
        return
    reconfigure(errors="backslashreplace")
    try:
        yield
        stream.flush()
    finally:
        reconfigure(errors=errors)


def as_utf8(stream: TextIO) -> TextIO:
    """`stream`, writing UTF-8 from here on whatever the terminal's encoding: data for programs. Half characters are replaced."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")
    return stream
