"""Remove recordings that are too old or too much, and pack what is closed. Nothing that still runs is touched."""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.filters import UNITS
from agentlog.retention import Collected, collect
from agentlog.settings import Limits, store_folder
from agentlog.tables import Text

JSON = True
_SIZES = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def arguments(parser: argparse.ArgumentParser) -> None:
    keep = Limits()
    parser.add_argument(
        "--keep", type=_days, metavar="TIME", help=f"keep what was written within it: '30 days' (default {keep.keep_days:g} days)"
    )
    parser.add_argument(
        "--size", type=_bytes, metavar="SIZE", help=f"keep at most so much: 500M (default {keep.keep_bytes / 1e9:g}G)"
    )
    parser.add_argument("--no-pack", action="store_true", help="leave closed segments as plain text")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def run(args: argparse.Namespace, desk: Desk) -> Report:
    """What was done."""
    folder = Path(desk.place).expanduser().absolute() if desk.place is not None else store_folder()
    done = collect(folder, keep_days=args.keep, keep_bytes=args.size, packing=not args.no_pack, dry=args.dry_run)
    return Report(done)


@dataclass(frozen=True, repr=False)
class Report(Text):
    """What gc did."""

    done: Collected

    def __str__(self) -> str:
        done = self.done
        would = "would remove" if done.dry else "removed"
        lines = [f"{would} {len(done.removed)} segments, {'would pack' if done.dry else 'packed'} {len(done.packed)}"]
        if not done.dry:
            lines[0] += f", removed {done.blobs} outputs; {done.before / 1e6:.1f} MB before, {done.after / 1e6:.1f} MB now"
        return "\n".join([*lines, *done.notes])

    def as_json(self) -> dict[str, Any]:
        """The fields of `Collected`."""
        return asdict(self.done)


def _days(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*?)s?", text.strip().lower())
    if match is None or (match[2] or "d") not in UNITS:
        raise UsageError(f"cannot read the time {text!r}; write it like '30 days' or '12 h'")
    return float(match[1]) * UNITS[match[2] or "d"] / 86_400


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.strip().lower())
    if match is None:
        raise UsageError(f"cannot read the size {text!r}; write it like 500M or 2G")
    return int(float(match[1]) * _SIZES[match[2]])
