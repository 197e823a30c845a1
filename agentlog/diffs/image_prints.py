"""Images compared by what they show."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator


def image_print(body: bytes, mime: str) -> str:
    """A digest of what an image shows: of a PNG without its texts and dates, of an SVG without ids and dates."""
    if mime == "image/png" and body[:8] == b"\x89PNG\r\n\x1a\n":
        body = b"".join(_png_parts(body))
    elif mime.startswith("image/svg"):
        body = re.sub(rb"<dc:date>.*?</dc:date>|<!--.*?-->|\b(?:id|clip-path|xlink:href)=\"[^\"]*\"", b"", body, flags=re.S)
    return hashlib.sha256(body).hexdigest()[:16]


def _png_parts(body: bytes) -> Iterator[bytes]:
    """Header, palette and pixels, the pixels unpacked: another compression is no other image."""
    packed, place = b"", 8
    while place + 8 <= len(body):
        length, kind = int.from_bytes(body[place : place + 4], "big"), body[place + 4 : place + 8]
        chunk = body[place + 8 : place + 8 + length]
        if kind == b"IDAT":
            packed += chunk
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            yield chunk
        place += 12 + length
    try:
        yield zlib.decompressobj().decompress(packed, 100_000_000)
    except zlib.error:
        yield packed
