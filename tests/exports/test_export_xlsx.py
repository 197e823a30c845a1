"""The workbook, read back with openpyxl."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from samples import FORMULAS, ODD

from agentlog.exports import xlsx
from agentlog.exports.selection import Selection
from agentlog.exports.tables import TABLES
from agentlog.exports.xlsx import MOST_CHARS, cell_text


def test_the_workbook_says_what_the_store_says(selection: Selection, tmp_path: Path) -> None:
    """Trends, models with tokens and cost, errors by kind, and the lists behind them."""
    count = xlsx.write(selection, tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == [
        "Overview", "Weeks", "Months", "Models", "Agents", "Notebooks", "Errors by kind", "Executions", "Sessions",
    ]  # fmt: skip
    assert count == book["Executions"].max_row - 1 + book["Sessions"].max_row - 1 == 22
    models = {row[0]: dict(zip([cell.value for cell in book["Models"][1]], row, strict=True)) for row in book["Models"].values}
    sonnet = models["claude-sonnet-4-5"]
    assert (sonnet["Runs"], sonnet["Success rate"], sonnet["Tokens in"], sonnet["Tokens out"]) == (5, 0.8, 2000, 440)
    assert (sonnet["Cost"], sonnet["Calls without a price"]) == (0.0087, 1)
    assert sonnet["from"] < 0.8 < sonnet["to"]
    assert sum(row[1] for row in list(book["Errors by kind"].values)[1:]) == 9
    weeks = list(book["Weeks"].values)
    assert sum(row[2] for row in weeks[1:]) == 20
    assert len(book["Weeks"]._charts) == 2


def test_text_stays_text(selection: Selection, tmp_path: Path) -> None:
    """No formula, no link, no number made of text; control characters and half characters do not break the file."""
    xlsx.write(selection, tmp_path / "t.xlsx", table=TABLES["executions"])
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["executions"]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in cells)
    sources = [cell.value for cell in sheet["J"]][1:]
    for text in (*FORMULAS, ODD[2], "0012", "1e5"):
        assert text in sources
    assert len(max((s for s in sources if s), key=len)) == MOST_CHARS


def test_cells_are_cut_as_excel_counts() -> None:
    """Excel counts UTF-16 units; a cut says so and never halves a character."""
    assert cell_text("a" * MOST_CHARS) == "a" * MOST_CHARS
    cut = cell_text("😀" * MOST_CHARS)
    assert cut.endswith(" …[cut]")
    assert len(cut.encode("utf-16-le")) // 2 <= MOST_CHARS
    assert cell_text("a\x1b[0m") == "a�[0m"


def test_more_rows_than_a_sheet_holds_go_on_in_another(
    selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are numbered through, none is lost."""
    monkeypatch.setattr(xlsx, "MOST_ROWS", 9)
    assert xlsx.write(selection, tmp_path / "t.xlsx", table=TABLES["executions"]) == 20
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["executions", "executions 2", "executions 3"]
    ids = [row[0] for sheet in book for row in list(sheet.values)[1:]]
    assert ids == [row[0] for row in TABLES["executions"].rows(selection)]
