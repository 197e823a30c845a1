"""Generators, iterators and views: they change by being read, and say little of how far they came.

What they hold is asked of the collector (`gc.get_referents`), which sees through compiled classes and runs no code.
"""

from __future__ import annotations

import collections
import gc
import itertools
import types
from collections.abc import Iterator
from typing import Any

from agentlog import peek
from agentlog.stack import empty_snapshot
from agentlog_ipy.fingerprints.walk import HANDLERS, SCALAR_IDS, Walk, by_id

_ITERABLES: tuple[Any, ...] = (
    [], (), {}, {}.keys(), {}.values(), {}.items(), set(), range(0), range(1 << 100), reversed([]), "", b"", bytearray(),
    collections.deque(), reversed({}), reversed(collections.deque()),
)  # fmt: skip
_COUNTED = tuple({type(iter(made)) for made in _ITERABLES if hasattr(type(iter(made)), "__length_hint__")})
_OVER_OTHERS: tuple[type, ...] = (
    zip, enumerate, map, filter, itertools.chain, itertools.islice, itertools.takewhile, itertools.dropwhile, itertools.starmap,
    itertools.zip_longest, itertools.accumulate, itertools.compress, itertools.filterfalse, itertools.groupby,
    *((itertools.pairwise,) if hasattr(itertools, "pairwise") else ()),
)  # fmt: skip
_BLIND: tuple[type, ...] = (
    itertools.cycle, type(itertools.tee(())[0]), itertools.product, itertools.permutations, itertools.combinations,
    itertools.combinations_with_replacement,
)  # fmt: skip
_GENERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()), types.MappingProxyType)
CONSUMED = frozenset(map(id, (*_COUNTED, *_OVER_OTHERS, *_BLIND, *_GENERATORS, itertools.count)))
"""Types whose objects change when somebody reads them, by id."""


def visit_counted(walk: Walk, value: Any, depth: int) -> None:
    """How many are left: read from the iterator's own counter."""
    walk.tokens.append((peek.class_name(type(value)), type(value).__length_hint__(value)))


def visit_over_others(walk: Walk, value: Any, depth: int) -> None:
    """zip, map, chain, ...: how far those came that it reads."""
    walk.tokens.append(peek.class_name(type(value)))
    walk.portable = False
    inner = list(_iterators_in(value))
    for part in inner:
        walk.visit(part, depth + 1)
    if not inner:
        walk.skip(1, "an iterator that does not say how far it came")


def _iterators_in(value: object) -> Iterator[object]:
    for part in gc.get_referents(value):
        if type(part) is tuple:
            yield from (item for item in part if _iterates(item))
        elif _iterates(part):
            yield part


def _iterates(value: object) -> bool:
    return not peek.is_a(value, type) and peek.on_class(value, "__next__") is not None


def visit_blind(walk: Walk, value: Any, depth: int) -> None:
    """cycle, tee, product: nothing tells how far they came."""
    walk.tokens.append(peek.class_name(type(value)))
    walk.portable = False
    walk.skip(1, "an iterator that does not say how far it came")


def visit_count(walk: Walk, value: Any, depth: int) -> None:
    if all(id(type(part)) in SCALAR_IDS for part in gc.get_referents(value) if not peek.is_a(part, type)):
        walk.tokens.append(repr(value))
    else:  # it counts with numbers of a class somebody wrote, whose text would be asked of them
        visit_blind(walk, value, depth)


def visit_generator(walk: Walk, value: Any, depth: int) -> None:
    """Where it stands, its variables, and the iterators of the loops it is in (those are on its stack only)."""
    walk.portable = False
    for prefix in ("gi", "cr", "ag"):
        if not hasattr(type(value), f"{prefix}_frame"):
            continue
        frame = getattr(value, f"{prefix}_frame")
        walk.tokens.append((prefix, None if frame is None else (frame.f_lasti, frame.f_lineno)))
        if frame is not None:
            _variables(walk, frame, depth)
            for holder in (value, frame):  # the stack hangs on the generator since Python 3.11, before on the frame
                for part in _iterators_in(holder):
                    walk.visit(part, depth + 1)


def _variables(walk: Walk, frame: Any, depth: int) -> None:
    """Plain ones by content, all others by which object they are: it may stand at the same line, one element further."""
    held = list(frame.f_locals.items())
    empty_snapshot(frame)
    for name, item in held:
        walk.tokens.append(name)
        if id(type(item)) in SCALAR_IDS:
            walk.scalar(item)
        elif type(item) is list or type(item) is dict or type(item) is tuple:
            walk.visit(item, depth + 1)
        else:
            walk.identity(item)


def visit_view(walk: Walk, value: Any, depth: int) -> None:
    """The keys, values or items of a dict: the dict."""
    walk.tokens.append(peek.class_name(type(value)))
    for part in gc.get_referents(value):
        if peek.is_a(part, dict):
            walk.visit(part, depth + 1)


HANDLERS.update(by_id(
    (_GENERATORS, visit_generator), (_COUNTED, visit_counted), (_OVER_OTHERS, visit_over_others), (_BLIND, visit_blind),
    ((itertools.count,), visit_count), (_VIEWS, visit_view),
))  # fmt: skip
