"""A session as one HTML file that opens anywhere: its steps, the names at each, outputs, images, failures, search.

report                           the latest session, into agentlog-report-<session>.html
report SESSION -o replay.html    an id, the end of one, or -2 for the one before the latest; -o -: standard output

The file holds everything it shows and reaches no network. Secrets were redacted when they were recorded; read it before
you give it to others all the same.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.ids import short
from agentlog.tables import Text

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="session id or the end of one (default: the latest)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="where to (default agentlog-report-<session>.html; -: standard output)"
    )
    parser.add_argument("--size", type=float, default=2.0, metavar="MB", help="at most so many megabytes (default 2)")


def run(args: argparse.Namespace, desk: Desk) -> Written | None:
    """Write the report."""
    from agentlog.exports.target import STANDARD_OUTPUT, text_file
    from agentlog.report.page import MEGABYTE, document
    from agentlog.report.steps import gather

    if not 0.1 <= args.size <= 1000:
        raise UsageError(f"--size {args.size:g}: a report takes between 0.1 and 1000 megabytes")
    session = desk.store.session(args.session or desk.session)
    recording = gather(desk.store, session)
    page = document(desk.store, recording, int(args.size * MEGABYTE))
    target = args.output or f"agentlog-report-{short(session.id)}.html"
    with text_file(target) as file:
        file.write(page)
    if target == STANDARD_OUTPUT:
        return None
    return Written(str(Path(target).absolute()), len(page.encode()), len(recording.steps), len(recording.failures))


@dataclass(frozen=True, repr=False)
class Written(Text):
    """The file, its size in bytes, and what is in it."""

    path: str
    size: int
    steps: int
    failures: int

    def __str__(self) -> str:
        failed = f", {self.failures} failed" if self.failures else ""
        return f"{self.path}: {self.steps} steps{failed}, {self.size / 1e6:.2f} MB"

    def as_json(self) -> dict[str, Any]:
        """{"path", "bytes", "steps", "failures"}."""
        return {"path": self.path, "bytes": self.size, "steps": self.steps, "failures": self.failures}
