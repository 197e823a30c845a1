"""A small terminal: what a reader would have seen of a stream of text.

    terminal = Terminal()
    terminal.feed(chunk)            as often as chunks arrive; cheap
    terminal.text()                 what can be seen and was not taken yet
    terminal.take()                 lines that can no longer change, each once; `take(whole=True)`: the rest too

Who takes regularly keeps memory bounded: what stays is the line that is being written, drawn lines (written over after a
carriage return) above it, to which a second progress bar may go back, and the last `rows` lines once the stream has moved
its cursor up, or hidden it in order to. A limit on the whole, with head and tail, is the taker's.

The screen is as wide as its lines. Carriage return, backspace, erasing and cursor movement are applied; colours, titles, links and
other control sequences vanish; tabs stay. A wide character takes two columns, a combining one joins the character before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from unicodedata import combining, east_asian_width

_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL = re.compile(
    r"(?P<csi>\x1b\[(?P<args>[0-?]*)[ -/]*(?P<final>[@-~]))"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|(?=\x1b[^\\]))"  # titles, links and other strings up to their end
    r"|\x1b[ -/]+[0-~]|\x1b[0-OQ-WYZ\\`-~]"
    r"|(?P<char>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
)
_LONGEST_ESCAPE = 65_536
_LONGEST_LINE = 100_000
_MOST_MOVES = 10_000
_CURSOR = "?25"


class Terminal:
    """Text in, what can be seen out."""

    def __init__(self, *, rows: int = 100) -> None:
        self._rows = rows
        self._done: list[str] = []  # released and not taken yet
        self._draws = self._drawn = False  # the cursor moves; the line being written was returned to
        self._free = 0  # lines above the last drawn ones
        self._broken = self._returned = False  # the line being written began in a text that was taken; and was returned to since
        self._lines: list[list[str]] = [[]]  # one text per column: a character with what combines with it; "" right of a wide one
        self._row = self._column = 0
        self._unfinished = ""  # the beginning of a control sequence whose end has not come yet

    def feed(self, text: str) -> None:
        """Take in the next chunk."""
        if self._unfinished:
            text, self._unfinished = self._unfinished + text, ""
        position = 0
        while special := _SPECIAL.search(text, position):
            if special.start() > position:
                self._write(text[position : special.start()])
            position = self._control(text, special.start())
        if position < len(text):
            self._write(text[position:])

    def text(self) -> str:
        """Everything seen so far that was not taken."""
        return "".join(self._done) + self._screen()

    def pending(self) -> bool:
        """Is there text that was not taken?"""
        return bool(self._done) or len(self._lines) > 1 or bool(self._lines[0])

    def take(self, *, whole: bool = False) -> str:
        """The finished lines, and with `whole` everything; what was taken no longer changes and does not come again."""
        if whole:
            text, self._done = self.text(), []
            if text:
                self._broken, self._returned = not text.endswith("\n"), False
            self._lines, self._row, self._column, self._free = [[]], 0, 0, 0
            return text
        self._scroll(len(self._lines) - self._rows if self._draws else self._free)
        text, self._done = "".join(self._done), []
        return text

    # --- writing

    def _write(self, text: str) -> None:
        first, *lines = text.split("\n")
        if first:
            self._put(first)
        if len(lines) > 1 and self._row == len(self._lines) - 1:
            lines = self._write_below(lines)
        for line in lines:
            self._new_line()
            if line:
                self._put(line)

    def _write_below(self, lines: list[str]) -> list[str]:
        """All but the last of `lines` follow the screen's last line and are whole: those that stay reachable go onto the
        screen as they are, those before them are released. Returns the line still to be written."""
        self._new_line()
        above, below = lines[: -self._rows], lines[-self._rows : -1]
        if above:
            self._scroll(self._row)
            self._done.append("".join(line + "\n" for line in above))
        self._lines[-1:] = [list(line) if line.isascii() else _cells(line, [], 0) for line in below]
        self._row = self._free = len(self._lines) - 1
        if len(self._lines) > 2 * self._rows:
            self._scroll(len(self._lines) - self._rows)
        return lines[-1:]

    def _put(self, text: str) -> None:
        if self._returned and self._broken:
            self._done.append("\n")  # what was taken stays as it is: the new state of the line stands below it
        self._drawn |= self._returned
        self._broken = self._returned = False
        line, column = self._lines[self._row], self._column
        cells: Iterable[str] = text if text.isascii() else _cells(text, line, column)
        if column == len(line):
            line.extend(cells)
            self._column = len(line)
        else:
            self._overwrite(line, column, list(cells))
        if len(line) > _LONGEST_LINE:
            self._spill()

    def _overwrite(self, line: list[str], column: int, cells: list[str]) -> None:
        if column > len(line):
            line.extend(" " * (column - len(line)))
        end = column + len(cells)
        if cells and column < len(line) and line[column] == "" and column:
            line[column - 1] = " "  # the left half of a wide character whose right half goes
        if end < len(line) and line[end] == "":
            line[end] = " "
        line[column:end] = cells
        self._column = end

    def _spill(self) -> None:
        """A line without end: what stands above and in it is released, and the line goes on."""
        self._done.append("\n".join("".join(line) for line in self._lines[: self._row + 1]))
        self._lines = [[], *self._lines[self._row + 1 :]]
        self._row = self._column = self._free = 0

    def _new_line(self) -> None:
        self._broken = self._returned = False
        self._column = 0
        self._row += 1
        self._free = self._free if self._drawn else self._row
        self._drawn = False
        if self._row == len(self._lines):
            self._lines.append([])
            if len(self._lines) > 2 * self._rows:
                self._scroll(len(self._lines) - self._rows)

    def _scroll(self, gone: int) -> None:
        """Release the first `gone` lines: the cursor can no longer reach them."""
        if gone > 0:
            self._done += ("".join(line) + "\n" for line in self._lines[:gone])
            del self._lines[:gone]
            self._row, self._free = max(0, self._row - gone), max(0, self._free - gone)

    def _screen(self) -> str:
        return "\n".join(["".join(line) for line in self._lines])

    # --- control characters and sequences

    def _control(self, text: str, position: int) -> int:
        """Apply the control character or sequence at `position`; returns where the text goes on."""
        found = _CONTROL.match(text, position)
        if found is None:  # an escape that is not complete: it waits, unless it is none
            if text[position] == "\x1b" and len(text) - position < _LONGEST_ESCAPE and _may_go_on(text, position):
                self._unfinished = text[position:]
                return len(text)
            return position + 1
        if found["char"]:
            self._character(found["char"])
        elif found["csi"]:
            self._sequence(found["final"], found["args"])
        return found.end()

    def _character(self, char: str) -> None:
        if char == "\r":
            self._column = 0
            self._returned = True
        elif char == "\b":
            self._column = max(0, self._column - 1)
        elif char in "\x0b\x0c":
            column = self._column
            self._new_line()
            self._column = column

    def _sequence(self, final: str, args: str) -> None:
        if args == _CURSOR:
            self._draws, self._free = final == "l", self._row  # hidden; what follows "h" comes line by line again
        apply = _SEQUENCES.get(final)
        if apply is not None and not args.startswith(("?", ">", "<", "=")):
            numbers = [int(part[:6]) if part.isdigit() else 0 for part in args.split(";")]
            apply(self, numbers)

    def _move(self, rows: int, column: int) -> None:
        """Move by rows within the lines that can still change, and to a column."""
        top = max(0, len(self._lines) - self._rows)
        self._draws |= rows < 0
        self._row = max(top, self._row + rows)
        while self._row >= len(self._lines):
            self._lines.append([])
        self._column = min(max(0, column), _MOST_MOVES)
        if len(self._lines) > 2 * self._rows:
            self._scroll(len(self._lines) - self._rows)

    def _position(self, row: int, column: int) -> None:
        top = max(0, len(self._lines) - self._rows)
        self._move(top + min(row, self._rows - 1) - self._row, column)

    def _erase_in_line(self, what: int) -> None:
        line = self._lines[self._row]
        if what == 0:
            del line[self._column :]
        elif what == 1:
            line[: self._column + 1] = " " * min(self._column + 1, len(line))
        elif what == 2:
            line.clear()

    def _erase_in_display(self, what: int) -> None:
        top = max(0, len(self._lines) - self._rows)
        if what == 0:
            self._erase_in_line(0)
            del self._lines[self._row + 1 :]
        elif what == 1:
            self._erase_in_line(1)
            for line in self._lines[top : self._row]:
                line.clear()
        elif what in (2, 3):
            for line in self._lines[top:]:
                line.clear()
            del self._lines[self._row + 1 :]

    def _delete_characters(self, count: int) -> None:
        del self._lines[self._row][self._column : self._column + count]

    def _insert_blanks(self, count: int) -> None:
        line = self._lines[self._row]
        if self._column < len(line):
            line[self._column : self._column] = " " * min(count, _MOST_MOVES)

    def _erase_characters(self, count: int) -> None:
        line = self._lines[self._row]
        end = min(len(line), self._column + count)
        line[self._column : end] = " " * max(0, end - self._column)


def _times(numbers: list[int]) -> int:
    return min(max(1, numbers[0]), _MOST_MOVES)


_SEQUENCES: dict[str, Callable[[Terminal, list[int]], None]] = {
    "A": lambda t, n: t._move(-_times(n), t._column),
    "B": lambda t, n: t._move(min(_times(n), t._rows), t._column),
    "C": lambda t, n: t._move(0, t._column + _times(n)),
    "D": lambda t, n: t._move(0, t._column - _times(n)),
    "E": lambda t, n: t._move(min(_times(n), t._rows), 0),
    "F": lambda t, n: t._move(-_times(n), 0),
    "G": lambda t, n: t._move(0, _times(n) - 1),
    "H": lambda t, n: t._position(_times(n) - 1, _times(n[1:] or [1]) - 1),
    "f": lambda t, n: t._position(_times(n) - 1, _times(n[1:] or [1]) - 1),
    "J": lambda t, n: t._erase_in_display(n[0]),
    "K": lambda t, n: t._erase_in_line(n[0]),
    "P": lambda t, n: t._delete_characters(_times(n)),
    "@": lambda t, n: t._insert_blanks(_times(n)),
    "X": lambda t, n: t._erase_characters(_times(n)),
}
"""Final letter of a control sequence -> what it does. Those not here (colours, modes) do nothing."""


def _may_go_on(text: str, position: int) -> bool:
    """Is what stands at `position` the beginning of an escape sequence, as far as one can see?"""
    return re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z").match(text, position) is not None


def _cells(text: str, line: list[str], column: int) -> list[str]:
    """One text per column. What combines with the character before the text is added to `line` itself."""
    cells: list[str] = []
    for char in text:
        if char < "\u0300":
            cells.append(char)
        elif combining(char) or char in "\u200b\u200c\u200d\ufe0e\ufe0f":
            _combine(char, cells, line, column)
        elif east_asian_width(char) in "WF":
            cells += (char, "")
        else:
            cells.append(char)
    return cells


def _combine(char: str, cells: list[str], line: list[str], column: int) -> None:
    target, at = (cells, len(cells) - 1) if cells else (line, min(column, len(line)) - 1)
    if at > 0 and target[at] == "":
        at -= 1
    if at >= 0:
        target[at] += char
