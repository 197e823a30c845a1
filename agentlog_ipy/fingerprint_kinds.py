"""How the objects of the standard library are walked by `fingerprint`: functions, generators, iterators, streams, ...

An iterator or generator changes by being read; a function by its code, defaults, closure and attributes.
"""

from __future__ import annotations

import collections
import functools
import io
import itertools
import random
import types
from array import array
from typing import Any

from agentlog import peek
from agentlog_ipy import fingerprint
from agentlog_ipy.fingerprint import Walk, visit_identity


def visit_function(walk: Walk, value: Any, depth: int) -> None:
    code = value.__code__
    walk.tokens.append((code.co_name, code.co_code, repr(code.co_names), code.co_varnames))
    for constant in code.co_consts:
        if type(constant) in fingerprint.SCALARS:
            walk.scalar(constant)
        elif type(constant) is types.CodeType:
            walk.tokens.append(constant.co_code)
    for part in (value.__defaults__, value.__kwdefaults__, value.__dict__ or None):
        walk.visit(part, depth + 1)
    for cell in value.__closure__ or ():
        try:
            walk.visit(cell.cell_contents, depth + 1)
        except ValueError:  # the closure's variable is not bound yet
            walk.tokens.append(None)


def visit_method(walk: Walk, value: Any, depth: int) -> None:
    walk.visit(value.__func__, depth + 1)
    walk.visit(value.__self__, depth + 1)


def visit_partial(walk: Walk, value: Any, depth: int) -> None:
    for part in (value.func, value.args, value.keywords):
        walk.visit(part, depth + 1)


def visit_wrapper(walk: Walk, value: Any, depth: int) -> None:
    """An lru_cache: the function, not what it remembers."""
    walk.visit(peek.own(value, "__wrapped__"), depth + 1)


def visit_bound_function(walk: Walk, value: Any, depth: int) -> None:
    walk.visit(value.__func__, depth + 1)


def visit_property(walk: Walk, value: Any, depth: int) -> None:
    for part in (value.fget, value.fset, value.fdel):
        walk.visit(part, depth + 1)


def visit_generator(walk: Walk, value: Any, depth: int) -> None:
    for prefix in ("gi", "cr", "ag"):
        if hasattr(type(value), f"{prefix}_frame"):
            frame = getattr(value, f"{prefix}_frame")
            walk.tokens.append((prefix, None if frame is None else (frame.f_lasti, frame.f_lineno)))
            if frame is not None:
                _frame_counters(walk, frame)


def _frame_counters(walk: Walk, frame: Any) -> None:
    """Small locals of a suspended generator: it may stand at the same line, one element further."""
    for name, item in frame.f_locals.items():
        if id(type(item)) in fingerprint.SCALAR_IDS:
            walk.tokens.append(name)
            walk.scalar(item)
        elif id(type(item)) in _ITERATOR_IDS:
            walk.visit(item, 0)


def visit_iterator(walk: Walk, value: Any, depth: int) -> None:
    """How many are left: read from the iterator's own counter."""
    walk.tokens.append((peek.class_name(type(value)), type(value).__length_hint__(value)))


def visit_reducible(walk: Walk, value: Any, depth: int) -> None:
    """count, cycle, zip, enumerate: nothing tells how far they came but text (count) or nothing at all."""
    walk.tokens.append(repr(value) if type(value) is itertools.count else peek.class_name(type(value)))
    walk.portable = False
    walk.skip(1, "an iterator that does not say how far it came") if type(value) is not itertools.count else None


def visit_memory_stream(walk: Walk, value: Any, depth: int) -> None:
    if value.closed:
        walk.tokens.append("closed")
        return
    base = io.StringIO if type(value) is io.StringIO else io.BytesIO
    walk.tokens.append(base.tell(value))
    walk.temporary(base.getvalue(value), depth)


def visit_file(walk: Walk, value: Any, depth: int) -> None:
    """A file: whether it is closed and how far its buffer was read; the contents are on the disk."""
    walk.portable = False
    walk.tokens.append((peek.class_name(type(value)), value.closed))
    raw = value.buffer if type(value) is io.TextIOWrapper else value
    if not value.closed and type(raw) in (io.BufferedReader, io.BufferedRandom):
        walk.tokens.append(raw.tell() if raw.seekable() else 0)


def visit_random(walk: Walk, value: Any, depth: int) -> None:
    walk.temporary(random.Random.getstate(value)[1], depth)


def visit_range(walk: Walk, value: range, depth: int) -> None:
    walk.tokens.append((value.start, value.stop, value.step))


def visit_text(walk: Walk, value: Any, depth: int) -> None:
    """Immutable, and its exact type's repr is the standard library's."""
    walk.tokens.append(repr(value))


def visit_builtin(walk: Walk, value: Any, depth: int) -> None:
    walk.tokens.append(value.__name__)
    owner = value.__self__
    if owner is not None and not peek.is_a(owner, types.ModuleType):
        walk.visit(owner, depth + 1)


def visit_module(walk: Walk, value: Any, depth: int) -> None:
    walk.tokens.append(peek.module_dict(value).get("__name__") if type(value) is types.ModuleType else "module")


_ITERABLES: tuple[Any, ...] = (
    [], (), {}, {}.keys(), {}.values(), {}.items(), set(), range(0), range(1 << 100), reversed([]), "", b"", bytearray()
)  # fmt: skip
_ITERATORS = tuple(type(iter(made)) for made in _ITERABLES if hasattr(type(iter(made)), "__length_hint__"))
_ITERATOR_IDS = frozenset(map(id, _ITERATORS))


def _immutables() -> list[type]:
    import datetime
    import decimal
    import fractions
    import pathlib
    import re
    import uuid

    return [datetime.datetime, datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, fractions.Fraction, uuid.UUID,
            type(pathlib.Path()), pathlib.PurePosixPath, pathlib.PureWindowsPath, re.Pattern, type(NotImplemented)]  # fmt: skip


def _by_id(*pairs: tuple[tuple[type, ...], Any]) -> dict[int, Any]:
    return {id(kind): handler for kinds, handler in pairs for kind in kinds}


def register() -> None:
    """Fill the tables of `fingerprint`."""
    dicts = (dict, collections.OrderedDict, collections.defaultdict, collections.Counter)
    lazy = (itertools.count, itertools.cycle, zip, enumerate, map, filter, itertools.chain)
    files = (io.TextIOWrapper, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.FileIO)
    shared: tuple[tuple[tuple[type, ...], Any], ...] = (
        ((list,), fingerprint.visit_list), ((tuple,), fingerprint.visit_tuple), ((collections.deque,), fingerprint.visit_deque),
        (dicts, fingerprint.visit_dict), ((set, frozenset), fingerprint.visit_set), ((bytearray,), fingerprint.visit_bytes_like),
    )  # fmt: skip
    fingerprint.HANDLERS.update(_by_id(
        *shared, ((array, memoryview), fingerprint.visit_bytes_like), ((type,), fingerprint.visit_class),
        ((types.FunctionType,), visit_function), ((types.MethodType,), visit_method), ((functools.partial,), visit_partial),
        ((staticmethod, classmethod), visit_bound_function), ((property,), visit_property),
        ((types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType), visit_generator), (_ITERATORS, visit_iterator),
        (lazy, visit_reducible), ((io.StringIO, io.BytesIO), visit_memory_stream), (files, visit_file),
        ((random.Random,), visit_random), ((range,), visit_range), ((types.ModuleType,), visit_module),
        ((types.BuiltinFunctionType,), visit_builtin), ((type(functools.lru_cache(len)),), visit_wrapper),
        ((*_immutables(), slice), visit_text), ((types.CodeType, types.FrameType, types.TracebackType), visit_identity),
    ))  # fmt: skip
    fingerprint.INHERITED.update(_by_id(
        *shared, ((type,), fingerprint.visit_class), ((types.ModuleType,), visit_identity), ((int, float), _number), ((str,), _text),
    ))  # fmt: skip


def _number(walk: Walk, value: Any, depth: int) -> None:
    base = int if peek.is_a(value, int) else float
    walk.tokens.append(base.__pos__(value))
    walk.named(peek.attributes(value), value, depth)


def _text(walk: Walk, value: Any, depth: int) -> None:
    walk.tokens.append(str.__str__(value)[:4096])
    walk.named(peek.attributes(value), value, depth)


register()
