"""Add a bundle that somebody made with `agentlog push` to the store here: a file, or the URL where it is.

Everything in it is checked before it takes its place, and what is there already stays as it is: pulling twice changes
nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import NotFound
from agentlog.exports.unbundle import Pulled, check, pull
from agentlog.ids import short
from agentlog.settings import store_folder
from agentlog.tables import Text
from agentlog.transfer import fetch_file, is_url

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE", help="a bundle, or its URL")
    parser.add_argument("--sha256", help="what `push` printed: nothing else is taken")


def run(args: argparse.Namespace, desk: Desk) -> Taken:
    """What was added."""
    folder = Path(desk.place).expanduser().absolute() if desk.place is not None else store_folder()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(args.source)
        if is_url(args.source):
            path = Path(temporary) / "bundle"
            fetch_file(args.source, path)
        return take(path, folder, args.sha256)


def take(path: Path, folder: Path, sha256: str | None = None) -> Taken:
    """Add the bundle at `path` to the store in `folder`. Raises NotFound, UsageError."""
    if not path.is_file():
        raise NotFound(f"no bundle at {path}")
    if sha256 is not None:
        check(path, sha256)
    return Taken(str(folder), pull(path, folder))


@dataclass(frozen=True, repr=False)
class Taken(Text):
    """Where the recordings are now, and what was taken."""

    folder: str
    pulled: Pulled

    def __str__(self) -> str:
        one = self.pulled
        names = ", ".join(short(session) for session in one.sessions[-5:])
        more = f", {one.known} were there already" if one.known else ""
        return f"{self.folder}: {len(one.sessions)} sessions ({names}); {one.new} files new{more}"

    def as_json(self) -> dict[str, Any]:
        """{"folder", "sessions", "new", "known"}."""
        return {"folder": self.folder, **asdict(self.pulled)}
