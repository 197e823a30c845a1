"""Short prints of things outside the code: files by size and content, environment values by keyed hash.

A print tells whether two things are the same; it does not tell what they are.
"""

from __future__ import annotations

import os
import stat
from hashlib import blake2b
from pathlib import Path

WHOLE = 8_000_000
"""Files up to this size are read whole; of larger ones `PART` bytes at the start, in the middle and at the end."""
PART = 262_144
_KEY = b"agentlog surroundings"


def text_print(text: str, digits: int = 8) -> str:
    """A short keyed hash of `text`."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=digits // 2, key=_KEY).hexdigest()


def file_print(path: str | Path) -> str | None:
    """ "<size>:<hash>" of a regular file; None where there is none or it cannot be read."""
    try:
        about = os.stat(path)
        if not stat.S_ISREG(about.st_mode):
            return None
        with open(path, "rb") as file:
            hashed = blake2b(digest_size=6)
            if about.st_size <= WHOLE:
                for block in iter(lambda: file.read(1 << 20), b""):
                    hashed.update(block)
            else:
                for start in (0, about.st_size // 2, about.st_size - PART):
                    file.seek(start)
                    hashed.update(file.read(PART))
        return f"{about.st_size}:{hashed.hexdigest()}"
    except (OSError, ValueError):
        return None
