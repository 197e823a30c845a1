"""Arrow data by its buffers, which nobody writes to; polars frames and series by their columns."""

from __future__ import annotations

import sys
from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints.arrays import visit_array
from agentlog_ipy.fingerprints.walk import LIBRARIES, Walk
from agentlog_ipy.fingerprints.words import HashLeaf

_LONG = 4096
_SMALL_BYTES = 512


def visit_arrow(walk: Walk, value: Any, depth: int) -> None:
    """Arrays and chunked arrays by content; anything else of pyarrow's by identity."""
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
            elif buffer.size <= _SMALL_BYTES:
                walk.tokens.append(buffer.to_pybytes())
            else:
                view = np.frombuffer(buffer, dtype=np.uint8)
                walk.keep.append(view)
                visit_array(walk, view, depth)


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
    polars = sys.modules["polars"].Series
    leaf = HashLeaf(lambda start, count: polars.hash(polars.slice(series, start, count), seed=1).to_numpy(), length)
    if length > _LONG:
        walk.leaves.append(leaf)
    elif length:
        walk.tokens.append(leaf.digest(0))


LIBRARIES.update({"pyarrow": visit_arrow, "polars": visit_polars})
