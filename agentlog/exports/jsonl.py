"""JSON lines: the records as the journal has them, or the rows of a table as objects. `agentlog import` reads the records back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from agentlog.exports.selection import Selection
from agentlog.exports.tables import Table, without_chain
from agentlog.exports.target import text_file

SUFFIX = ".jsonl"
_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def write(selection: Selection, target: str | Path, *, table: Table | None = None) -> int:
    """Write one JSON object a line; `table` None: the records."""
    count = 0
    with text_file(target) as file:
        for line in _lines(selection, table):
            file.write(line + "\n")
            count += 1
    return count


def _encode(data: object) -> str:
    """JSON that can be written as UTF-8: half characters as escapes."""
    text = _plain(data)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(data, separators=(",", ":"))
    return text


def _lines(selection: Selection, table: Table | None) -> Iterator[str]:
    if table is None or table.name == "events":
        yield from (_encode(without_chain(record)) for record in selection.records())
        return
    for row in table.rows(selection):
        told = {name: value for (name, _), value in zip(table.columns, row, strict=True) if value is not None}
        told.update({name: json.loads(told[name]) for name, kind in table.columns if kind == "json" and name in told})
        yield _encode(told)
