"""The code cells of a notebook file: the text of cells that may never have been run. Plain JSON, nbformat 3 and 4.

The file may lag behind the editor: whoever uses it compares sources before saying that a cell was edited.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlog.static import CellNames, analyse


@dataclass(frozen=True, slots=True)
class NotebookCell:
    """A code cell as it stands in the file. `place`: its position among the code cells, from 0."""

    place: int
    source: str
    id: str | None = None
    count: int | None = None
    outputs: tuple[dict[str, Any], ...] = ()

    @property
    def names(self) -> CellNames:
        return analyse(self.source)

    @property
    def first_line(self) -> str:
        return first_line(self.source)


def first_line(source: str) -> str:
    """The first line of a cell that says something, shortened."""
    lines = [line.strip() for line in source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    text = lines[0] if lines else source.strip()
    return text if len(text) <= 70 else text[:67] + "..."


def same_source(one: str, other: str) -> bool:
    """Is it the same code, blanks at the ends of lines aside?"""
    return _normal(one) == _normal(other)


def _normal(source: str) -> list[str]:
    return [line.rstrip() for line in source.strip().splitlines()]


def code_cells(document: Any) -> list[NotebookCell]:
    """The code cells of a notebook document (JSON data). Empty for anything that is no notebook."""
    return [
        NotebookCell(place, _text(cell), cell.get("id"), _number(cell), tuple(cell.get("outputs") or ()))
        for place, cell in enumerate(c for c in _cells(document) if c.get("cell_type") == "code")
    ]


def read_notebook(path: str | Path | None) -> list[NotebookCell] | None:
    """The code cells of the file; None where there is none, or it is no notebook."""
    if path is None:
        return None
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        return code_cells(document) if isinstance(document, dict) and ("cells" in document or "worksheets" in document) else None
    except (OSError, ValueError):
        return None


def _cells(document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        return
    for sheet in (document, *(document.get("worksheets") or ())):
        for cell in sheet.get("cells") or ():
            if isinstance(cell, dict):
                yield cell


def _text(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    return "".join(source) if isinstance(source, list) else str(source)


def _number(cell: dict[str, Any]) -> int | None:
    number = cell.get("execution_count", cell.get("prompt_number"))
    return number if isinstance(number, int) else None
