"""CSV for spreadsheets and data frames (RFC 4180, UTF-8).

Spreadsheets run a field that begins with = + - @ (or a tab, a carriage return) as a formula: such text is given a
leading apostrophe, which they show as text. Numbers are left alone. Control characters that no spreadsheet takes are
left out.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from agentlog.exports.selection import Selection
from agentlog.exports.tables import TABLES, Row, Table
from agentlog.exports.target import text_file

SUFFIX = ".csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # the wide forms too: some spreadsheets take them
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def write(selection: Selection, target: str | Path, *, table: Table | None = None) -> int:
    """Write the rows of `table` (executions), its names first."""
    table = table or TABLES["executions"]
    count = 0
    with text_file(target, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.names)
        for row in table.rows(selection):
            writer.writerow(_safe(row))
            count += 1
    return count


def _safe(row: Row) -> list[object]:
    return [harmless(value) if isinstance(value, str) else value for value in row]


def harmless(text: str) -> str:
    """`text` as a spreadsheet shows it as text, whatever it begins with."""
    text = _CONTROL.sub("", text)
    return "'" + text if text.startswith(_FORMULA) else text
