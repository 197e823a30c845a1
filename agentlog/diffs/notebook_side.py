"""An executed notebook file as a side of a comparison."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentlog.diffs.image_prints import image_print
from agentlog.diffs.sides import TEXT_FIRST, TEXTS, Entry, Output, Side
from agentlog.errors import NotFound, UsageError
from agentlog.notebook_cells import NotebookCell, code_cells


def notebook_side(path: str | Path) -> Side:
    """The notebook file as a side. Raises NotFound or UsageError in one line."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError:
        raise NotFound(f"cannot read the notebook {path}: no such file, or no permission") from None
    except ValueError:
        raise UsageError(f"{path} is no notebook: it is not JSON") from None
    if not isinstance(document, dict) or not ("cells" in document or "worksheets" in document):
        raise UsageError(f"{path} is no notebook: it has no cells")
    language = (document.get("metadata") or {}).get("language_info") or {}
    environment = {"python": str(language["version"])} if language.get("version") else {}
    return Side(
        Path(path).name, tuple(_notebook_entry(cell) for cell in code_cells(document) if cell.source.strip()), environment
    )


def _notebook_entry(cell: NotebookCell) -> Entry:
    error = next((out for out in cell.outputs if out.get("output_type") in ("error", "pyerr")), None)
    message = f"{error.get('ename')}: {error.get('evalue')}" if error else None
    status = "error" if error else "ok" if cell.count is not None or cell.outputs else "not_run"
    label = f"In[{cell.count}]" if cell.count is not None else f"cell {cell.place + 1}"
    return Entry(label, cell.source, cell_id=cell.id, status=status, error=message, outputs=tuple(_notebook_outputs(cell)))


def _notebook_outputs(cell: NotebookCell) -> Iterator[Output]:
    streams: dict[str, str] = {}
    shown: list[Output] = []
    for out in cell.outputs:
        kind = out.get("output_type")
        if kind == "stream":
            name = str(out.get("name") or out.get("stream") or "stdout")
            streams[name] = streams.get(name, "") + _joined(out.get("text"))
        elif kind in ("execute_result", "display_data", "pyout"):
            shown.append(_notebook_output("display" if kind == "display_data" else "result", out))
    yield from (Output(name, text[:TEXTS]) for name, text in sorted(streams.items()) if text)
    yield from shown


def _notebook_output(kind: str, out: dict[str, Any]) -> Output:
    data = out.get("data") or {"text/plain": out.get("text", "")}
    for mime, body in data.items():
        if mime.startswith("image/"):
            text = _joined(body)
            return Output(kind, image=image_print(text.encode() if mime.endswith("svg+xml") else _decoded(text), mime))
    mime = next((m for m in TEXT_FIRST if m in data), None)
    return Output(kind, text=_joined(data[mime])[:TEXTS] if mime else json.dumps(data, sort_keys=True)[:TEXTS])


def _joined(text: Any) -> str:
    return (
        "".join(map(str, text)) if isinstance(text, list) else text if isinstance(text, str) else json.dumps(text, sort_keys=True)
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return text.encode()
