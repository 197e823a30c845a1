"""Write recordings as one file, checksummed and redacted, or send it to a URL by HTTP PUT.

    agentlog push run.agentlog                       the latest session, and what it started
    agentlog push run.agentlog --session 4fk2x9      another one; may be given several times
    agentlog push all.agentlog --all                 everything
    agentlog push https://bucket.example/run.agentlog?signature=...     to wherever a PUT is taken

A colleague reads it by `agentlog pull FILE-OR-URL`.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentlog.desk import Desk
from agentlog.exports.bundle import SUFFIX, Bundled, push
from agentlog.ids import short
from agentlog.tables import Text
from agentlog.transfer import is_url, send_file, shown_url

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="FILE", help=f"a file (…{SUFFIX}), a folder, or a URL that takes PUT")
    parser.add_argument("--session", action="append", help="this session (default: the latest)")
    parser.add_argument("--all", action="store_true", help="all sessions")


def run(args: argparse.Namespace, desk: Desk) -> Pushed:
    """What was written."""
    references = args.session or [desk.session]
    sessions = None if args.all else tuple(desk.store.session(reference).id for reference in references)
    if is_url(args.target):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"bundle{SUFFIX}"
            bundled = push(desk.store, path, sessions)
            send_file(path, args.target)
        return Pushed(shown_url(args.target), bundled)
    path = Path(args.target)
    if path.is_dir() or args.target.endswith("/"):
        path = path / f"{'all' if sessions is None else short(sessions[-1])}{SUFFIX}"
    return Pushed(str(path), push(desk.store, path, sessions))


@dataclass(frozen=True, repr=False)
class Pushed(Text):
    """Where the bundle went, and what it holds."""

    target: str
    bundled: Bundled

    def __str__(self) -> str:
        one = self.bundled
        what = f"{len(one.sessions)} session{'s' if len(one.sessions) != 1 else ''}, {one.records:,} records, {one.blobs} outputs"
        return f"{self.target}: {what}, {one.size:,} bytes\nsha256 {one.sha256}"

    def as_json(self) -> dict[str, Any]:
        """{"target", "sessions", "records", "blobs", "size", "sha256"}."""
        return {"target": self.target, **asdict(self.bundled)}
