"""Which describer looks at which class of which library, without importing any of them.

A class counts only where the library's own module, already imported, holds it under that name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentlog import peek
from agentlog.describers import arrays, pandas
from agentlog.events import Value
from agentlog.look import Look

Describer = Callable[[Any, Look], Value]


def _all(package: str, describer: Describer, *names: str) -> dict[tuple[str, str], Describer]:
    return {(package, name): describer for name in names}


TABLE: dict[tuple[str, str], Describer] = {
    **_all("numpy", arrays.describe_array, "ndarray"),
    **_all("numpy", arrays.describe_numpy_scalar, "generic"),
    **_all("numpy", arrays.describe_dtype, "dtype"),
    **_all("pandas", pandas.describe_frame, "DataFrame"),
    **_all("pandas", pandas.describe_series, "Series"),
    **_all("pandas", pandas.describe_index, "Index"),
    **_all("pandas", pandas.describe_extension_array, "ExtensionArray"),
    **_all("pandas", pandas.describe_grouping, "BaseGroupBy", "BaseWindow", "Resampler"),
    **_all(
        "pandas", pandas.describe_pandas_scalar, "Timestamp", "Timedelta", "Period", "Interval", "NAType", "NaTType", "BaseOffset", "ExtensionDtype"
    ),
}
"""(top-level package, class name) -> describer; serves subclasses too."""

PACKAGES = frozenset(package for package, _ in TABLE)


def library_describer(value: object) -> Describer | None:
    """The describer of the nearest ancestor class that a known library defines, None for anything else."""
    for cls in peek.mro(type(value)):
        module = peek.class_module(cls)
        package = module.partition(".")[0] if module else ""
        if package in PACKAGES:
            describer = TABLE.get((package, peek.class_name(cls)))
            if describer is not None and peek.genuine(cls):
                return describer
    return None
