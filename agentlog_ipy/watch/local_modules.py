"""Which modules are the user's own: neither of the standard library nor installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from agentlog import peek


def _library_folders() -> tuple[str, ...]:
    import site
    import sysconfig

    folders = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    get: Callable[[], Iterable[str]] | None = getattr(site, "getsitepackages", None)
    folders.update(get() if get else ())
    folders.add(os.path.dirname(os.path.dirname(os.path.abspath(peek.__file__))) + os.sep + "agentlog")
    return tuple(folder for folder in folders if folder)


_LIBRARIES = _library_folders()
_INSTALLED = ("site-packages", "dist-packages")


def is_local(file: str) -> bool:
    """Is it a source file that somebody edits?"""
    return file.endswith(".py") and not file.startswith(_LIBRARIES) and not any(folder in file for folder in _INSTALLED)


def is_users_module(module: object) -> bool:
    """A module from a file of the user's, or made by hand (`types.ModuleType("settings")`)."""
    names = peek.module_dict(module)
    file = names.get("__file__")
    return is_local(file) if type(file) is str else names.get("__spec__") is None
