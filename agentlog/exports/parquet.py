"""Parquet for data frames and SQL engines (extra `parquet`): typed columns, times as UTC timestamps, zstd."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any

from agentlog.errors import MissingExtra, UsageError
from agentlog.exports.selection import Selection
from agentlog.exports.tables import TABLES, Kind, Row, Table
from agentlog.exports.target import STANDARD_OUTPUT, whole_file

SUFFIX = ".parquet"
_REPEATED = ["session", "kind", "level", "status", "agent", "type", "model", "provider", "what", "name"]
"""Columns whose values repeat; a dictionary of the others would only take memory."""
_SORTED = ["time", "started"]
"""Columns by which readers skip row groups."""
_BATCH = 4_000
_BATCH_CHARS = 4_000_000
"""Characters a row group holds at most: rows may be long."""


def write(selection: Selection, target: str | Path, *, table: Table | None = None) -> int:
    """Write the rows of `table` (executions). Raises MissingExtra."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("export to Parquet", "parquet") from None
    if str(target) == STANDARD_OUTPUT:
        raise UsageError("Parquet needs a file to go to, not standard output")
    table = table or TABLES["executions"]
    schema = pyarrow.schema([(name, _type(pyarrow, kind)) for name, kind in table.columns])
    rows, count = table.rows(selection), 0
    with (
        whole_file(Path(target)) as path,
        parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=_REPEATED, write_statistics=_SORTED) as writer,
    ):
        while some := _batch(rows):
            writer.write_batch(_columns(pyarrow, schema, table, some))
            count += len(some)
    return count


def _batch(rows: Any) -> list[Row]:
    some: list[Row] = []
    chars = 0
    for row in islice(rows, _BATCH):
        some.append(row)
        chars += sum(len(value) for value in row if isinstance(value, str))
        if chars > _BATCH_CHARS:
            break
    return some


def _columns(pyarrow: Any, schema: Any, table: Table, rows: list[Row]) -> Any:
    columns = [
        pyarrow.array([moment_of(value) for value in column] if kind == "time" else list(column), type=field.type)
        for (_, kind), field, column in zip(table.columns, schema, zip(*rows, strict=True), strict=True)
    ]
    return pyarrow.record_batch(columns, schema=schema)


def _type(pyarrow: Any, kind: Kind) -> Any:
    return {
        "text": pyarrow.string(), "integer": pyarrow.int64(), "real": pyarrow.float64(), "boolean": pyarrow.bool_(),
        "time": pyarrow.timestamp("us", tz="UTC"), "json": pyarrow.string(),
    }[kind]  # fmt: skip


def moment_of(text: str | None) -> datetime | None:
    """The moment that a timestamp's text says; None where it says none."""
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc) if text else None
    except (ValueError, TypeError):
        return None
