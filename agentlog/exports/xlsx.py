"""An Excel workbook that a manager can read (extra `excel`): trends by week and month, success, models and cost, errors.

    Overview      what the workbook holds
    Weeks, Months, Models, Agents, Notebooks      runs, success with its interval, durations, tokens, cost; two charts
    Errors by kind, Executions, Sessions          the lists behind them

Text is written as text, whatever it begins with: nothing is run as a formula or made a link. A cell holds at most 32,767
characters and a sheet 1,048,576 rows; longer text is cut with a mark, longer lists go on in a further sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from agentlog.errors import MissingExtra, UsageError
from agentlog.exports.parquet import moment_of
from agentlog.exports.selection import Selection
from agentlog.exports.tables import TABLES, Row, Table
from agentlog.exports.target import STANDARD_OUTPUT, whole_file
from agentlog.ids import timestamp
from agentlog.runs import stats

SUFFIX = ".xlsx"
MOST_ROWS = 1_048_575
"""Rows of a sheet below its head."""
MOST_CHARS = 32_767
_MARK = " …[cut]"
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff￾￿]")
_OF_GROUPS = (
    ("sessions", "Sessions"), ("runs", "Runs"), ("success", "Success rate"), ("low", "from"), ("high", "to"), ("p50_ms", "Median ms"),
    ("p95_ms", "95 % ms"), ("calls", "Model calls"), ("tokens_in", "Tokens in"), ("tokens_out", "Tokens out"), ("cost", "Cost"),
    ("unpriced_calls", "Calls without a price"),
)  # fmt: skip
_SHARES = frozenset({"success", "low", "high"})


def write(selection: Selection, target: str | Path, *, table: Table | None = None) -> int:
    """Write the workbook, or `table` alone; returns the rows of its lists. Raises MissingExtra."""
    try:
        import xlsxwriter
    except ImportError:
        raise MissingExtra("export to Excel", "excel") from None
    if str(target) == STANDARD_OUTPUT:
        raise UsageError("a workbook needs a file to go to, not standard output")
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with whole_file(Path(target)) as path, xlsxwriter.Workbook(str(path), {**options, "tmpdir": str(path.parent)}) as book:
        writer = _Writer(book)
        if table is not None:
            return writer.list(table.name, table, table.rows(selection))
        _overview(writer, selection)
        return sum(writer.list(title, TABLES[name], TABLES[name].rows(selection)) for title, name in _LISTS)


_LISTS = (("Executions", "executions"), ("Sessions", "sessions"))


class _Writer:
    """Sheets of one workbook."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self._head = book.add_format({"bold": True, "bottom": 1})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._share = book.add_format({"num_format": "0.0%"})

    def sheet(self, title: str, names: Sequence[str]) -> Any:
        """A new sheet with its head, which stays in sight."""
        sheet = self.book.add_worksheet(title)
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, max(len(names) - 1, 1), 14)
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, self._head)
        return sheet

    def list(self, title: str, table: Table, rows: Iterable[Row]) -> int:
        """The rows of a table, in as many sheets as they need."""
        count, sheet = 0, self.sheet(title, table.names)
        for row in rows:
            if count and count % MOST_ROWS == 0:
                sheet = self.sheet(f"{title} {count // MOST_ROWS + 1}", table.names)
            for column, ((_, kind), value) in enumerate(zip(table.columns, row, strict=True)):
                self.cell(sheet, count % MOST_ROWS + 1, column, moment_of(value) if kind == "time" else value)
            count += 1
        return count

    def cell(self, sheet: Any, row: int, column: int, value: object, *, share: bool = False) -> None:
        """One value, by its type; numbers beyond what Excel can say as text."""
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(value, (int, float)) and abs(value) < 1e15 and value == value:
            sheet.write_number(row, column, value, self._share if share else None)
        elif isinstance(value, datetime):
            sheet.write_datetime(row, column, value.replace(tzinfo=None), self._time)
        else:
            sheet.write_string(row, column, cell_text(str(value)))


def cell_text(text: str) -> str:
    """`text` as a cell can hold it: without control characters, at most MOST_CHARS (counted in UTF-16, as Excel does)."""
    text = _ILLEGAL.sub("�", text)
    if len(text.encode("utf-16-le")) // 2 <= MOST_CHARS:
        return text
    return text.encode("utf-16-le")[: 2 * (MOST_CHARS - len(_MARK))].decode("utf-16-le", "ignore") + _MARK


def _overview(writer: _Writer, selection: Selection) -> None:
    known = stats.subjects(selection)
    sheet = writer.sheet("Overview", ("agentlog", ""))
    groups = {title: _tallies(selection, known, by) for title, by in _GROUPINGS.items()}
    whole = next(iter(_tallies(selection, known, lambda _: "all").values()), stats.Tally()).as_json()
    facts = [("made", moment_of(timestamp())), *((name.replace("_", " "), value) for name, value in whole.items())]
    for row, (name, value) in enumerate(facts, 1):
        writer.cell(sheet, row, 0, name)
        writer.cell(sheet, row, 1, " to ".join(map(str, value)) if isinstance(value, list) else value)
    for title, tallies in groups.items():
        _group_sheet(writer, title, tallies)
    _errors_sheet(writer, selection)


def _tallies(selection: Selection, known: dict[str, stats.Subject], by: Any) -> dict[str, stats.Tally]:
    return dict(sorted(stats.tally(stats.runs(selection, known), stats.calls(selection, known), by=by).items()))


_GROUPINGS = {
    "Weeks": stats.by_week, "Months": stats.by_month, "Models": stats.by_dimension("model"), "Agents": stats.by_dimension("agent"),
    "Notebooks": stats.by_dimension("notebook"),
}  # fmt: skip


def _group_sheet(writer: _Writer, title: str, tallies: dict[str, stats.Tally]) -> None:
    sheet = writer.sheet(title, (title[:-1], *(shown for _, shown in _OF_GROUPS)))
    for row, (group, one) in enumerate(tallies.items(), 1):
        figures = one.as_json()
        figures["low"], figures["high"] = figures["success_interval"] or (None, None)
        writer.cell(sheet, row, 0, group)
        for column, (name, _) in enumerate(_OF_GROUPS, 1):
            writer.cell(sheet, row, column, figures[name], share=name in _SHARES)
    if title in ("Weeks", "Months") and tallies:
        _chart(writer, sheet, title, len(tallies), "Success rate", 3, 0)
        _chart(writer, sheet, title, len(tallies), "Cost", 11, 16)


def _chart(writer: _Writer, sheet: Any, title: str, rows: int, name: str, column: int, below: int) -> None:
    chart = writer.book.add_chart({"type": "line"})
    chart.add_series({
        "name": name, "categories": [title, 1, 0, rows, 0], "values": [title, 1, column, rows, column], "marker": {"type": "circle"},
    })  # fmt: skip
    chart.set_title({"name": f"{name} by {title[:-1].lower()}"})
    chart.set_legend({"none": True})
    sheet.insert_chart(1 + below, len(_OF_GROUPS) + 2, chart)


def _errors_sheet(writer: _Writer, selection: Selection) -> None:
    kinds: dict[tuple[object, object], list[Any]] = {}
    for row in TABLES["errors"].rows(selection):
        _, time, session, _, kind, message, hash_, *_ = row
        known = kinds.setdefault((kind, hash_ or message), [0, message, time, time, set()])
        known[0] += 1
        known[3] = time
        known[4].add(session)
    sheet = writer.sheet("Errors by kind", ("Error", "Times", "Sessions", "First", "Last", "Message"))
    common = sorted(kinds.items(), key=lambda item: -item[1][0])
    for row_number, ((kind, _), (count, message, first, last, sessions)) in enumerate(common[:MOST_ROWS], 1):
        for column, value in enumerate((kind, count, len(sessions), moment_of(first), moment_of(last), message)):
            writer.cell(sheet, row_number, column, value)
