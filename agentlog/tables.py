"""Lists for the terminal: aligned columns, relative times, colour only where a person looks at a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from agentlog.ids import parse_timestamp

WIDTH = 120
"""Columns where there is no terminal."""
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}
OF_STATUS = {
    "ok": "green",
    "running": "blue",
    "not_run": "dim",
    "exit": "dim",
    "ended": "dim",
    "shutdown": "dim",
    "unloaded": "dim",
}
"""Colour of a status or of how a session ended; whatever is not here is red."""
_STEPS = ((60, "s"), (60, "min"), (24, "h"), (7, "days"), (5, "weeks"))


def in_terminal() -> bool:
    """Is standard output a terminal whose reader may see colours?"""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(getattr(sys.stdout, "isatty", lambda: False)())


def width() -> int:
    """Columns a line may have."""
    return shutil.get_terminal_size((WIDTH, 40)).columns if getattr(sys.stdout, "isatty", lambda: False)() else WIDTH


def paint(text: str, colour: str | None, on: bool) -> str:
    """`text` in `colour` where colours are on."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if on and colour and text else text


def ago(timestamp: str | None, now: datetime | None = None) -> str:
    """ "3 min ago"; the date where it is long ago; "" for None."""
    if not timestamp:
        return ""
    try:
        then = parse_timestamp(timestamp)
    except ValueError:
        return timestamp
    seconds = ((now or datetime.now(timezone.utc)) - then).total_seconds()
    if seconds < 0:
        return then.astimezone().strftime("%Y-%m-%d %H:%M")
    left = seconds
    for size, unit in _STEPS:
        if left < size:
            number = int(left)
            return f"{number} {unit if number != 1 else unit.rstrip('s') or 's'} ago"
        left /= size
    return then.astimezone().strftime("%Y-%m-%d")


def duration(ms: float | None) -> str:
    """ "12 ms", "3.2 s", "4 min 10 s", "2 h 5 min"; "" for None."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def one_line(text: str) -> str:
    """The first line of `text` that says something, and a mark where there is more."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return "" if not lines else lines[0] if len(lines) == 1 else f"{lines[0]} …(+{len(lines) - 1})"


def cut(text: str, room: int) -> str:
    """`text` in at most `room` characters, marked where cut."""
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its cells, the colour of each (by position), and a second line below it."""

    cells: tuple[str, ...]
    colours: tuple[str | None, ...] = ()
    below: str = ""


def table(lines: Sequence[Line], room: int, colour: bool) -> str:
    """Rows with aligned columns; the last column takes what is left of `room` and is cut there."""
    if not lines:
        return ""
    widths = [max(len(line.cells[column]) for line in lines) for column in range(len(lines[0].cells) - 1)]
    left = max(room - sum(widths) - 2 * len(widths), 20)
    out = []
    for line in lines:
        cells = [*(cell.ljust(size) for cell, size in zip(line.cells, widths, strict=False)), cut(line.cells[-1], left)]
        tints = [*line.colours, *[None] * (len(cells) - len(line.colours))]
        out.append("  ".join(paint(cell, tint, colour) for cell, tint in zip(cells, tints, strict=True)).rstrip())
        if line.below:
            out.append("    " + paint(cut(line.below, room - 4), "red", colour))
    return "\n".join(out)


class Text:
    """A result that displays itself as its text, in notebooks too."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from agentlog.html.stylesheet import element, fragment

        return fragment(element("pre", str(self)), type(self).__name__.lower())
