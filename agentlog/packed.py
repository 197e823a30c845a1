"""Packed segments (`.jsonl.z`): independent gzip members, so that an offset into the plain text still finds its line.

    member 1 | member 2 | ... | an empty last member, whose extra field is the table

Each member holds whole lines, about BLOCK bytes of them. The table is one (plain size, packed size) pair of unsigned
32-bit numbers a member, and their count. Because it is plain gzip, `zcat` shows the journal's text and nothing else.
"""

from __future__ import annotations

import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

BLOCK = 256 * 1024
MOST_BLOCKS = 8_000
"""The table must fit an extra field of 64 kB: with blocks of 256 kB that is a segment of 2 GB."""

_HEADER = bytes([0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 255])  # gzip, deflate, FEXTRA, no time, unknown system
_SUBFIELD = b"al"
_END = b"\x03\x00" + bytes(8)  # an empty deflate stream, its checksum and its size
_PAIR = struct.Struct("<II")
_COUNT = struct.Struct("<I")


class Damaged(Exception):
    """The file is no packed segment, or not a whole one."""


def pack(source: Path, target: Path) -> None:
    """Write the plain segment `source` packed to `target`, which appears whole or not at all. Raises OSError."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    block = max(BLOCK, source.stat().st_size // MOST_BLOCKS + 1)
    try:
        with open(source, "rb") as plain, open(temporary, "wb", opener=_private) as out:
            table = [_write_member(out, body) for body in _blocks(plain, block)]
            out.write(_last_member(table))
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class Packed:
    """A packed segment open for reading. Raises Damaged, or OSError."""

    def __init__(self, path: Path) -> None:
        self.file = open(path, "rb")  # noqa: SIM115 - closed by close()
        try:
            table = _read_table(self.file)
        except BaseException:
            self.file.close()
            raise
        self._plain = [0, *accumulate(plain for plain, _ in table)]
        self._packed = [0, *accumulate(packed for _, packed in table)]
        self.size = self._plain[-1]
        """bytes of the plain text"""
        self._last: tuple[int, bytes] = (-1, b"")

    def read(self, place: int, size: int) -> bytes:
        """`size` bytes of the plain text from offset `place` on; fewer at its end."""
        out = []
        while size > 0 and place < self.size:
            number = bisect_right(self._plain, place) - 1
            start = place - self._plain[number]
            piece = self._block(number)[start : start + size]
            out.append(piece)
            place, size = place + len(piece), size - len(piece)
        return b"".join(out)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _block(self, number: int) -> bytes:
        if self._last[0] != number:
            self.file.seek(self._packed[number])
            member = self.file.read(self._packed[number + 1] - self._packed[number])
            try:
                body = zlib.decompress(member, 31)
            except zlib.error as error:
                raise Damaged(str(error)) from None
            if len(body) != self._plain[number + 1] - self._plain[number]:
                raise Damaged("a block has another size than its table says")
            self._last = (number, body)
        return self._last[1]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _blocks(plain: BinaryIO, size: int) -> Iterator[bytes]:
    """The text in pieces of about `size` bytes that end with a line, or with the file."""
    while body := plain.read(size):
        yield body if body.endswith(b"\n") else body + plain.readline()


def _write_member(out: BinaryIO, body: bytes) -> tuple[int, int]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return len(body), out.write(packer.compress(body) + packer.flush())


def _last_member(table: list[tuple[int, int]]) -> bytes:
    data = b"".join(_PAIR.pack(*pair) for pair in table) + _COUNT.pack(len(table))
    extra = _SUBFIELD + struct.pack("<H", len(data)) + data
    return _HEADER + struct.pack("<H", len(extra)) + extra + _END


def _read_table(file: BinaryIO) -> list[tuple[int, int]]:
    end = file.seek(0, os.SEEK_END)
    tail = len(_END) + _COUNT.size
    if end < tail:
        raise Damaged("too short")
    file.seek(end - tail)
    count, rest = _COUNT.unpack(file.read(_COUNT.size))[0], file.read()
    start = end - tail - count * _PAIR.size
    if rest != _END or count > MOST_BLOCKS + 1 or start < 0:
        raise Damaged("no table at its end")
    file.seek(start)
    table = list(_PAIR.iter_unpack(file.read(count * _PAIR.size)))
    if sum(packed for _, packed in table) > start:
        raise Damaged("its table does not fit the file")
    return table
