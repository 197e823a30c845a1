"""Notebooks for tests, made of sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook(*cells: str | tuple[str, str], **metadata: Any) -> NotebookNode:
    """A notebook of code cells; a pair is (source, tag); a source that begins with "# " and has one line is markdown."""
    made = []
    for number, cell in enumerate(cells):
        source, tag = cell if isinstance(cell, tuple) else (cell, "")
        kind = new_markdown_cell if source.startswith("# ") and "\n" not in source else new_code_cell
        made.append(kind(source, metadata={"tags": [tag] if tag else []}, id=f"cell-{number}"))
    return new_notebook(metadata={"kernelspec": PYTHON, **metadata}, cells=made)


def write(path: Path, *cells: str | tuple[str, str]) -> Path:
    """The notebook as a file."""
    nbformat.write(notebook(*cells), str(path))
    return path


def read(path: str | Path | None) -> NotebookNode:
    """A notebook file, validated."""
    found = nbformat.read(str(path), 4)
    nbformat.validate(found)
    return found


def shown(cell: NotebookNode) -> str:
    """Everything a cell shows, as text."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
        else:
            parts.append(output.data.get("text/plain", ""))
    return "".join(parts)
