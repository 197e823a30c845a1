"""Write the reference pages from the code: `python docs/reference.py` (a test holds them to it).

Commands from their parsers, magics, Python names from their signatures and docstrings, environment variables and limits
from `settings`, record and value keys from `events`, the index from its commented SQL.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import re
from dataclasses import fields
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import agentlog
from agentlog import events, schema, settings
from agentlog.commands import COMMANDS, MAGICS, parser_for

HERE = Path(__file__).parent / "reference"
GENERATED = "<!-- written by docs/reference.py from the code; change it there -->\n\n"


def commands() -> str:
    """Every command with its help."""
    os.environ["COLUMNS"] = "110"
    parts = [
        "# Commands\n\n`agentlog COMMAND --help` prints the same. Exit codes: 0 done, 1 what it ran or checked failed, 2 it could not.\n"
    ]
    parts.append(
        f"In IPython and notebooks `%agentlog` offers {', '.join(f'`{name}`' for name in MAGICS)} with the same options,\n"
    )
    parts.append("and for the live session `status`, `on`, `off`, `session`; `%agentlog NAME --help` says more.\n")
    for name, summary in COMMANDS.items():
        parser = parser_for(name, "agentlog")
        parts.append(f"\n## agentlog {name}\n\n{summary[:1].upper()}{summary[1:]}.\n\n```text\n{_help(parser)}```\n")
    return "".join(parts)


def _help(parser: argparse.ArgumentParser) -> str:
    text = parser.format_help()
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def python_names() -> str:
    """Every public name of `agentlog` and `agentlog_ipy`."""
    parts = ["# Python\n\nNames of `agentlog` never raise into the caller's program, and do nothing while recording is off.\n"]
    parts += _names("agentlog", [name for name in agentlog.__all__ if name not in ("__version__",)])
    runner = import_module("agentlog_ipy")
    parts.append("\n# Python: kernels and notebooks\n")
    parts += _names("agentlog_ipy", [name for name in runner.__all__ if not name.startswith("_")])
    return "".join(parts)


def _names(module: str, names: list[str]) -> list[str]:
    parts = []
    for name in names:
        thing = getattr(import_module(module), name)
        text = inspect.getdoc(thing) or ""
        parts.append(f"\n## {module}.{name}\n\n```python\n{name}{_signature(thing)}\n```\n\n{text}\n")
    return parts


def _signature(thing: object) -> str:
    try:
        text = str(inspect.signature(thing))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    return re.sub(r"<factory>|<[^<>]* at 0x[0-9a-f]+>", "...", text)


def environment() -> str:
    """Variables and limits."""
    rows = "\n".join(f"| `{name}` | {what} |" for name, what in settings.VARIABLES.items())
    limits = settings.Limits()
    notes = _field_notes(settings.Limits)
    bounds = "\n".join(f"| `{f.name}` | {getattr(limits, f.name)} | {notes.get(f.name, '')} |" for f in fields(limits))
    return (
        f"# Environment\n\n| variable | what it does |\n|---|---|\n{rows}\n\n## Limits\n\n"
        f"`AGENTLOG_LIMITS=items=50,describe_ms=30`, or `agentlog.enable(items=50)`.\n\n| limit | default | what it bounds |\n|---|---|---|\n{bounds}\n"
    )


def _field_notes(cls: type) -> dict[str, str]:
    """Field -> the string that stands below it in the source."""
    body = ast.parse(inspect.getsource(cls)).body[0].body  # type: ignore[attr-defined]
    notes = {}
    for field, note in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(note, ast.Expr) and isinstance(note.value, ast.Constant):
            notes[field.target.id] = str(note.value.value)  # type: ignore[union-attr]
    return notes


def store() -> str:
    """What is on disk: keys, kinds of events, the index."""
    kinds = "".join(
        f"\n### {kind}\n\n{inspect.getdoc(cls) or ''}\n\nFields: {', '.join(f'`{f.name}`' for f in fields(cls) if f.name not in events.RECORD_KEYS)}\n"
        for kind, cls in sorted(events.KINDS.items())
    )
    return (
        "# The store\n\n"
        "One JSON object a line in `.agentlog/journal/*.jsonl`; `*.gz` or packed segments are the same text, compressed.\n\n"
        f"## Record keys\n\n{_keys(events.RECORD_KEYS)}\n`h` is the head of the segment's hash chain.\n\n"
        f"## Value keys\n\n{inspect.getdoc(events.Value)}\n\n{_keys(events.VALUE_KEYS)}\n"
        f"## Kinds of events\n{kinds}\n## The index\n\n{inspect.getdoc(schema)}\n\n```sql\n{schema.TABLES.strip()}\n```\n"
    )


def _keys(table: dict[str, str]) -> str:
    return "| key | means |\n|---|---|\n" + "".join(f"| `{key}` | {name} |\n" for name, key in table.items())


PAGES = {"commands.md": commands, "python.md": python_names, "environment.md": environment, "store.md": store}


def main() -> None:
    """Write all pages."""
    HERE.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (HERE / name).write_text(GENERATED + page(), encoding="utf-8")


if __name__ == "__main__":
    main()
