"""One execution whole: its source, what it printed and displayed, its error with frames, what it changed.

show 14                              the latest In[14]
show 14 --full                       with outputs that were cut, from where they are kept whole
show 14 --output --start 0 --end 4000    characters of its output
show <handle>                        a stored output by its handle (64 hexadecimal digits)
"""

from __future__ import annotations

import argparse
import re

from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.shown import PARTS, Page, Shown, gather

JSON = TASKS_TOO = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reference", nargs="?", default="last", help="In[n] as a number, an execution id or the end of one, last, -2, or a handle"
    )
    parser.add_argument("--session", help="session id or the end of one (default: the latest)")
    parser.add_argument("--full", action="store_true", help="outputs whole, also where only head and tail were in the journal")
    for part in PARTS:
        parser.add_argument(
            f"--{part}", action="store_true", help=f"only its {part}" + ("" if part == "changes" else " (may be combined)")
        )
    parser.add_argument("--start", type=int, metavar="N", help="from character N of the output on")
    parser.add_argument("--end", type=int, metavar="N", help="up to character N of the output")


def run(args: argparse.Namespace, desk: Desk) -> Shown | Page:
    """The execution, or some characters of an output."""
    paged = args.start is not None or args.end is not None
    if (args.start or 0) < 0 or (args.end is not None and args.end < (args.start or 0)):
        raise UsageError(f"--start {args.start} --end {args.end}: characters count from 0, and the end comes after the start")
    if re.fullmatch(r"[0-9a-f]{64}", args.reference):
        return Page.of(desk.store.blob(args.reference).decode("utf-8", "replace"), args.start, args.end)
    session = args.session or desk.session
    where = desk.store.session(session).id if session or not _is_id(args.reference) else None
    shown = gather(desk.store, desk.store.execution(args.reference, where), full=args.full or paged)
    parts = tuple(part for part in PARTS if getattr(args, part))
    if paged:
        if parts not in ((), ("output",)):
            raise UsageError("--start and --end page the output: use them with --output alone")
        return Page.of(shown.output_text(), args.start, args.end)
    return shown.only(parts or PARTS)


def _is_id(reference: str) -> bool:
    """May it be the end of an id? Those are looked for in the whole store."""
    return bool(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{4,20}", reference)) and not reference.isdigit() and reference != "last"
