"""The flight recorder of Python kernels.

    %load_ext agentlog            in IPython or Jupyter: records every cell from here on
    AGENTLOG=true python app.py   any program, no code change
    agentlog context              what an agent needs to fix the last failure

Public names are loaded when they are first used: `import agentlog` costs next to nothing and imports no
third-party module.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC: dict[str, str] = {
    "get_debug_context": "agentlog.api",
    "get_context": "agentlog.api",
}
"""Public name -> the module that defines it."""

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = globals()[name] = getattr(import_module(_PUBLIC[name]), name)
        return value
    raise AttributeError(f"module 'agentlog' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext agentlog`."""
    from agentlog_ipy.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext agentlog`."""
    from agentlog_ipy.extension import unload

    unload(shell)
