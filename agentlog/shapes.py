"""Which describer looks at which class of which module, without importing any of them.

A class counts only where its own module, already imported, holds it under that name: a class may say anything of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentlog import peek
from agentlog.describers import arrays, layers, libraries, pandas, stdlib, tables, tensors
from agentlog.events import Value
from agentlog.look import Look

Describer = Callable[[Any, Look], Value]

_BY_PACKAGE: dict[str, tuple[tuple[Describer, str], ...]] = {
    "numpy": (
        (arrays.describe_array, "ndarray"),
        (arrays.describe_numpy_scalar, "generic"),
        (arrays.describe_dtype, "dtype"),
    ),
    "pandas": (
        (pandas.describe_frame, "DataFrame"),
        (pandas.describe_series, "Series"),
        (pandas.describe_index, "Index"),
        (pandas.describe_extension_array, "ExtensionArray"),
        (pandas.describe_grouping, "BaseGroupBy BaseWindow Resampler"),
        (pandas.describe_pandas_scalar, "Timestamp Timedelta Period Interval NAType NaTType BaseOffset ExtensionDtype"),
    ),
    "polars": (
        (tables.describe_polars_frame, "DataFrame"),
        (tables.describe_polars_series, "Series"),
        (tables.describe_lazy, "LazyFrame Expr"),
    ),
    "pyarrow": (
        (tables.describe_arrow_table, "Table RecordBatch"),
        (tables.describe_arrow_array, "Array ChunkedArray"),
        (tables.describe_by_text, "Schema Scalar DataType Field"),
    ),
    "scipy": ((tensors.describe_sparse, "_spbase spmatrix sparray"),),
    "torch": (
        (tensors.describe_tensor, "Tensor"),
        (tensors.describe_module, "Module"),
        (tensors.describe_torch_text, "dtype device"),
    ),
    "tensorflow": ((tensors.describe_eager_tensor, "EagerTensor Tensor BaseResourceVariable"),),
    "keras": ((layers.describe_keras, "Layer"),),
    "jaxlib": ((tensors.describe_jax_array, "ArrayImpl Array"),),
    "jax": ((tensors.describe_jax_array, "ArrayImpl"), (tensors.describe_tracer, "Tracer")),
    "sklearn": ((libraries.describe_estimator, "BaseEstimator"),),
    "matplotlib": ((libraries.describe_figure, "FigureBase"), (libraries.describe_axes, "_AxesBase")),
    "PIL": ((libraries.describe_image, "Image"),),
    "requests": ((libraries.describe_response, "Response"),),
    "httpx": ((libraries.describe_response, "Response"),),
    "psycopg": ((libraries.describe_database, "BaseConnection BaseCursor"),),
    "psycopg2": ((libraries.describe_database, "connection cursor"),),
    "sqlite3": ((stdlib.describe_connection, "Connection"), (stdlib.describe_cursor, "Cursor")),
    "datetime": (
        (stdlib.describe_time, "datetime date time"),
        (stdlib.describe_timedelta, "timedelta"),
        (stdlib.describe_timezone, "timezone"),
    ),
    "zoneinfo": ((stdlib.describe_zone, "ZoneInfo"),),
    "decimal": ((stdlib.describe_decimal, "Decimal"),),
    "fractions": ((stdlib.describe_fraction, "Fraction"),),
    "uuid": ((stdlib.describe_uuid, "UUID"),),
    "pathlib": ((stdlib.describe_path, "PurePath"),),
    "_io": (
        (stdlib.describe_file, "TextIOWrapper BufferedReader BufferedWriter BufferedRandom FileIO"),
        (stdlib.describe_memory_file, "StringIO BytesIO"),
    ),
    "_asyncio": ((stdlib.describe_future, "Future"),),
    "concurrent": ((stdlib.describe_pool_future, "Future"),),
    "array": ((stdlib.describe_array_array, "array"),),
}

TABLE: dict[tuple[str, str], Describer] = {
    (package, name): describer for package, rows in _BY_PACKAGE.items() for describer, names in rows for name in names.split()
}
"""(top-level package, class name) -> describer; serves subclasses too."""


def library_describer(value: object) -> Describer | None:
    """The describer of the nearest ancestor class that a known module defines, None for anything else."""
    for cls in peek.mro(type(value)):
        module = peek.class_module(cls)
        if module is None:
            continue
        describer = TABLE.get((module.partition(".")[0], peek.class_name(cls)))
        if describer is not None and peek.genuine(cls):
            return describer
    return None
