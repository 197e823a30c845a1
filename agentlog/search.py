"""Finding text in what executions were, printed and said.

Sources and error lines are columns of the index; the rest is searched in the journal's bytes, line by line only where
the text occurs: no second copy of all outputs is kept for it. Upper and lower case are the same. Of outputs that were cut
the journal holds head and tail; what lies in a blob alone is not searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agentlog.filters import like
from agentlog.gather import parse_line
from agentlog.index import Index

_ENVELOPE = frozenset(["e", "s", "x", "i", "t", "q", "h", "l"])


def executions_holding(index: Index, text: str, sessions: set[str]) -> set[str]:
    """Ids of the executions of `sessions` (ids) in whose source, outputs, errors or messages `text` occurs."""
    found: set[str] = set()
    segments: set[int] = set()
    pattern = f"%{like(text)}%"
    for session in sessions:
        of_session = "FROM executions e JOIN sessions s ON s.number = e.session WHERE s.id = ?"
        segments |= {row[0] for row in index.rows(f"SELECT DISTINCT e.segment {of_session}", (session,))}
        named = f"SELECT e.id {of_session} AND (e.source LIKE ? ESCAPE '\\' OR e.error LIKE ? ESCAPE '\\')"
        found |= {row[0] for row in index.rows(named, (session, pattern, pattern))}
    names: dict[int, str] = dict(index.rows("SELECT number, name FROM segments"))
    for segment in segments & names.keys():
        found |= {str(record["x"]) for record in _records(index, names[segment], text.lower()) if "x" in record}
    return found


def _records(index: Index, segment: str, text: str) -> Iterator[dict[str, Any]]:
    for _, data in index.source.chunks(segment, 0):
        for line in _lines_with(data, text):
            record = parse_line(line)
            if record is not None and any(
                text in said.lower() for key in record.keys() - _ENVELOPE for said in _texts(record[key])
            ):
                yield record


def _lines_with(data: bytes, text: str) -> Iterator[bytes]:
    """Lines that may hold `text` (lower case); plain ASCII is looked for in the bytes, anything else line by line."""
    if not text.isascii():
        yield from (line for line in data.split(b"\n") if text in line.decode("utf-8", "replace").lower() or b"\\u" in line)
        return
    small, needle = data.lower(), json.dumps(text)[1:-1].lower().encode()
    place = small.find(needle)
    while place >= 0:
        start = data.rfind(b"\n", 0, place) + 1
        end = data.find(b"\n", place)
        yield data[start:end]
        place = small.find(needle, end)


def _texts(value: Any) -> Iterator[str]:
    """All texts within a record's field."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
