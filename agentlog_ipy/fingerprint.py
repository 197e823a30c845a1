"""Telling whether an object has changed, by content, without keeping it and without running the user's code.

`outline(value)` walks an object once and gives its `Outline`: a digest of its structure and of everything small in it,
the parts it is made of (by id, to recognise aliases), and its large `Leaf`s, which are digested chunk by chunk as far
as the time goes. Coverage never depends on the clock: two outlines of the same object can always be compared.

Known holes (see docs/limits.md): an element deep inside a container of more than `WALK_ALL` complex objects that the
sample misses (`complete` is False then), opaque C objects, memory written by device kernels, files and databases.
"""

from __future__ import annotations

import marshal
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import field
from functools import cached_property
from hashlib import blake2b
from itertools import chain, islice
from typing import Any, Protocol

from agentlog import peek
from agentlog.classes import dataclass

WALK_ALL = 2_000
"""Containers of complex objects up to this size are walked item by item; of larger ones `SAMPLE` items are."""
SAMPLE = 128
NODES = 20_000
"""Objects visited in one value; beyond it only identities count."""
LONG = 16_384
"""Lists longer than this are digested chunk by chunk."""
CHUNK = 8_192
_DEPTH = 60
_LONG_TEXT = 65_536

SCALARS = frozenset({int, float, complex, bool, str, bytes, type(None), type(Ellipsis)})
SCALAR_IDS = frozenset(map(id, SCALARS))
_TEXT_IDS = frozenset({id(str), id(bytes)})
_BOX_IDS = frozenset({id(list), id(tuple), id(dict)})
_CACHES = frozenset({"_cache", "_item_cache", "_accessors", "_hash", "_hash_cache"})
_MACHINERY = frozenset(
    {
        "IPython",
        "ipykernel",
        "traitlets",
        "zmq",
        "tornado",
        "jupyter_client",
        "asyncio",
        "logging",
        "agentlog",
        "agentlog_ipy",
        "_pytest",
    }
)
"""Packages whose objects are the host's machinery: never walked, they lead everywhere."""
_CLASS_NOISE = frozenset(
    {"__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__firstlineno__", "__static_attributes__"}
)


class OutOfTime(Exception):
    """The deadline passed before the look was done."""


class Leaf(Protocol):
    """A large part of a value, digested in `chunks` pieces of about a millisecond each."""

    @property
    def chunks(self) -> int: ...

    def digest(self, chunk: int) -> int:
        """64 bits of the content of one piece."""


@dataclass(slots=True)
class Outline:
    """What a value was at one moment.

    structure  digest of all that is small, and of a sample of what is large
    leaves     the large parts; held only while the look lasts
    parts      ids of the mutable objects it is made of
    spans      memory (start, end) of its arrays
    complete   False where some items were only sampled; `looked_at` says so in words
    portable   the digest means the same in another process
    """

    structure: int
    leaves: list[Leaf] = field(default_factory=list)
    parts: frozenset[int] = frozenset()
    spans: tuple[tuple[int, int], ...] = ()
    complete: bool = True
    portable: bool = True
    looked_at: str = ""

    def chunks(self) -> int:
        """Pieces still to be digested for a full comparison."""
        return sum(leaf.chunks for leaf in self.leaves)

    def pieces(self) -> Iterator[tuple[Leaf, int]]:
        """(leaf, number in the leaf) of every piece, in order."""
        return ((leaf, chunk) for leaf in self.leaves for chunk in range(leaf.chunks))


def outline(value: object, deadline: float = float("inf")) -> Outline:
    """The outline of `value`. Raises OutOfTime after `deadline` (time.perf_counter()), or what a hostile object raises."""
    walk = Walk(deadline)
    walk.visit(value, 0)
    return Outline(
        structure=digest_of(walk.tokens),
        leaves=walk.leaves,
        parts=frozenset(islice(walk.memo, 4000)),
        spans=tuple(walk.spans[:256]),
        complete=walk.missed == 0,
        portable=walk.portable,
        looked_at=walk.looked_at,
    )


def digest_of(tokens: list[Any]) -> int:
    """64 bits of a list of scalars and lists of scalars, the same in every process."""
    return int.from_bytes(blake2b(marshal.dumps(tokens, 2), digest_size=8).digest(), "big")


class Walk:
    """One walk over one value: collects tokens (plain scalars) and leaves."""

    __slots__ = ("deadline", "keep", "leaves", "looked_at", "memo", "missed", "nodes", "portable", "spans", "tokens")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.tokens: list[Any] = []
        self.leaves: list[Leaf] = []
        self.memo: dict[int, int] = {}
        self.keep: list[object] = []  # temporary objects, so that their ids stay theirs
        self.spans: list[tuple[int, int]] = []
        self.nodes = 0
        self.missed = 0
        self.portable = True
        self.looked_at = ""

    def visit(self, value: object, depth: int) -> None:
        kind = type(value)
        if id(kind) in SCALAR_IDS:
            self.scalar(value)
            return
        known = self.memo.get(id(value))
        if known is not None:
            self.tokens.append(("@", known))
            return
        self.memo[id(value)] = len(self.memo)
        self.nodes += 1
        if not self.nodes & 31 and time.perf_counter() > self.deadline:
            raise OutOfTime
        if self.nodes > NODES or depth > _DEPTH:
            self.skip(1, "its first 20000 parts")
            self.identity(value)
            return
        handler = HANDLERS.get(id(kind)) or _handler_of(value)
        handler(self, value, depth)

    def scalar(self, value: Any) -> None:
        if type(value) in (str, bytes) and len(value) > _LONG_TEXT:
            self.tokens.append((len(value), value[:256], value[-256:]))
            self.identity(value)  # immutable: the same object is the same text
        else:
            self.tokens.append(value)

    def identity(self, value: object) -> None:
        """Only which object it is counts."""
        self.tokens.append(id(value))
        self.portable = False

    def skip(self, items: int, looked_at: str) -> None:
        """Note that `items` were not looked into."""
        self.missed += items
        self.looked_at = self.looked_at or looked_at

    def temporary(self, value: object, depth: int) -> None:
        """Visit something made for this walk."""
        self.keep.append(value)
        self.visit(value, depth + 1)

    def named(self, items: Iterator[tuple[str, Any]], value: object, depth: int) -> None:
        """Attributes, without the caches that fill when somebody reads."""
        for name, item in list(items):
            if name in _CACHES or type(peek.on_class(value, name)) is cached_property:
                continue
            self.tokens.append(name)
            self.visit(item, depth + 1)


Handler = Callable[[Walk, Any, int], None]
HANDLERS: dict[int, Handler] = {}
"""id of an exact type -> how it is walked. By id: a metaclass may define `__hash__`."""
LIBRARIES: dict[str, Handler] = {}
"""Top-level package of a class -> how its objects are walked (filled by `fingerprint_arrays`)."""
INHERITED: dict[int, Handler] = {}
"""id of a base type -> how instances of its subclasses are walked."""
_resolved: dict[int, tuple[type, Handler]] = {}  # classes of libraries only: they live as long as the library


def _handler_of(value: object) -> Handler:
    kind = type(value)
    found = _resolved.get(id(kind))
    if found is not None and found[0] is kind:
        return found[1]
    for base in peek.mro(kind):
        if id(base) in INHERITED:
            return INHERITED[id(base)]
    for base in peek.mro(kind):
        package = (peek.class_module(base) or "").partition(".")[0]
        if package in _MACHINERY:
            return visit_identity
        if package in LIBRARIES and peek.genuine(base):
            if base is kind:
                _resolved[id(kind)] = (kind, LIBRARIES[package])
            return LIBRARIES[package]
    return visit_object


# --- plain data at the speed of C -----------------------------------------------------------------------------


def plain_bytes(items: list[Any]) -> bytes | None:
    """`items` as bytes where all of it, six levels down, is exact scalars, lists, tuples and dicts; else None."""
    level: list[Any] = items
    for _ in range(6):
        kinds = set(map(id, map(type, level)))
        if kinds & _TEXT_IDS and sum(len(x) for x in level if type(x) is str or type(x) is bytes) > 4_000_000:
            return None
        if kinds <= SCALAR_IDS:
            return marshal.dumps(items, 2)
        if not kinds <= SCALAR_IDS | _BOX_IDS:
            return None
        level = _below(level)
        if len(level) > 200_000:
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


class ListLeaf:
    """A long list, tuple or array of objects: `CHUNK` items a piece, by content where plain, else by identity."""

    def __init__(self, items: Any, length: int, take: Callable[[Any, int, int], list[Any]]) -> None:
        self._items, self._length, self._take = items, length, take

    @property
    def chunks(self) -> int:
        return -(-self._length // CHUNK)

    def digest(self, chunk: int) -> int:
        items = self._take(self._items, chunk * CHUNK, (chunk + 1) * CHUNK)
        return _items_digest(items)


class DictLeaf:
    """A long dict, `CHUNK` entries a piece; pieces are cheap in order, as a dict can only be read from its start."""

    def __init__(self, items: Any, length: int) -> None:
        self._items, self._length = items, length
        self._iterator: Iterator[tuple[Any, Any]] = iter(())
        self._next = -1

    @property
    def chunks(self) -> int:
        return -(-self._length // CHUNK)

    def digest(self, chunk: int) -> int:
        if chunk != self._next:
            self._iterator = islice(iter(self._items), chunk * CHUNK, None)
        self._next = chunk + 1
        return _items_digest(list(chain.from_iterable(islice(self._iterator, CHUNK))))


def _items_digest(items: list[Any]) -> int:
    body = plain_bytes(items)
    if body is None:
        body = array("Q", map(id, items)).tobytes()
    return int.from_bytes(blake2b(body, digest_size=8).digest(), "big")


# --- containers -----------------------------------------------------------------------------------------------


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
    base: Any = next(base for base in peek.mro(type(value)) if id(base) in HANDLERS)
    items = list(base.__iter__(value))
    _sequence(walk, items, len(items), _slice, depth)
    _rest(walk, value, base, depth)


def _rest(walk: Walk, value: object, base: type, depth: int) -> None:
    """The attributes of an instance of a subclass."""
    if type(value) is not base:
        walk.tokens.append(peek.qualified_name(type(value)))
        walk.named(peek.attributes(value), value, depth)


def _sequence(walk: Walk, items: Any, length: int, take: Callable[[Any, int, int], list[Any]], depth: int) -> None:
    walk.tokens.append(("seq", length))
    if length > LONG:
        long_sequence(walk, items, length, take, depth)
        return
    held = take(items, 0, length)
    body = plain_bytes(held) if length > 8 else None
    if body is not None and _no_boxes(held):
        walk.tokens.append(body if len(body) < 256 else blake2b(body, digest_size=8).digest())
    elif body is not None and length > 256:
        walk.tokens.append(blake2b(body, digest_size=8).digest())
        _note_parts(walk, held)
    else:
        _items(walk, held, length, depth)


def _no_boxes(items: list[Any]) -> bool:
    return not set(map(id, map(type, items))) & _BOX_IDS


def _note_parts(walk: Walk, items: list[Any]) -> None:
    """Boxes inside plain data are parts too: somebody may hold one under another name."""
    for item in items[:WALK_ALL]:
        if type(item) is list or type(item) is dict:
            walk.memo.setdefault(id(item), len(walk.memo))


def _items(walk: Walk, held: list[Any], length: int, depth: int) -> None:
    if length <= WALK_ALL:
        for item in held:
            walk.visit(item, depth + 1)
        return
    walk.tokens.append(blake2b(array("Q", map(id, held)).tobytes(), digest_size=8).digest())
    walk.portable = False
    _sampled(walk, held, length, depth)


def _sampled(walk: Walk, held: list[Any], length: int, depth: int) -> None:
    walk.skip(length - SAMPLE, f"{SAMPLE} of {length} items")
    for item in held[:: max(1, length // SAMPLE)]:
        walk.visit(item, depth + 1)


def long_sequence(walk: Walk, items: Any, length: int, take: Callable[[Any, int, int], list[Any]], depth: int) -> None:
    """A sequence of more than `LONG` items: a leaf, and a sample of what is in it."""
    walk.leaves.append(ListLeaf(items, length, take))
    step = length // SAMPLE
    sample = [item for position in range(SAMPLE) for item in take(items, position * step, position * step + 1)]
    sample += take(items, length - 1, length)
    if plain_bytes(sample) is None:  # complex objects: what is inside them is not in the leaf's digest
        walk.portable = False
        walk.skip(length - SAMPLE, f"{SAMPLE} of {length} items")
    for item in sample:
        walk.visit(item, depth + 1)


def visit_dict(walk: Walk, value: dict[Any, Any], depth: int) -> None:
    base = _dict_base(value)
    length = dict.__len__(value)
    walk.tokens.append(("map", length))
    items = base.items(value)
    if length <= 64:
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
    from collections import OrderedDict, defaultdict

    for base in peek.mro(type(value)):
        if base is OrderedDict or base is defaultdict or base is dict:
            return base
    return dict


def _long_dict(walk: Walk, items: Any, length: int, depth: int) -> None:
    """A dict of more than 64 entries: by content where plain, else item by item, or identities and a sample."""
    if length > LONG:
        walk.leaves.append(DictLeaf(items, length))
        sample = list(chain.from_iterable(islice(items, 0, SAMPLE)))
        if plain_bytes(sample) is None:
            walk.portable = False
            walk.skip(length - SAMPLE, f"{SAMPLE} of {length} entries")
        for part in sample:
            walk.visit(part, depth + 1)
        return
    held = list(chain.from_iterable(items))
    body = plain_bytes(held)
    if body is None:
        _items(walk, held, len(held), depth)
        return
    walk.tokens.append(blake2b(body, digest_size=8).digest())
    _note_parts(walk, held)


def visit_set(walk: Walk, value: Any, depth: int) -> None:
    """A set by the hashes it already holds: copying it calls neither `__hash__` nor `__eq__`."""
    copied = frozenset.__new__(frozenset, value)
    walk.tokens.append(("set", len(copied)))
    if len(copied) > LONG and time.perf_counter() > walk.deadline:
        raise OutOfTime
    members = list(islice(copied, 257))
    if len(members) <= 256 and set(map(id, map(type, members))) <= SCALAR_IDS:
        walk.tokens.append(sum(digest_of([member]) for member in members) & (2**64 - 1))
    else:
        walk.tokens.append(hash(copied))
        walk.portable = False
    _rest(walk, value, set if peek.is_a(value, set) else frozenset, depth)


def visit_bytes_like(walk: Walk, value: Any, depth: int) -> None:
    view = memoryview(value)
    walk.tokens.append((peek.class_name(type(value)), view.nbytes))
    if view.contiguous:
        walk.leaves.append(BytesLeaf(view)) if view.nbytes > 65_536 else walk.tokens.append(bytes(view.cast("B")))
    else:
        walk.tokens.append(view.tobytes()[:65_536])


class BytesLeaf:
    """A bytearray, array or memoryview in pieces of a megabyte."""

    SIZE = 1 << 20

    def __init__(self, view: memoryview) -> None:
        self._view = view.cast("B")

    @property
    def chunks(self) -> int:
        return -(-self._view.nbytes // self.SIZE)

    def digest(self, chunk: int) -> int:
        piece = self._view[chunk * self.SIZE : (chunk + 1) * self.SIZE]
        return int.from_bytes(blake2b(piece, digest_size=8).digest(), "big")


# --- objects --------------------------------------------------------------------------------------------------


def visit_object(walk: Walk, value: object, depth: int) -> None:
    """An instance: its class and what it holds itself. What holds nothing that can be seen is told by identity."""
    walk.tokens.append(peek.qualified_name(type(value)))
    before = len(walk.tokens)
    walk.named(peek.attributes(value), value, depth)
    if len(walk.tokens) == before and peek.own_dict(value) is None:
        walk.identity(value)
        walk.skip(1, "only that it is the same object")


def visit_identity(walk: Walk, value: object, depth: int) -> None:
    walk.identity(value)


def visit_class(walk: Walk, value: type, depth: int) -> None:
    """A class of the user's by its attributes, any other by identity."""
    if peek.class_module(value) != "__main__":
        walk.identity(value)
        return
    walk.tokens.append(peek.qualified_name(value))
    for name, item in list(peek.class_dict(value).items()):
        if name not in _CLASS_NOISE and not name.startswith(("__abstract", "_abc_", "__orig", "__pydantic", "__attrs")):
            walk.tokens.append(name)
            walk.visit(item, depth + 1)
