"""agentlog for IPython, Jupyter kernels and notebooks.

async with Kernel() as k:                    drive a kernel
    reply = await k.run("1 + 1", timeout=30)
with SyncKernel() as k: ...                  the same without an event loop
run_notebook("report.ipynb")                 from top to bottom
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC: dict[str, str] = {
    "Kernel": "agentlog_ipy.kernel",
    "SyncKernel": "agentlog_ipy.sync",
    "Reply": "agentlog_ipy.reply",
    "KernelPool": "agentlog_ipy.pool",
    "run_notebook": "agentlog_ipy.runner",
    "NotebookResult": "agentlog_ipy.results",
    "KernelError": "agentlog.errors",
    "KernelStartError": "agentlog.errors",
    "KernelBusy": "agentlog.errors",
}
"""Public name -> the module that defines it, imported when it is first used."""

__all__ = [*_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = globals()[name] = getattr(import_module(_PUBLIC[name]), name)
        return value
    raise AttributeError(f"module 'agentlog_ipy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
