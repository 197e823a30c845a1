"""Write what is recorded to a file: JSON lines, CSV, Parquet, an Excel workbook, an SQLite copy, an executed notebook.

    agentlog export runs.csv                        executions of the whole store
    agentlog export errors.parquet --table errors   any table: sessions, executions, errors, calls, events
    agentlog export events.jsonl                    the records themselves; `agentlog import` reads them back
    agentlog export report.xlsx --since '30 days'   a workbook for people
    agentlog export copy.sqlite                     all tables in one file
    agentlog export fixed.ipynb --session last      the notebook as it ran
    agentlog export data/ --format csv              every table, a file each
    agentlog export trail.jsonl --trail             a session's decision trail, for a third party
    agentlog export --otlp http://localhost:4318    spans and logs to an OpenTelemetry receiver (or a FILE for --otlp)

The format follows the file's ending. "-" is standard output (jsonl, csv, ipynb).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.exports.selection import Selection
from agentlog.exports.tables import TABLES, table_named
from agentlog.exports.target import STANDARD_OUTPUT
from agentlog.filters import STATUSES, Filter, moment
from agentlog.tables import Text

JSON = True
FORMATS = {
    "jsonl": "agentlog.exports.jsonl", "csv": "agentlog.exports.csv", "parquet": "agentlog.exports.parquet",
    "xlsx": "agentlog.exports.xlsx", "sqlite": "agentlog.exports.sqlite", "ipynb": "agentlog.exports.ipynb",
}  # fmt: skip
_ENDINGS = {"json": "jsonl", "ndjson": "jsonl", "pq": "parquet", "db": "sqlite", "sqlite3": "sqlite", "excel": "xlsx"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", nargs="?", metavar="FILE", help="where to; a folder (ending with /) gets a file a table; - is standard output"
    )
    parser.add_argument(
        "--otlp", metavar="URL", help="send spans and logs to an OpenTelemetry receiver, such as http://localhost:4318"
    )
    parser.add_argument("--format", choices=sorted(FORMATS), help="default: by the file's ending")
    parser.add_argument("--table", choices=sorted(TABLES), help="which table (default: executions; jsonl: the records)")
    parser.add_argument(
        "--trail", action="store_true", help="the decision trail of --session (default: the latest), as JSON lines"
    )
    parser.add_argument("--session", help="only this session: its id, the end of one, or 'last'")
    parser.add_argument("--status", choices=["failed", *STATUSES], help="only executions that ended so")
    parser.add_argument("--since", type=moment, metavar="WHEN", help="since then: '2 days', yesterday, 2026-11-21T14:30")
    parser.add_argument("--until", type=moment, metavar="WHEN", help="before then")
    parser.add_argument("--agent", help="of this agent")
    parser.add_argument("--tag", help="tagged so, itself or its session")
    parser.add_argument("--anonymize", action="store_true", help="pseudonyms for names, values left out; prints what was removed")


def run(args: argparse.Namespace, desk: Desk) -> object:
    """What was written, or sent."""
    if args.otlp:
        from agentlog.otlp.export import of_command

        return of_command(args, desk)
    if not args.target:
        raise UsageError("agentlog export needs a FILE to write, or --otlp URL")
    if args.trail:
        return _trail(args, desk)
    format_ = _format(args)
    session = desk.store.session(args.session).id if args.session else None
    if format_ == "ipynb" and session is None:
        session = desk.store.session(desk.session).id
    wanted = Filter(status=args.status, since=args.since, until=args.until, agent=args.agent, tag=args.tag)
    with _selection(Selection(desk.store, session, wanted), args.anonymize) as (selection, report):
        files = _write(args, format_, selection)
    return Exported(files, report, to_terminal=args.target == STANDARD_OUTPUT)


def _trail(args: argparse.Namespace, desk: Desk) -> Exported:
    from agentlog.exports.trail import write

    session = desk.store.session(args.session or desk.session)
    return Exported({args.target: write(desk.store, session, args.target)}, to_terminal=args.target == STANDARD_OUTPUT)


@dataclass(frozen=True, repr=False)
class Exported(Text):
    """Files with the rows in each; `removed`: what anonymising took out, by kind of field."""

    files: dict[str, int]
    removed: dict[str, int] | None = None
    to_terminal: bool = False

    def __str__(self) -> str:
        if self.to_terminal:
            return ""
        lines = [f"{name}: {count:,} rows" for name, count in self.files.items()]
        lines += [f"  {count:,} × {what}" for what, count in (self.removed or {}).items()]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """{"files", "removed"}."""
        return {key: value for key, value in asdict(self).items() if key != "to_terminal"}


def _format(args: argparse.Namespace) -> str:
    if args.format:
        return str(args.format)
    ending = Path(args.target).suffix.lstrip(".").lower()
    name = _ENDINGS.get(ending, ending)
    if args.target == STANDARD_OUTPUT:
        return "jsonl"
    if name not in FORMATS:
        raise UsageError(f"cannot tell the format of {args.target!r} by its ending; say --format {{{','.join(FORMATS)}}}")
    return name


def _write(args: argparse.Namespace, format_: str, selection: Selection) -> dict[str, int]:
    module = import_module(FORMATS[format_])
    folder = Path(args.target)
    if args.target != STANDARD_OUTPUT and (args.target.endswith("/") or folder.is_dir()):
        names = [args.table] if args.table else list(TABLES)
        targets = {name: folder / f"{name}{module.SUFFIX}" for name in names}
        return {str(path): module.write(selection, path, table=table_named(name)) for name, path in targets.items()}
    table = table_named(args.table) if args.table else None
    return {args.target: module.write(selection, args.target, table=table)}


@contextmanager
def _selection(selection: Selection, anonymous: bool) -> Iterator[tuple[Selection, dict[str, int] | None]]:
    if not anonymous:
        yield selection, None
        return
    from agentlog.exports.anonymize import anonymized

    with anonymized(selection) as (other, report):
        yield other, report
