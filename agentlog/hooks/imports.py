"""Act once a module is imported, without importing it: for modules that a program may never need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from agentlog import guard
from agentlog.guard import guarded

_waiting: dict[str, list[Callable[[], None]]] = {}


def when_imported(name: str, act: Callable[[], None]) -> None:
    """Call `act()` after the module `name` was executed; at once if it is imported already."""
    if name in sys.modules:
        act()
        return
    _waiting.setdefault(name, []).append(act)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget_imports() -> None:
    """Wait for nothing any more, and leave sys.meta_path as it was."""
    _waiting.clear()
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


class _Finder:
    """Finds nothing itself: asks the others and wraps the loader of what somebody waits for."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in _waiting:
            return None
        acts = _waiting.pop(name)
        spec = find_spec(name)  # of the other finders: nobody waits for `name` any more
        if spec is not None and spec.loader is not None:
            _after_execution(spec.loader, acts)
        return spec


@guarded("imports")
def _after_execution(loader: Any, acts: list[Callable[[], None]]) -> None:
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        loader.exec_module = execute  # it may load other modules too: one loader serves a whole archive
        execute(module)
        for act in acts:
            try:
                act()
            except Exception as error:
                guard.note("imports", error)

    loader.exec_module = exec_module


_finder = _Finder()
