"""Images that a kernel sends: saved as files under their hash, so that the same one is saved once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlog.journal import prepare_folder

IMAGE_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg"}


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was saved to a file; the same image is saved once."""

    path: str
    mime: str
    bytes: int
    width: int | None = None
    height: int | None = None

    def __str__(self) -> str:
        size = f", {self.width}x{self.height}" if self.width else ""
        return f"[image {self.path}{size}, {self.bytes:,} bytes]"


def saved(mime: str, body: Any, folder: Path) -> Image | None:
    """The image that `body` of type `mime` is, saved in `folder`; None where it is none."""
    suffix = IMAGE_SUFFIXES.get(mime)
    if suffix is None:
        return None
    text = "".join(body) if isinstance(body, list) else str(body)
    try:
        raw = text.encode() if suffix == "svg" else base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    path = _written(raw, folder, f"{hashlib.sha256(raw).hexdigest()[:16]}.{suffix}")
    width, height = _png_size(raw) if suffix == "png" else (None, None)
    return Image(str(path), mime, len(raw), width, height)


def _written(raw: bytes, folder: Path, name: str) -> Path:
    """`raw` as the file `name` in `folder`, else in a temporary one where that takes nothing more."""
    path = folder / name
    if path.exists():
        return path
    try:
        prepare_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        part = path.with_name(f"{name}.{os.getpid()}.part")
        part.write_bytes(raw)
        part.replace(path)
    except OSError:
        path = Path(tempfile.mkdtemp(prefix="agentlog-image-")) / name
        path.write_bytes(raw)
    return path


def _png_size(raw: bytes) -> tuple[int | None, int | None]:
    if len(raw) < 24 or raw[:8] != b"\x89PNG\r\n\x1a\n":
        return None, None
    width, height = struct.unpack(">II", raw[16:24])
    return width, height
