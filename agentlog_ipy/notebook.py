"""Notebook files: read with errors that fit in one line, written whole or not at all; parameters as papermill has them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from math import isfinite
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from agentlog.errors import NotFound, UsageError
from agentlog_ipy.whole_files import write_text

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
SKIP_TAGS = ("skip-execution",)
RAISES_TAG = "raises-exception"

_EXECUTED = ".executed.ipynb"


def executed(path: Path) -> Path:
    """Where the executed notebook of `path` goes when nobody says otherwise."""
    return path.with_name(path.stem + _EXECUTED)


def is_source(path: Path) -> bool:
    """Is it a notebook that somebody wrote: neither an executed one nor a checkpoint?"""
    return path.suffix == ".ipynb" and not path.name.endswith(_EXECUTED) and ".ipynb_checkpoints" not in path.parts


def read_notebook(path: str | Path) -> NotebookNode:
    """The notebook at `path`, as version 4. Raises NotFound or UsageError in one line."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"no notebook {path}{_nearby(path)}") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise UsageError(f"{path} cannot be read as a notebook: {getattr(reason, 'strerror', None) or reason}") from None
    try:
        data = json.loads(text)
    except ValueError as reason:
        raise UsageError(f"{path} is not a notebook: no JSON ({reason})") from None
    if not isinstance(data, dict) or not ("cells" in data or "worksheets" in data):
        raise UsageError(f"{path} is not a notebook: JSON without cells")
    return _as_version_4(data, path)


def _as_version_4(data: dict[str, Any], path: Path) -> NotebookNode:
    data.setdefault("metadata", {})
    data.setdefault("nbformat", 4)
    data.setdefault("nbformat_minor", 5)
    try:
        notebook = nbformat.from_dict(data)
        if notebook.nbformat != 4:
            notebook = nbformat.convert(notebook, 4)
        if notebook.nbformat_minor < 5:
            notebook.nbformat_minor = 5
        for position, cell in enumerate(notebook.cells):
            _complete(cell, position)
        nbformat.validate(notebook)
    except Exception as reason:
        first = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        raise UsageError(f"{path} is not a valid notebook: {first[:200]}") from None
    return notebook


def _complete(cell: NotebookNode, position: int) -> None:
    """Fields that old or hand-made notebooks leave out. An id that is missing follows from place and source, so that
    it is the same in the next run."""
    cell.setdefault("metadata", NotebookNode())
    source = cell.get("source", "")
    cell["source"] = "".join(source) if isinstance(source, list) else source
    if cell.get("cell_type") == "code":
        cell.setdefault("outputs", [])
        cell.setdefault("execution_count", None)
        for output in cell["outputs"]:
            output.pop("transient", None)
    if not cell.get("id"):
        cell["id"] = hashlib.sha256(f"{position}\0{cell['source']}".encode()).hexdigest()[:8]


def _nearby(path: Path) -> str:
    from difflib import get_close_matches

    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    near = get_close_matches(path.name, [found.name for found in path.parent.glob("*.ipynb")], 1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write `notebook` so that a reader finds the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"
    write_text(path, text)


# --- cells ------------------------------------------------------------------------------------------------------


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.get("metadata", {}).get("tags", ()))


def code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """(position, cell) of the cells that a run would execute."""
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip() and not set(SKIP_TAGS) & set(tags(cell)):
            yield position, cell


def failed(cell: NotebookNode) -> bool:
    """Does an executed cell hold an error that was not expected?"""
    return RAISES_TAG not in tags(cell) and any(output.get("output_type") == "error" for output in cell.outputs)


# --- parameters -------------------------------------------------------------------------------------------------


def inject(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """A cell with `parameters` after the cell tagged `parameters`, in place of the one of an earlier run, or at the top.

    Raises UsageError for a name that is no identifier, or a language without a known notation.
    """
    if not parameters:
        return notebook
    cell = nbformat.v4.new_code_cell(_assignments(notebook, parameters), metadata={"tags": [INJECTED_TAG]})
    cell["id"] = "agentlog-parameters"
    place_parameters(notebook, cell)
    return notebook


def place_parameters(notebook: NotebookNode, cell: NotebookNode) -> None:
    """Put the cell with injected parameters where it belongs."""
    old = _tagged(notebook, INJECTED_TAG)
    default = _tagged(notebook, PARAMETERS_TAG)
    if old is not None:
        notebook.cells[old] = cell
    else:
        notebook.cells.insert(0 if default is None else default + 1, cell)


def _tagged(notebook: NotebookNode, tag: str) -> int | None:
    return next((position for position, cell in enumerate(notebook.cells) if tag in tags(cell)), None)


def _assignments(notebook: NotebookNode, parameters: Mapping[str, Any]) -> str:
    language = notebook.metadata.get("kernelspec", {}).get("language") or notebook.metadata.get("language_info", {}).get("name")
    if language not in (None, "python"):
        raise UsageError(f"parameters can be given to Python notebooks; this one is in {language} (papermill knows more)")
    for name in parameters:
        if not name.isidentifier() or iskeyword(name):
            raise UsageError(f"parameter {name!r} is not a name; write --param name=value")
    return "# Parameters\n" + "\n".join(f"{name} = {_literal(value)}" for name, value in parameters.items())


def _literal(value: object) -> str:
    """Python for `value`: its repr, but for numbers that have no literal, wherever they stand."""
    if type(value) is float and not isfinite(value):
        return f"float('{value}')"
    if type(value) is list:
        return f"[{', '.join(map(_literal, value))}]"
    if type(value) is dict:
        return f"{{{', '.join(f'{_literal(key)}: {_literal(item)}' for key, item in value.items())}}}"
    return repr(value)


def parse_parameter(text: str) -> tuple[str, Any]:
    """("alpha", 0.5) of "alpha=0.5": the value as Python or JSON writes it, else as text."""
    import ast

    name, sign, value = text.partition("=")
    if not sign or not name.strip().isidentifier():
        raise UsageError(f"--param needs name=value, not {text!r}")
    for read in (ast.literal_eval, json.loads):
        try:
            return name.strip(), read(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return name.strip(), value
