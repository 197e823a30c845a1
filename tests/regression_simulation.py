"""The simulation of `benchmarks/regression.py`, for tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "benchmark_regression", Path(__file__).parent.parent / "benchmarks" / "regression.py"
)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
reports, slower = _module.reports, _module.slower
