"""JSON lines, CSV, SQLite and Parquet hold what the store holds, and break no program that reads them."""

from __future__ import annotations

import csv
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from samples import FORMULAS, ODD, Samples

from agentlog import cli
from agentlog.errors import MissingExtra, UsageError
from agentlog.events import from_record
from agentlog.exports import csv as csv_export
from agentlog.exports import jsonl, parquet, sqlite
from agentlog.exports.selection import Selection
from agentlog.exports.tables import TABLES, as_text
from agentlog.filters import Filter


def test_json_lines_are_the_records(selection: Selection, made: Samples, tmp_path: Path) -> None:
    """Every event comes back equal, in order; nothing of the segment's own chain is left."""
    count = jsonl.write(selection, tmp_path / "all.jsonl")
    records = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert count == len(records) == len(made.events)
    read = [from_record(record) for record in records]
    half = {event.id for event in made.events if "\\ud" in json.dumps(repr(event))}
    assert [event for event in read if event.id not in half] == [event for event in made.events if event.id not in half]
    assert not any("h" in record or "q" in record for record in records)


@pytest.mark.parametrize("name", TABLES)
def test_csv_and_json_lines_of_every_table_agree_with_the_rows(selection: Selection, tmp_path: Path, name: str) -> None:
    """pandas reads as many rows as the store gives, with the same ids."""
    table = TABLES[name]
    rows = list(table.rows(selection))
    assert rows
    assert csv_export.write(selection, tmp_path / "t.csv", table=table) == len(rows)
    frame = pandas.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert list(frame.columns) == table.names
    assert list(frame.iloc[:, 0]) == [row[0] for row in rows]
    if name != "events":
        assert jsonl.write(selection, tmp_path / "t.jsonl", table=table) == len(rows)
        assert len(pandas.read_json(tmp_path / "t.jsonl", lines=True)) == len(rows)


def test_csv_runs_nothing(selection: Selection, tmp_path: Path) -> None:
    """Text that a spreadsheet would run as a formula begins with an apostrophe; other text is as it was."""
    csv_export.write(selection, tmp_path / "t.csv")
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sources = [row["source"] for row in rows]
    for text in FORMULAS:
        assert f"'{text}" in sources
    for text in ODD[2:]:
        assert text in sources
    assert "ab[31mred[0m" in sources, "control characters are left out"
    assert not any(value.startswith(("=", "+", "@", "\t", "\r", "＝")) for row in rows for value in row.values())
    assert {row["agent"] for row in rows} == {"coder", "'=cmd()"}


@pytest.mark.parametrize("name", TABLES)
def test_parquet_and_sqlite_hold_the_same_rows(selection: Selection, tmp_path: Path, name: str) -> None:
    """Types survive: numbers are numbers, times are UTC timestamps, absent is null."""
    table = TABLES[name]
    rows = list(table.rows(selection))
    assert parquet.write(selection, tmp_path / "t.parquet", table=table) == len(rows)
    frame = pandas.read_parquet(tmp_path / "t.parquet")
    sqlite.write(selection, tmp_path / "t.sqlite", table=table)
    connection = sqlite3.connect(tmp_path / "t.sqlite")
    copied = connection.execute(f"SELECT * FROM {name}").fetchall()
    connection.close()
    assert copied == [tuple(int(v) if isinstance(v, bool) else v for v in row) for row in rows]
    for place, (column, kind) in enumerate(table.columns):
        values = [row[place] for row in rows]
        if kind == "time":
            assert str(frame[column].dtype) == "datetime64[us, UTC]"
            assert [f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z" for moment in frame[column]] == values
        else:
            assert [None if pandas.isna(value) else value for value in frame[column]] == values


def test_a_selection_narrows_every_table(selection: Selection, made: Samples) -> None:
    """A session, an agent, a status: sessions, executions and records follow."""
    coder = replace(selection, wanted=Filter(agent="coder"))
    assert [session.agent for session in coder.sessions()] == ["coder"]
    assert {record["s"] for record in coder.records()} == {made.events[0].session}
    failed = replace(coder, wanted=Filter(agent="coder", status="failed"))
    assert [one.source for _, one in failed.executions()] == ["df['price']"]
    assert {record["e"] for record in failed.records()} == {"cell.start", "error", "cell.end"}
    assert next(iter(replace(selection, wanted=Filter(since=made.events[-1].time)).records()))["e"] == "session.end"
    assert list(replace(selection, wanted=Filter(until=made.events[0].time)).records()) == []


def test_half_characters_become_marks(selection: Selection) -> None:
    """No table hands out text that cannot be encoded."""
    assert as_text("lone \udc80 half") == "lone ? half"
    assert all(value.encode() is not None for row in TABLES["events"].rows(selection) for value in row if isinstance(value, str))


def test_the_command_writes_by_the_files_ending(made: Samples, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file by its ending, a folder with a file a table, standard output; an unknown ending is said in one line."""
    assert cli.main(["export", str(tmp_path / "errors.csv"), "--table", "errors", "--session", made.events[0].session]) == 0
    assert "errors.csv: 1 rows" in capsys.readouterr().out
    assert cli.main(["export", f"{tmp_path}/all/", "--format", "parquet", "--json"]) == 0
    assert sorted(path.stem for path in (tmp_path / "all").iterdir()) == sorted(TABLES)
    assert json.loads(capsys.readouterr().out)["files"][f"{tmp_path}/all/sessions.parquet"] == 2
    assert cli.main(["export", "-", "--status", "failed", "--agent", "coder"]) == 0
    assert [json.loads(line)["e"] for line in capsys.readouterr().out.splitlines() if line] == ["cell.start", "error", "cell.end"]
    assert cli.main(["export", str(tmp_path / "x.doc")]) == 2
    assert "cannot tell the format" in capsys.readouterr().err


def test_an_export_that_fails_leaves_no_file(selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was there stays whole, and no temporary file is left; a folder that cannot be written is said."""
    target = tmp_path / "t.csv"
    target.write_text("before")
    monkeypatch.setattr(csv_export, "harmless", lambda text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        csv_export.write(selection, target)
    assert target.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "t.csv"]
    with pytest.raises(UsageError, match="cannot write"):
        jsonl.write(selection, target / "below" / "x.jsonl")


def test_a_missing_library_names_its_extra(selection: Selection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow or xlsxwriter the error says what to install."""
    from agentlog.exports import xlsx

    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(MissingExtra, match=r"agentlog\[parquet\]"):
        parquet.write(selection, tmp_path / "t.parquet")
    with pytest.raises(MissingExtra, match=r"agentlog\[excel\]"):
        xlsx.write(selection, tmp_path / "t.xlsx")
