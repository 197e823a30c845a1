"""The hash chain of a segment: each line ends with `h`, which vouches for it and for every line before it.

h = sha256(previous h + the line's JSON without h), first 32 hex digits;   the first line's previous h is ""
"""

from __future__ import annotations

import hashlib

DIGITS = 32
_TAIL = len(',"h":""}') + DIGITS


def head_of(previous: str, text: bytes) -> str:
    """The head after a record whose JSON (without h) is `text` and that follows the head `previous`."""
    return hashlib.sha256(previous.encode() + text).hexdigest()[:DIGITS]


def chained(previous: str, text: bytes) -> tuple[str, bytes]:
    """(new head, the line) for a record's JSON `text` that follows the head `previous`."""
    head = head_of(previous, text)
    return head, b'%b,"h":"%b"}\n' % (text[:-1], head.encode())


def unchained(line: bytes) -> tuple[bytes, str] | None:
    """(the record's JSON without h, h) of a `line` without its newline; None where it does not end with an h."""
    body, tail = line[:-_TAIL], line[-_TAIL:]
    if not (tail.startswith(b',"h":"') and tail.endswith(b'"}')):
        return None
    return body + b"}", tail[6:-2].decode("ascii", "replace")
