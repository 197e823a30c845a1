"""What can become of an object by its type: never changed, changed when it is read, changed only by who means to."""

from __future__ import annotations

import sys
import types
from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints import frames
from agentlog_ipy.fingerprints.iterators import CONSUMED
from agentlog_ipy.fingerprints.stdlib import IMMUTABLE
from agentlog_ipy.fingerprints.walk import SCALAR_IDS
from agentlog_ipy.watch.local_modules import is_users_module

_FIXED = SCALAR_IDS | frozenset(map(id, (range, *IMMUTABLE)))
_CALM = frozenset(map(id, (list, tuple, dict, set, frozenset, bytearray, type, types.FunctionType, types.BuiltinFunctionType)))
_CALM_PACKAGES = frozenset({"numpy", "pandas", "polars", "pyarrow"})

_known: dict[int, tuple[type, bool, bool]] = {}
"""id of a library's type -> (the type, fixed, calm): libraries live as long as the process."""


def is_fixed(value: object) -> bool:
    """Can it never change? Scalars, dates, numpy's and pandas' scalars, the modules of libraries."""
    kind = type(value)
    if id(kind) in _FIXED:
        return True
    if kind is types.ModuleType:
        return not is_users_module(value)
    return _of_library(kind)[0]


def changes_when_read(value: object) -> bool:
    """May looking into it change it (`d[k]` of a defaultdict, an iterator, an object of a class somebody wrote)?"""
    kind = type(value)
    if id(kind) in CONSUMED:
        return True
    return id(kind) not in _CALM and not _of_library(kind)[1]


def _of_library(kind: type) -> tuple[bool, bool]:
    found = _known.get(id(kind))
    if found is not None and found[0] is kind:
        return found[1:]
    package = (peek.class_module(kind) or "").partition(".")[0]
    if package not in _CALM_PACKAGES or not peek.genuine(kind):
        return False, False
    found = _known[id(kind)] = (kind, _is_scalar(kind, package), not _is_stateful(kind))
    return found[1:]


def _is_scalar(kind: type, package: str) -> bool:
    if package == "pandas":
        return peek.class_name(kind) in frames.IMMUTABLE
    np: Any = sys.modules.get("numpy")
    return (
        np is not None
        and peek.inherits(kind, np.generic)
        and not peek.inherits(kind, np.void)
        and not peek.inherits(kind, np.object_)
    )


def _is_stateful(kind: type) -> bool:
    """Random generators and iterators of numpy."""
    return (peek.class_module(kind) or "").startswith("numpy.random") or peek.class_name(kind) == "nditer"
