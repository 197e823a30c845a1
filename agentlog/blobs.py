"""Large bodies by content: `<folder>/blobs/ab/abcdef...`, named by their sha256, zlib-compressed.

A body is written beside its place and renamed, so that a reader sees all of it or none, and two writers of the
same body do not disturb each other. Nothing is ever changed in place.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from agentlog.errors import NotFound, StoreError
from agentlog.ids import new_id

FOLDER = "blobs"
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class Blobs:
    """The blobs of the store in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder) / FOLDER

    def put(self, body: bytes) -> str:
        """Keep `body` and return its digest. Raises OSError (the caller decides what to do without it)."""
        digest = hashlib.sha256(body).hexdigest()
        path = self.path(digest)
        try:
            os.utime(path)  # in use again: retention goes by this time
        except OSError:
            self._write(path, zlib.compress(body, 6))
        return digest

    def get(self, digest: str) -> bytes:
        """The body kept under `digest`. Raises NotFound, or StoreError where the file is damaged."""
        path = self.path(digest)
        try:
            body = zlib.decompress(path.read_bytes())
        except FileNotFoundError:
            raise NotFound(
                f"no stored output {digest[:12]}… in {self.folder}; it may have been removed by `agentlog gc`"
            ) from None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror or error}") from None
        except zlib.error:
            raise StoreError(f"stored output {path} is damaged and cannot be read") from None
        if hashlib.sha256(body).hexdigest() != digest:
            raise StoreError(f"stored output {path} is damaged: its content no longer matches its name")
        return body

    def has(self, digest: str) -> bool:
        """Is a body kept under `digest`?"""
        return bool(_DIGEST.match(digest)) and self.path(digest).exists()

    def path(self, digest: str) -> Path:
        """Where `digest` is kept. Raises NotFound for a text that is no digest (it would name another file)."""
        if not _DIGEST.match(digest):
            raise NotFound(f"{digest!r} is not the handle of a stored output (64 hexadecimal digits)")
        return self.folder / digest[:2] / digest

    def __iter__(self) -> Iterator[str]:
        """Digests of all bodies kept."""
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if _DIGEST.match(path.name):
                yield path.name

    def _write(self, path: Path, packed: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{new_id()}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with open(handle, "wb") as file:
                file.write(packed)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


class MemoryBlobs(Blobs):
    """Blobs that live in memory: for `Store.in_memory()`."""

    def __init__(self) -> None:
        super().__init__(Path("memory"))
        self._bodies: dict[str, bytes] = {}

    def put(self, body: bytes) -> str:
        """See Blobs."""
        digest = hashlib.sha256(body).hexdigest()
        self._bodies[digest] = body
        return digest

    def get(self, digest: str) -> bytes:
        """See Blobs."""
        if digest not in self._bodies:
            raise NotFound(f"no stored output {digest[:12]}… in memory")
        return self._bodies[digest]

    def has(self, digest: str) -> bool:
        """See Blobs."""
        return digest in self._bodies

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._bodies))
