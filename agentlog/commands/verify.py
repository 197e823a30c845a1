"""Check that the journal is as it was written: every segment is a hash chain.

Torn lines of a crash and what `agentlog gc` removed are told from tampering. Exit code 1 where something was tampered with.

    agentlog verify --heads > heads.txt     lines to keep where the store's writers cannot reach them
    agentlog verify --anchor heads.txt      later: nothing up to there was changed, removed or made anew
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import NotFound, UsageError
from agentlog.settings import store_folder
from agentlog.tables import Line, Text, in_terminal, table, width
from agentlog.verify import Anchor, Checked, check, heads, read_anchors

JSON = True
BAD = ("tampered", "unreadable")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--anchor", action="append", default=[], metavar="HEADS", help="a file of kept heads, or one 'segment sequence head'"
    )
    parser.add_argument("--heads", action="store_true", help="print the heads to keep, instead of the result")


def run(args: argparse.Namespace, desk: Desk) -> Verified:
    """What was found."""
    folder = Path(desk.place).expanduser().absolute() if desk.place is not None else store_folder()
    if not (folder / "journal").is_dir():
        raise NotFound(f"no store yet at {folder}: there is nothing to verify")
    anchors = [anchor for text in args.anchor for anchor in _anchors(text)]
    return Verified(tuple(check(folder, anchors)), len(anchors), args.heads)


@dataclass(frozen=True, repr=False)
class Verified(Text):
    """The verdict on each segment; with `heads` it prints the anchors to keep."""

    checked: tuple[Checked, ...]
    anchors: int = 0
    heads: bool = False

    @property
    def exit_code(self) -> int:
        return 1 if any(one.verdict in BAD for one in self.checked) else 0

    def __str__(self) -> str:
        if self.heads:
            return "\n".join(map(str, heads(self.checked)))
        counts = Counter(one.verdict for one in self.checked)
        bad = [one for one in self.checked if one.verdict in BAD]
        told = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())) or "no segments"
        against = f" against {self.anchors} anchors" if self.anchors else ""
        head = f"{'NOT as written' if bad else 'as written'}{against}: {told}"
        unusual = [one for one in self.checked if one.verdict != "whole"]
        lines = [
            Line((one.verdict, one.segment, "; ".join((*one.problems, *one.notes))), ("red" if one in bad else "dim",))
            for one in unusual
        ]
        return "\n".join(filter(None, (head, table(lines, max(width(), 200), in_terminal()))))

    def as_json(self) -> dict[str, Any]:
        """{"ok", "segments", "heads"}."""
        return {
            "ok": self.exit_code == 0,
            "segments": [asdict(one) for one in self.checked],
            "heads": [str(anchor) for anchor in heads(self.checked)],
        }


def _anchors(text: str) -> list[Anchor]:
    if Path(text).is_file():
        try:
            return read_anchors(Path(text).read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the anchors in {text}: {error}") from None
    if " " not in text.strip():
        raise UsageError(f"no file {text} with anchors; an anchor is 'segment sequence head'")
    return read_anchors(text)
