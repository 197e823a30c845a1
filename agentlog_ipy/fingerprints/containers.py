"""Lists, tuples, deques, dicts, sets and buffers, and classes that inherit from them."""

from __future__ import annotations

import builtins
import collections
from array import array
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints.plain import (
    CHUNK,
    FAR,
    BytesLeaf,
    IteratedLeaf,
    ListLeaf,
    Take,
    holds_no_boxes,
    identities,
    plain_bytes,
)
from agentlog_ipy.fingerprints.walk import HANDLERS, INHERITED, SCALAR_IDS, Walk, by_id, digest_of, short

WALK_ALL = 2_000
"""Containers of complex objects up to this size are walked item by item; of larger ones `SAMPLE` items are."""
SAMPLE = 128
LONG = 16_384
"""Lists longer than this are digested chunk by chunk."""
_FEW, _MANY = 64, 256
_BUFFER = 65_536


def _slice(items: Any, start: int, stop: int) -> list[Any]:
    return list(list.__getitem__(items, slice(start, stop)))


def _slice_tuple(items: Any, start: int, stop: int) -> list[Any]:
    return list(tuple.__getitem__(items, slice(start, stop)))


def visit_list(walk: Walk, value: list[Any], depth: int) -> None:
    _sequence(walk, value, list.__len__(value), _slice, depth)
    _rest(walk, value, list, depth)


def visit_tuple(walk: Walk, value: tuple[Any, ...], depth: int) -> None:
    _sequence(walk, value, tuple.__len__(value), _slice_tuple, depth)
    _rest(walk, value, tuple, depth)


def visit_deque(walk: Walk, value: Any, depth: int) -> None:
    length = collections.deque.__len__(value)
    if length > LONG:
        walk.tokens.append(("seq", length))
        sample = _iterated(walk, lambda: collections.deque.__iter__(value), length)
        sample += islice(collections.deque.__reversed__(value), SAMPLE)
        _visit_sample(walk, sample, f"{2 * SAMPLE} of {length} items", length, depth)
    else:
        _sequence(walk, list(collections.deque.__iter__(value)), length, _slice, depth)
    _rest(walk, value, collections.deque, depth)


def _iterated(walk: Walk, iterate: Callable[[], Iterator[Any]], length: int) -> list[Any]:
    """Something long that can only be read from its start, as a leaf; returns its first items."""
    walk.leaves.append(IteratedLeaf(iterate, length))
    if length > FAR * CHUNK:
        walk.skip(length - FAR * CHUNK, f"its first {FAR * CHUNK} items")
    return list(islice(iterate(), SAMPLE))


def _rest(walk: Walk, value: object, base: type, depth: int) -> None:
    """The attributes of an instance of a subclass."""
    if type(value) is not base:
        walk.tokens.append(peek.qualified_name(type(value)))
        walk.attributes(value, depth)


def _sequence(walk: Walk, items: Any, length: int, take: Take, depth: int) -> None:
    walk.tokens.append(("seq", length))
    if length > LONG:
        long_sequence(walk, items, length, take, depth)
        return
    held = take(items, 0, length)
    body = plain_bytes(held) if length > 8 else None
    if body is not None and holds_no_boxes(held):
        walk.tokens.append(body if len(body) < 256 else short(body))
    elif body is not None and length > _MANY:
        walk.tokens.append(short(body))
        _note_parts(walk, held)
    else:
        _items(walk, held, length, depth)


def _note_parts(walk: Walk, items: list[Any]) -> None:
    """Boxes inside plain data are parts too: somebody may hold one under another name."""
    for item in items:
        if type(item) is list or type(item) is dict:
            walk.part(item)


def _items(walk: Walk, held: list[Any], length: int, depth: int) -> None:
    if length <= WALK_ALL:
        for item in held:
            walk.visit(item, depth + 1)
        return
    walk.tokens.append(short(identities(held)))
    walk.portable = False
    walk.skip(length - SAMPLE, f"{SAMPLE} of {length} items")
    for item in held[:: max(1, length // SAMPLE)]:
        walk.visit(item, depth + 1)


def long_sequence(walk: Walk, items: Any, length: int, take: Take, depth: int) -> None:
    """A sequence of more than `LONG` items: a leaf, and a sample of what is in it."""
    walk.leaves.append(ListLeaf(items, length, take))
    step = length // SAMPLE
    sample = [item for position in range(SAMPLE) for item in take(items, position * step, position * step + 1)]
    sample += take(items, length - 1, length)
    _visit_sample(walk, sample, f"{SAMPLE} of {length} items", length, depth)


def _visit_sample(walk: Walk, sample: list[Any], looked_at: str, length: int, depth: int) -> None:
    if plain_bytes(sample) is None:  # complex objects: what is inside them is not in the leaf's digest
        walk.portable = False
        walk.skip(length - SAMPLE, looked_at)
    for item in sample:
        walk.visit(item, depth + 1)


def visit_dict(walk: Walk, value: dict[Any, Any], depth: int) -> None:
    if value is builtins.__dict__:  # the interpreter's: in every namespace that `exec` was given, with what libraries put there
        walk.tokens.append("builtins")
        return
    base = _dict_base(value)
    length = dict.__len__(value)
    walk.tokens.append(("map", length))
    items = base.items(value)
    if length <= _FEW:
        for key, item in list(items):
            walk.visit(key, depth + 1)
            walk.visit(item, depth + 1)
    else:
        _long_dict(walk, items, length, depth)
    _rest(walk, value, base, depth)
    factory = peek.own(value, "default_factory")
    if factory is not None:
        walk.tokens.append(peek.class_name(type(factory)))


def _dict_base(value: dict[Any, Any]) -> Any:
    bases = peek.mro(type(value))
    return next(base for base in bases if base is collections.OrderedDict or base is collections.defaultdict or base is dict)


def _long_dict(walk: Walk, items: Any, length: int, depth: int) -> None:
    """A dict of more than 64 entries: by content where plain, else item by item, or identities and a sample."""
    if length > LONG:
        sample = _iterated(walk, lambda: chain.from_iterable(items), 2 * length)
        _visit_sample(walk, sample, f"{SAMPLE} of {length} entries", length, depth)
        return
    held = list(chain.from_iterable(items))
    body = plain_bytes(held)
    if body is None:
        _items(walk, held, len(held), depth)
        return
    walk.tokens.append(short(body))
    _note_parts(walk, held)


def visit_set(walk: Walk, value: Any, depth: int) -> None:
    """A set by the hashes it already holds: copying it calls neither `__hash__` nor `__eq__`."""
    base = set if peek.is_a(value, set) else frozenset
    length = base.__len__(value)
    walk.tokens.append(("set", length))
    if length > LONG:
        walk.tokens.append(short(identities(_iterated(walk, lambda: base.__iter__(value), length))))
        walk.portable = False
    else:
        _members(walk, frozenset.__new__(frozenset, value))
    _rest(walk, value, base, depth)


def _members(walk: Walk, copied: frozenset[Any]) -> None:
    members = list(islice(copied, _MANY + 1))
    if len(members) <= _MANY and set(map(id, map(type, members))) <= SCALAR_IDS:
        walk.tokens.append(sum(digest_of([member]) for member in members) & (2**64 - 1))
    else:
        walk.tokens.append(hash(copied))
        walk.portable = False


def visit_bytes_like(walk: Walk, value: Any, depth: int) -> None:
    view = memoryview(bytearray.__getitem__(value, slice(None)) if _gives_its_own_buffer(value) else value)
    walk.tokens.append((peek.class_name(type(value)), view.nbytes))
    if not view.contiguous:
        walk.tokens.append(view.tobytes()[:_BUFFER])
    elif view.nbytes > _BUFFER:
        walk.leaves.append(BytesLeaf(view))
    else:
        walk.tokens.append(bytes(view.cast("B")))
    if type(value) is memoryview and value.obj is not None:
        walk.part(value.obj)


def _gives_its_own_buffer(value: object) -> bool:
    """Is it of a class with a `__buffer__` of the user's (from Python 3.12 on)?"""
    return peek.is_a(value, bytearray) and peek.on_class(value, "__buffer__") is not bytearray.__dict__.get("__buffer__")


_DICTS = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)
_SHARED = by_id(
    ((list,), visit_list), ((tuple,), visit_tuple), ((collections.deque,), visit_deque), (_DICTS, visit_dict),
    ((set, frozenset), visit_set), ((bytearray,), visit_bytes_like),
)  # fmt: skip
HANDLERS.update(_SHARED | by_id(((array, memoryview), visit_bytes_like)))
INHERITED.update(_SHARED)
