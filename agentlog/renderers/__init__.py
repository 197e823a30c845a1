"""Formats of a context. Each module has

entry(title, name, text) -> str    what one entry adds to the document, as it stands there
opening(title) -> str              what opening a section adds, its closing included
document(cut) -> str               the whole
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from agentlog.errors import UsageError

FORMATS: dict[str, str] = {
    "text": "compact", "raw": "compact", "markdown": "markdown", "claude": "claude", "cursor": "cursor", "codex": "codex",
    "json": "json", "html": "html",
}  # fmt: skip
"""Name of a format -> its module in this package."""


def renderer(name: str) -> ModuleType:
    """The module that prints the format `name`. Raises UsageError for an unknown one."""
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}; the formats are {', '.join(FORMATS)}")
    return import_module(f"agentlog.renderers.{FORMATS[name]}")
