"""Arrays, frames, series and tensors for `fingerprint`: by content, in pieces, straight from their memory.

Nothing is imported: a value of numpy's exists only where numpy is loaded. A piece is 4 MB; in it, blocks of 8191
64-bit words are summed with odd weights. An odd number of odd weights makes every single change, every uniform shift
(`*= 2` moves each word by the same power of two) and every swap visible; an arbitrary change of many elements is missed
with a chance of at most 2^-(64-v), v being the trailing zero bits common to all differences.
"""

from __future__ import annotations

import sys
from hashlib import blake2b
from typing import Any

from agentlog import peek
from agentlog_ipy import fingerprint
from agentlog_ipy.fingerprint import Walk

BLOCK = 8191
"""64-bit words in a block: odd."""
PIECE = BLOCK * 64
_SMALL_BYTES = 512
_INLINE_BYTES = 65_536
_SAMPLE = 1024
_NARROW = 64  # columns of one block that are digested one by one

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


def _words(flat: Any) -> tuple[Any, bytes]:
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
        body += int(np.einsum("i,i->", tail, weights()[: len(tail)])).to_bytes(8, "big")
    return int.from_bytes(blake2b(body + rest, digest_size=8).digest(), "big")


class ArrayLeaf:
    """A large contiguous array of numbers."""

    def __init__(self, flat: Any) -> None:
        self._words, self._rest = _words(flat)

    @property
    def chunks(self) -> int:
        return max(1, -(-len(self._words) // PIECE))

    def digest(self, chunk: int) -> int:
        piece = self._words[chunk * PIECE : (chunk + 1) * PIECE]
        return words_digest(piece, self._rest if chunk == self.chunks - 1 else b"")


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
        return words_digest(*_words(piece.reshape(-1)))


class HashLeaf:
    """Something whose library hashes it for us; done when it is asked for."""

    chunks = 1

    def __init__(self, hashed: Any) -> None:
        self._hashed = hashed

    def digest(self, chunk: int) -> int:
        np = sys.modules["numpy"]
        return words_digest(*_words(np.ascontiguousarray(self._hashed())))


# --- numpy ----------------------------------------------------------------------------------------------------


def visit_numpy(walk: Walk, value: Any, depth: int) -> None:
    np = sys.modules["numpy"]
    if peek.is_a(value, np.ndarray):
        visit_array(walk, value, depth)
        if type(value) is not np.ndarray:
            walk.named(peek.attributes(value), value, depth)
    elif peek.is_a(value, np.generic):
        walk.tokens.append((value.dtype.str, np.generic.tobytes(value)) if not value.dtype.hasobject else id(value))
    elif peek.is_a(value, np.random.Generator):
        walk.temporary(value.bit_generator.state, depth)
    elif peek.is_a(value, np.random.RandomState):
        walk.temporary(list(value.get_state(legacy=True)), depth)
    elif peek.is_a(value, np.dtype):
        walk.tokens.append(value.str if value.names is None else repr(value))
    elif peek.is_a(value, np.ufunc):
        walk.tokens.append(value.__name__)
    elif peek.is_a(value, np.nditer):
        walk.tokens.append(value.iterindex)
    else:
        fingerprint.visit_object(walk, value, depth)


def visit_array(walk: Walk, value: Any, depth: int) -> None:
    """Shape, dtype and content of an array; small content at once, large content as a leaf and a sample."""
    np = sys.modules["numpy"]
    base = value if type(value) is np.ndarray else np.ndarray.view(value, np.ndarray)
    walk.keep.append(base)
    walk.tokens.append((base.shape, base.dtype.str if base.dtype.names is None else str(base.dtype)))
    if base.dtype.hasobject:
        _object_array(walk, base, depth)
        return
    _span(walk, base)
    if base.nbytes <= _SMALL_BYTES:
        walk.tokens.append(base.tobytes())
    elif base.nbytes <= _INLINE_BYTES:
        walk.tokens.append(words_digest(*_words(_flat(base, copy=True))))
    else:
        _large_array(walk, base)


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
    sample = flat[:: max(1, len(flat) // _SAMPLE)]
    walk.tokens.append(blake2b(sample.tobytes(), digest_size=8).digest())


def _span(walk: Walk, base: Any) -> None:
    if base.size and len(walk.spans) < 256:
        start = end = base.__array_interface__["data"][0]
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
    if len(flat) > fingerprint.LONG:
        fingerprint.long_sequence(walk, flat, len(flat), _take_objects, depth)
    else:
        walk.temporary(flat.tolist(), depth)


def _take_objects(flat: Any, start: int, stop: int) -> list[Any]:
    return list(flat[start:stop].tolist())


# --- pandas ---------------------------------------------------------------------------------------------------


def visit_pandas(walk: Walk, value: Any, depth: int) -> None:
    manager = peek.own(value, "_mgr")
    if manager is not None:
        _managed(walk, value, manager, depth)
    elif peek.own(value, "_levels") is not None and peek.own(value, "_codes") is not None:
        for part in (*peek.own(value, "_levels"), *peek.own(value, "_codes")):
            walk.visit(part, depth + 1)
        walk.visit(list(peek.own(value, "_names") or ()), depth + 1)
    elif peek.own(value, "_range") is not None:
        walk.tokens.append((repr(peek.own(value, "_range")), str(peek.own(value, "_name"))))
    elif peek.own(value, "_data") is not None and peek.own(value, "_mask") is None and _is_index(value):
        _values(walk, peek.own(value, "_data"), depth)
        walk.temporary(peek.own(value, "_name"), depth)
    elif _extension_array(walk, value, depth):
        pass
    elif peek.class_name(type(value)) in _IMMUTABLE_PANDAS:
        walk.tokens.append(str(value))
    else:
        walk.identity(value)  # groupers, windows, accessors: they only hold what is looked at elsewhere


_IMMUTABLE_PANDAS = frozenset({"Timestamp", "Timedelta", "Period", "NaTType", "NAType", "Interval", "CategoricalDtype"})


def _is_index(value: Any) -> bool:
    return any(peek.class_name(base) == "Index" for base in peek.mro(type(value)))


def _managed(walk: Walk, value: Any, manager: Any, depth: int) -> None:
    """A frame or series: axes, then the columns in their order, however they are grouped in blocks."""
    for axis in manager.axes:
        walk.visit(axis, depth + 1)
    walk.visit(peek.own(value, "_attrs"), depth + 1)
    name = peek.own(value, "_name")
    if name is not None:
        walk.temporary(name, depth)
    if manager.ndim == 1:
        _values(walk, manager.blocks[0].values, depth)
        return
    placed = [(place, block, row) for block in manager.blocks for row, place in _places(walk, block)]
    for _, block, row in sorted(placed, key=lambda entry: entry[0]):
        _column(walk, block.values, row, depth)


def _places(walk: Walk, block: Any) -> list[tuple[int | None, int]]:
    """(row of the block, place of the column); row None: the block's values as a whole."""
    places = block.mgr_locs.as_array.tolist()
    values = block.values
    if getattr(values, "ndim", 1) == 1:
        return [(None, places[0] if places else 0)]
    body = values if hasattr(values, "flags") else _slot(values, "_ndarray")  # datetimes wrap their array
    if len(places) > _NARROW or body is None or not body.flags.c_contiguous:
        walk.tokens.append(str(places))
        return [(None, places[0] if places else 0)]
    return list(enumerate(places))


def _column(walk: Walk, values: Any, row: int | None, depth: int) -> None:
    if row is None:
        _values(walk, values, depth)
        return
    part = values[row]
    walk.keep.append(part)
    _values(walk, part, depth)


def _values(walk: Walk, values: Any, depth: int) -> None:
    np = sys.modules["numpy"]
    if peek.is_a(values, np.ndarray):
        visit_array(walk, values, depth)
    elif not _extension_array(walk, values, depth):
        walk.identity(values)


def _extension_array(walk: Walk, values: Any, depth: int) -> bool:
    """Arrow-backed, masked, categorical, datetime, interval, string, sparse arrays by what they are made of."""
    arrow = peek.own(values, "_pa_array")
    if arrow is None:
        arrow = peek.own(values, "_data") if peek.class_name(type(values)).startswith("Arrow") else None
    if arrow is not None:
        visit_arrow(walk, arrow, depth)
        return True
    found = False
    for name in ("_ndarray", "_data", "_mask", "_codes", "_left", "_right", "_sparse_values"):
        part = _slot(values, name)
        if part is not None:
            found = True
            walk.keep.append(part)
            _values(walk, part, depth)
    if found:
        walk.tokens.append(str(peek.own(values, "_dtype")))
    return found


def _slot(values: Any, name: str) -> Any:
    """A part kept in the instance, or by the compiled base class of pandas' arrays (`NDArrayBacked._ndarray`)."""
    part = peek.own(values, name)
    if part is None and name == "_ndarray" and peek.on_class(values, "_ndarray") is not None:
        part = values._ndarray
    return part


def visit_arrow(walk: Walk, value: Any, depth: int) -> None:
    """Arrow data by its buffers, which nobody writes to; anything else of pyarrow's by identity."""
    np = sys.modules["numpy"]
    chunks = getattr(value, "chunks", None) if peek.class_name(type(value)) == "ChunkedArray" else [value]
    if chunks is None or not all(hasattr(chunk, "buffers") for chunk in chunks):
        walk.identity(value)
        return
    for chunk in chunks:
        walk.tokens.append((len(chunk), chunk.offset, str(chunk.type)))
        for buffer in chunk.buffers():
            if buffer is None or not buffer.size or not buffer.is_cpu:
                walk.tokens.append(None)
                continue
            view = np.frombuffer(buffer, dtype=np.uint8)
            walk.keep.append(view)
            visit_array(walk, view, depth)


# --- polars, torch, scipy -------------------------------------------------------------------------------------


def visit_polars(walk: Walk, value: Any, depth: int) -> None:
    polars = sys.modules["polars"]
    if peek.is_a(value, polars.DataFrame):
        for series in polars.DataFrame.get_columns(value):
            _series(walk, series)
    elif peek.is_a(value, polars.Series):
        _series(walk, value)
    else:
        walk.identity(value)  # lazy frames, expressions, types: immutable


def _series(walk: Walk, series: Any) -> None:
    polars = sys.modules["polars"]
    dtype = polars.Series.dtype.fget(series)
    walk.keep.append(series)
    walk.tokens.append((polars.Series.name.fget(series), str(dtype), polars.Series.len(series)))
    if dtype == polars.Object:
        walk.skip(1, "a column of Python objects")
        walk.identity(series)
    elif dtype.is_numeric() and not polars.Series.null_count(series) and dtype not in (polars.Decimal,):
        view = polars.Series.to_numpy(series, allow_copy=False) if _one_chunk(series) else None
        visit_array(walk, view, 0) if view is not None else _hashed(walk, series)
    else:
        _hashed(walk, series)


def _one_chunk(series: Any) -> bool:
    return bool(sys.modules["polars"].Series.n_chunks(series) == 1)


def _hashed(walk: Walk, series: Any) -> None:
    length = len(series)
    leaf = HashLeaf(lambda: sys.modules["polars"].Series.hash(series, seed=1).to_numpy())
    if length > 4096:
        walk.leaves.append(leaf)
    elif length:
        walk.tokens.append(leaf.digest(0))


def visit_torch(walk: Walk, value: Any, depth: int) -> None:
    torch = sys.modules["torch"]
    if not peek.is_a(value, torch.Tensor):
        _torch_object(walk, value, depth)
        return
    walk.tokens.append((tuple(value.shape), str(value.dtype), str(value.device), bool(value.requires_grad)))
    walk.tokens.append(None if value.is_inference() else value._version)
    if value.device.type == "cpu" and value.layout is torch.strided and not value.is_quantized:
        plain = value.detach()
        view = plain.view(torch.int16) if value.dtype is torch.bfloat16 else plain
        array = view.resolve_conj().resolve_neg().numpy()
        walk.keep.append(array)
        visit_array(walk, array, depth)
    else:
        walk.tokens.append(value.data_ptr() if value.layout is torch.strided else id(value))
        walk.portable = False
    if value.grad_fn is None and value.is_leaf and value.grad is not None:
        walk.visit(value.grad, depth + 1)


def _torch_object(walk: Walk, value: Any, depth: int) -> None:
    torch = sys.modules["torch"]
    if peek.is_a(value, torch.Generator):
        walk.temporary(value.get_state().numpy().tobytes(), depth)
    else:
        fingerprint.visit_object(walk, value, depth)


def visit_scipy(walk: Walk, value: Any, depth: int) -> None:
    """Sparse matrices hold arrays, and flags that fill when somebody asks (`_has_sorted_indices`)."""
    walk.tokens.append(peek.qualified_name(type(value)))
    walk.named(((name, item) for name, item in peek.attributes(value) if not name.startswith("_has_")), value, depth)


def visit_matplotlib(walk: Walk, value: Any, depth: int) -> None:
    """What was drawn, in numbers: drawing and saving change caches all over a figure."""
    walk.tokens.append(peek.qualified_name(type(value)))
    walk.portable = False
    axes = getattr(peek.own(value, "_axstack"), "_axes", None)
    for part in list(axes) if axes else [value]:
        walk.tokens.append(len(peek.own(part, "_children") or ()))
        title = peek.own(part, "title")
        walk.tokens.append(str(peek.own(title, "_text")) if title is not None else None)


def visit_image(walk: Walk, value: Any, depth: int) -> None:
    core = peek.own(value, "im") or peek.own(value, "_im")
    walk.tokens.append((peek.qualified_name(type(value)), str(peek.own(value, "_size")), str(peek.own(value, "_mode"))))
    width, height = peek.own(value, "_size") or (0, 0)
    if core is None or width * height > 4_000_000:
        walk.identity(core)
        walk.skip(core is not None, "the size of an image")
    else:
        walk.tokens.append(blake2b(value.tobytes(), digest_size=8).digest())


fingerprint.LIBRARIES.update({
    "numpy": visit_numpy, "pandas": visit_pandas, "pyarrow": visit_arrow, "polars": visit_polars, "torch": visit_torch,
    "scipy": visit_scipy, "matplotlib": visit_matplotlib, "PIL": visit_image,
})  # fmt: skip
