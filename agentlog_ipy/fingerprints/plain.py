"""Plain data (scalars, lists, tuples, dicts of them) at the speed of C, and long containers as leaves."""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from agentlog_ipy.fingerprints.walk import SCALAR_IDS, short

CHUNK = 2_048
"""Items in a piece of a long container."""
FAR = 512
"""Pieces of a container that can only be read from its start: what comes after would take long to get to."""
BOX_IDS = frozenset({id(list), id(tuple), id(dict)})
_TEXT_IDS = frozenset({id(str), id(bytes)})
_LEVELS = 6
_MOST_TEXT, _MOST_ITEMS = 4_000_000, 200_000

Take = Callable[[Any, int, int], list[Any]]
"""How items `start` to `stop` of a sequence are had without running code of its class."""


def plain_bytes(items: list[Any]) -> bytes | None:
    """`items` as bytes where all of it, six levels down, is exact scalars, lists, tuples and dicts; else None."""
    level: list[Any] = items
    for _ in range(_LEVELS):
        kinds = set(map(id, map(type, level)))
        if kinds & _TEXT_IDS and sum(len(x) for x in level if type(x) is str or type(x) is bytes) > _MOST_TEXT:
            return None
        if kinds <= SCALAR_IDS:
            return marshal.dumps(items, 2)
        if not kinds <= SCALAR_IDS | BOX_IDS:
            return None
        level = _below(level)
        if len(level) > _MOST_ITEMS:
            return None
    return None


def _below(level: list[Any]) -> list[Any]:
    out: list[Any] = []
    for box in level:
        kind = type(box)
        if kind is list or kind is tuple:
            out.extend(box)
        elif kind is dict:
            out.extend(box)
            out.extend(box.values())
    return out


def holds_no_boxes(items: list[Any]) -> bool:
    """Is none of `items` a list, tuple or dict?"""
    return not set(map(id, map(type, items))) & BOX_IDS


def identities(items: list[Any]) -> bytes:
    """Which objects stand where."""
    return array("Q", map(id, items)).tobytes()


class ListLeaf:
    """A long list, tuple or array of objects: `CHUNK` items a piece, by content where plain, else by identity."""

    def __init__(self, items: Any, length: int, take: Take) -> None:
        self._items, self._length, self._take = items, length, take

    @property
    def chunks(self) -> int:
        return -(-self._length // CHUNK)

    def digest(self, chunk: int) -> int:
        return _items_digest(self._take(self._items, chunk * CHUNK, (chunk + 1) * CHUNK))


class IteratedLeaf:
    """A long dict, set or deque: the first `FAR` pieces of `CHUNK` items, cheap in order. `iterate`: from its start."""

    def __init__(self, iterate: Callable[[], Iterator[Any]], length: int) -> None:
        self._iterate, self._length = iterate, length
        self._iterator: Iterator[Any] = iter(())
        self._next = -1

    @property
    def chunks(self) -> int:
        return min(FAR, -(-self._length // CHUNK))

    def digest(self, chunk: int) -> int:
        if chunk != self._next:
            self._iterator = islice(self._iterate(), chunk * CHUNK, None)
        self._next = chunk + 1
        return _items_digest(list(islice(self._iterator, CHUNK)))


class BytesLeaf:
    """A bytearray, array or memoryview in pieces of a megabyte."""

    SIZE = 1 << 20

    def __init__(self, view: memoryview) -> None:
        self._view = view.cast("B")

    @property
    def chunks(self) -> int:
        return -(-self._view.nbytes // self.SIZE)

    def digest(self, chunk: int) -> int:
        return short(self._view[chunk * self.SIZE : (chunk + 1) * self.SIZE])


def _items_digest(items: list[Any]) -> int:
    body = plain_bytes(items)
    return short(body if body is not None else identities(items))
