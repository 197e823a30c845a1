"""The walk over one value: what it collects, and which handler walks which type.

A handler appends tokens (plain scalars, lists of them) for all that is small, and leaves for what is large.
"""

from __future__ import annotations

import gc
import marshal
from collections.abc import Callable, Iterator
from functools import cached_property
from hashlib import blake2b
from types import BuiltinMethodType, ModuleType
from typing import Any, Protocol

from agentlog import peek
from agentlog.clock import clock

NODES = 20_000
"""Objects visited in one value; beyond it only identities count."""
_DEPTH = 60
_LONG_TEXT = 65_536
_HELD = 64
"""Objects held by one of a compiled class that are noted."""

SCALARS = frozenset({int, float, complex, bool, str, bytes, type(None), type(Ellipsis)})
SCALAR_IDS = frozenset(map(id, SCALARS))
_CACHES = frozenset({"_cache", "_item_cache", "_accessors", "_hash", "_hash_cache"})
_MACHINERY = frozenset({
    "IPython", "ipykernel", "traitlets", "zmq", "tornado", "jupyter_client", "asyncio", "logging", "agentlog", "agentlog_ipy",
    "_pytest",
})  # fmt: skip
"""Packages whose objects are the host's machinery: never walked, they lead everywhere."""


class OutOfTime(Exception):
    """The deadline passed before the look was done."""


class Leaf(Protocol):
    """A large part of a value, digested in `chunks` pieces of about a millisecond each."""

    @property
    def chunks(self) -> int: ...

    def digest(self, chunk: int) -> int:
        """64 bits of the content of one piece."""


def digest_of(tokens: list[Any]) -> int:
    """64 bits of a list of scalars and lists of scalars, the same in every process."""
    return short(marshal.dumps(tokens, 2))


def short(body: Any) -> int:
    """64 bits of `body` (bytes or a buffer)."""
    return int.from_bytes(blake2b(body, digest_size=8).digest(), "big")


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
        self.step()
        if self.nodes > NODES or depth > _DEPTH:
            self.skip(1, "its first 20000 parts")
            self.identity(value)
            return
        handler = HANDLERS.get(id(kind)) or _handler_of(value)
        handler(self, value, depth)

    def step(self) -> None:
        """One more part. Raises OutOfTime."""
        self.nodes += 1
        if not self.nodes & 31 and clock.perf_counter() > self.deadline:
            raise OutOfTime

    def part(self, value: object) -> None:
        """Note that `value` is a part, to recognise who shares it, without looking at it."""
        self.memo.setdefault(id(value), len(self.memo))

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

    def attributes(self, value: object, depth: int) -> None:
        """All that an instance holds itself."""
        self.named(peek.attributes(value), value, depth)


Handler = Callable[[Walk, Any, int], None]
HANDLERS: dict[int, Handler] = {}
"""id of an exact type -> how it is walked. By id: a metaclass may define `__hash__`."""
LIBRARIES: dict[str, Handler] = {}
"""Top-level package of a class -> how its objects are walked."""
INHERITED: dict[int, Handler] = {}
"""id of a base type -> how instances of its subclasses are walked."""
_resolved: dict[int, tuple[type, Handler]] = {}  # classes of libraries only: they live as long as the library


def by_id(*pairs: tuple[tuple[type, ...], Handler]) -> dict[int, Handler]:
    """(types, their handler) as a table."""
    return {id(kind): handler for kinds, handler in pairs for kind in kinds}


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


def visit_object(walk: Walk, value: object, depth: int) -> None:
    """An instance: its class and what it holds itself. What holds nothing that can be seen is told by identity."""
    walk.tokens.append(peek.qualified_name(type(value)))
    for base in peek.mro(type(value)):
        if peek.class_module(base) == "__main__":  # what is changed through an instance may be its class's
            walk.part(base)
    before = len(walk.tokens)
    walk.attributes(value, depth)
    if peek.own_dict(value) is None:
        _note_held(walk, value)
        if len(walk.tokens) == before:
            visit_opaque(walk, value, depth)


def visit_opaque(walk: Walk, value: object, depth: int) -> None:
    """What a compiled class holds cannot be seen."""
    walk.identity(value)
    walk.skip(1, "only that it is the same object")


def _note_held(walk: Walk, value: object) -> None:
    """Which objects a compiled class holds, if not what they are (`csv.writer` and its file)."""
    for held in gc.get_referents(value)[:_HELD]:
        if type(held) is BuiltinMethodType:
            held = held.__self__
        if not peek.is_a(held, type) and not peek.is_a(held, ModuleType) and id(type(held)) not in SCALAR_IDS:
            walk.part(held)


def visit_identity(walk: Walk, value: object, depth: int) -> None:
    """What is not the user's to change, or leads everywhere."""
    walk.identity(value)
