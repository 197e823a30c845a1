"""Progress for people: a line per cell as it ends, and where it is a terminal, what runs now."""

from __future__ import annotations

from typing import TextIO

from agentlog_ipy.results import CellResult, Progress

_MARKS = {"ok": "ok", "expected": "ok (raised, as expected)", "skipped": "skipped"}


class Lines(Progress):
    """One line per cell on a stream (stderr)."""

    def __init__(self, stream: TextIO, *, several: bool = False) -> None:
        self._stream = stream
        self._several = several

    def start(self, path: str, cells: int) -> None:
        """A notebook begins."""
        self._say(f"{path}: {cells} cell{'s' if cells != 1 else ''}")

    def cell(self, path: str, result: CellResult, number: int, cells: int) -> None:
        """A cell ended."""
        where = f"{path} " if self._several else ""
        words = _MARKS.get(result.status) or result.status.replace("_", " ").upper()
        first = next((line.strip() for line in result.source.splitlines() if line.strip()), "")
        error = f"  {result.error.splitlines()[0][:100]}" if result.error else ""
        self._say(f"{where}[{number}/{cells}] {result.seconds:6.2f} s  {words:3}  {first[:60]}{error}")

    def _say(self, line: str) -> None:
        try:
            print(line, file=self._stream, flush=True)
        except (OSError, ValueError):
            pass  # nobody reads it any more
