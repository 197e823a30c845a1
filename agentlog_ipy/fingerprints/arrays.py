"""numpy arrays: shape, dtype and content; small content at once, large content as a leaf and a sample.

`span`, `visit_array` and `rows` are also what frames and tensors are told by.
"""

from __future__ import annotations

import sys
from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints.containers import LONG, long_sequence
from agentlog_ipy.fingerprints.walk import LIBRARIES, Walk, short, visit_object
from agentlog_ipy.fingerprints.words import ArrayLeaf, StridedLeaf, rows_digests, words_digest, words_of

_SMALL_BYTES = 512
_INLINE_BYTES = 65_536
_SAMPLE, _LEAST_SAMPLE = 512, 32
"""Words of a large array that are compared at once; all rows of a table share them."""


def visit_numpy(walk: Walk, value: Any, depth: int) -> None:
    np = sys.modules["numpy"]
    if peek.is_a(value, np.ndarray):
        visit_array(walk, value, depth)
        walk.tokens.append(value.flags.writeable)
        if type(value) is not np.ndarray:
            walk.attributes(value, depth)
    elif peek.is_a(value, np.generic):
        if peek.is_a(value, np.void) and peek.is_a(value.base, np.ndarray):  # a record of an array: a view of it
            span(walk, np.ndarray.view(value.base, np.ndarray))
        walk.tokens.append((value.dtype.str, np.generic.tobytes(value)) if not value.dtype.hasobject else id(value))
    elif peek.is_a(value, np.random.Generator):
        walk.part(value.bit_generator)
        walk.temporary(value.bit_generator.state, depth)
    elif peek.is_a(value, np.random.BitGenerator):
        walk.temporary(value.state, depth)
    elif peek.is_a(value, np.random.RandomState):
        walk.temporary(list(value.get_state(legacy=True)), depth)
    elif peek.is_a(value, np.nditer):
        _visit_nditer(walk, value)
    elif peek.is_a(value, np.dtype):
        walk.tokens.append(value.str if value.names is None else repr(value))
    elif peek.is_a(value, np.ufunc):
        walk.tokens.append(value.__name__)
    else:
        visit_object(walk, value, depth)


def _visit_nditer(walk: Walk, value: Any) -> None:
    walk.tokens.append((value.iterindex, value.finished))
    if not value.iterindex:
        walk.skip(1, "an iterator that does not say whether it began")


def visit_array(walk: Walk, value: Any, depth: int) -> None:
    """Shape, dtype and content of an array."""
    walk.step()
    np = sys.modules["numpy"]
    base = value if type(value) is np.ndarray else np.ndarray.view(value, np.ndarray)
    walk.keep.append(base)
    dtype = base.dtype
    walk.tokens.append((base.shape, dtype.str if dtype.names is None else str(dtype)))
    if dtype.hasobject:
        _object_array(walk, base, depth)
        return
    span(walk, base)
    size = base.nbytes
    if size <= _SMALL_BYTES:
        walk.tokens.append(base.tobytes())
    elif size <= _INLINE_BYTES:
        walk.tokens.append(words_digest(*words_of(_flat(base, copy=True))))
    else:
        _large_array(walk, base)


def rows(walk: Walk, table: Any) -> list[tuple[list[Any], ArrayLeaf | None]]:
    """(tokens, leaf) of each row of a C-contiguous table of plain numbers: a row as an array of its own, all in a few calls."""
    walk.step()
    np = sys.modules["numpy"]
    count, length = table.shape
    head = [((length,), table.dtype.str)] if table.dtype.names is None else [((length,), str(table.dtype))]
    walk.keep.append(table)
    span(walk, table)
    size = length * table.itemsize
    if size <= _SMALL_BYTES:
        return [([*head, row.tobytes()], None) for row in table]
    if size > _INLINE_BYTES:
        step = max(1, length // max(_LEAST_SAMPLE, _SAMPLE // count))
        sample = np.ascontiguousarray(table[:, ::step])
        return [([*head, short(sample[number].tobytes())], ArrayLeaf(table, number)) for number in range(count)]
    if size % 8:
        return [([*head, words_digest(*words_of(row))], None) for row in table]
    return [([*head, digest], None) for digest in rows_digests(table.view(np.uint64))]


def _flat(base: Any, copy: bool = False) -> Any:
    """`base` as one contiguous dimension without copying (or with, where asked); None where that cannot be."""
    if base.flags.c_contiguous:
        return base.reshape(-1)
    if base.flags.f_contiguous:
        return base.T.reshape(-1)
    return sys.modules["numpy"].ascontiguousarray(base).reshape(-1) if copy else None


def _large_array(walk: Walk, base: Any) -> None:
    flat = _flat(base)
    if flat is None:
        walk.leaves.append(StridedLeaf(base))
        return
    walk.leaves.append(ArrayLeaf(flat))
    walk.tokens.append(short(flat[:: max(1, len(flat) // _SAMPLE)].tobytes()))


def span(walk: Walk, base: Any) -> None:
    """Note the memory that an array stands in."""
    owner = base.base
    if owner is not None and not peek.is_a(owner, sys.modules["numpy"].ndarray):
        walk.part(owner.obj if type(owner) is memoryview else owner)  # a bytearray, an array, a mapped file
    if base.size and len(walk.spans) < 256:
        start = end = base.__array_interface__["data"][0]
        if base.flags.c_contiguous:
            walk.spans.append((start, start + base.nbytes))
            return
        for length, stride in zip(base.shape, base.strides, strict=True):
            start += min(0, (length - 1) * stride)
            end += max(0, (length - 1) * stride)
        walk.spans.append((start, end + base.itemsize))


def _object_array(walk: Walk, base: Any, depth: int) -> None:
    if base.dtype.names is not None:
        walk.skip(1, "a structured array that holds objects")
        walk.identity(base)
        return
    flat = base.ravel(order="K")
    walk.keep.append(flat)
    if len(flat) > LONG:
        long_sequence(walk, flat, len(flat), _take_objects, depth)
    else:
        walk.temporary(flat.tolist(), depth)


def _take_objects(flat: Any, start: int, stop: int) -> list[Any]:
    return list(flat[start:stop].tolist())


LIBRARIES["numpy"] = visit_numpy
