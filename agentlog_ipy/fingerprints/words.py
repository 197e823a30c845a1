"""Digests of numbers straight from memory, in pieces.

A piece is 4 MB; in it, blocks of 8191 64-bit words are summed with odd weights. An odd number of odd weights makes every
single change, every uniform shift (`*= 2` moves each word by the same power of two) and every swap visible; an arbitrary
change of many elements is missed with a chance of at most 2^-(64-v), v being the trailing zero bits common to all
differences. Nothing is imported: what is digested exists only where numpy is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from agentlog_ipy.fingerprints.walk import short

BLOCK = 8191
"""64-bit words in a block: odd."""
PIECE = BLOCK * 64

_weights: Any = None


def weights() -> Any:
    """BLOCK odd 64-bit numbers, the same in every process (splitmix64 of 1, 2, 3, ...)."""
    global _weights
    if _weights is None:
        np = sys.modules["numpy"]
        number = np.arange(1, BLOCK + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            number = (number ^ (number >> np.uint64(shift))) * np.uint64(factor)
        _weights = number | np.uint64(1)
    return _weights


def words_of(flat: Any) -> tuple[Any, bytes]:
    """A contiguous one-dimensional array as (64-bit words, the bytes left over)."""
    np = sys.modules["numpy"]
    raw = flat.view(np.uint8)
    whole = raw.nbytes // 8 * 8
    return raw[:whole].view(np.uint64), raw[whole:].tobytes()


def words_digest(words: Any, rest: bytes = b"") -> int:
    """64 bits of the content of `words`."""
    np = sys.modules["numpy"]
    whole = len(words) // BLOCK * BLOCK
    body = np.einsum("ij,j->i", words[:whole].reshape(-1, BLOCK), weights()).tobytes() if whole else b""
    tail = words[whole:]
    if len(tail):
        body += int(np.einsum("i,i->", tail, weights()[: len(tail)])).to_bytes(8, sys.byteorder)
    return short(body + rest)


def rows_digests(words: Any) -> list[int]:
    """`words_digest` of each row of a two-dimensional array of words."""
    if words.shape[1] >= BLOCK:
        return [words_digest(row) for row in words]
    sums = sys.modules["numpy"].einsum("ij,j->i", words, weights()[: words.shape[1]])
    return [short(one.tobytes()) for one in sums]


class ArrayLeaf:
    """A large contiguous array of numbers, or one row of a table of them."""

    __slots__ = ("_array", "_row", "_words")

    def __init__(self, array: Any, row: int | None = None) -> None:
        self._array, self._row = array, row
        self._words: tuple[Any, bytes] | None = None

    @property
    def chunks(self) -> int:
        size = self._array.nbytes if self._row is None else self._array.nbytes // len(self._array)
        return max(1, -(-(size // 8) // PIECE))

    def digest(self, chunk: int) -> int:
        words, rest = self._words = self._words or words_of(self._array if self._row is None else self._array[self._row])
        return words_digest(words[chunk * PIECE : (chunk + 1) * PIECE], rest if chunk == self.chunks - 1 else b"")


class StridedLeaf:
    """A large array that is not contiguous: copied row by row group, a piece at a time."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._rows = max(1, int(PIECE * 8 // max(1, value[:1].nbytes)))

    @property
    def chunks(self) -> int:
        return int(-(-len(self._value) // self._rows))

    def digest(self, chunk: int) -> int:
        np = sys.modules["numpy"]
        piece = np.ascontiguousarray(self._value[chunk * self._rows : (chunk + 1) * self._rows])
        return words_digest(*words_of(piece.reshape(-1)))


class HashLeaf:
    """Rows that their library hashes for us. `hashed`: (first row, how many) -> an array of hashes."""

    ROWS = 65_536

    def __init__(self, hashed: Callable[[int, int], Any], length: int) -> None:
        self._hashed, self._length = hashed, length

    @property
    def chunks(self) -> int:
        return -(-self._length // self.ROWS)

    def digest(self, chunk: int) -> int:
        np = sys.modules["numpy"]
        return words_digest(*words_of(np.ascontiguousarray(self._hashed(chunk * self.ROWS, self.ROWS))))
