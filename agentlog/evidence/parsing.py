"""Text that cannot be read: the text around the place, and the line of the file."""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector

_AROUND = 60
_MARKS = {b"\xef\xbb\xbf": "UTF-8 with a byte order mark", b"\xff\xfe": "UTF-16 little endian", b"\xfe\xff": "UTF-16 big endian", b"PK\x03\x04": "a zip (xlsx, npz, docx)",
          b"\x1f\x8b": "gzip", b"PAR1": "parquet", b"%PDF": "PDF", b"\x89PNG": "PNG", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle", b"\xd0\xcf\x11\xe0": "an old Office file (xls, doc)",
          b"SQLite format 3": "SQLite", b"\x89HDF": "HDF5", b"<!DOCTYPE": "HTML", b"<html": "HTML", b"<?xml": "XML", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}  # fmt: skip


def around(text: str, position: int) -> str:
    """The text before and after a position, the place marked."""
    before, after = text[max(0, position - _AROUND) : position], text[position : position + _AROUND]
    left = "..." if position > _AROUND else ""
    return f"{left}{before}»{after}{'...' if position + _AROUND < len(text) else ''}".replace("\n", "\\n")


@collector("JSONDecodeError")
def json_text(failing: Failing) -> list[Fact]:
    """The document around the position; what kind of document it is when it is no JSON."""
    doc, position = failing.told("doc"), failing.told("pos", 0)
    if type(doc) is not str or type(position) is not int:
        return []
    if not doc.strip():
        return [
            Fact("the text to parse is empty" if not doc else f"the text to parse is blank ({len(doc)} characters)"),
            *_source_of(failing, doc),
        ]
    facts = [Fact(f"at character {position} of {len(doc)}: {around(doc, position)}"), *_source_of(failing, doc)]
    start = doc.lstrip()[:200]
    if start.startswith("<"):
        facts.insert(0, Fact(f"the text is markup, not JSON: {start[:120]!r}"))
    if (failing.message.startswith("Extra data") and position and doc[position - 1 : position] in ("\n", "}")) or "\n{" in doc[
        :5000
    ]:
        facts.append(Fact(f"{doc.count(chr(10)) + 1} lines, each beginning like: {doc.splitlines()[0][:60]!r}"))
    return facts


def _source_of(failing: Failing, doc: str) -> list[Fact]:
    name = failing.name_of(doc)
    return [Fact(f"is the text that was parsed ({len(doc)} characters)", about=name)] if name else []


@collector("UnicodeDecodeError", "UnicodeEncodeError")
def encoding(failing: Failing) -> list[Fact]:
    """The bytes around the place, how they read in the usual encodings, and what the beginning looks like."""
    data, start, end = failing.told("object"), failing.told("start"), failing.told("end")
    codec = failing.told("encoding")
    if type(data) is str:
        letter = data[start:end]
        return [Fact(f"{letter!r} (U+{ord(letter[0]):04X}) has no form in {codec}; at {start}: {around(data, start)}")]
    piece = bytes(data[max(0, start - 20) : end + 20])
    facts = [Fact(f"byte 0x{data[start]:02x} at {start} of {len(data)} is not {codec}; around: {piece!r}")]
    facts += [
        Fact(f"read as {name}: {text!r}")
        for name in ("cp1252", "latin-1", "utf-8")
        if (text := _read(piece, name)) and name != codec
    ][:2]
    return facts + _mark(bytes(data[:16]))


def _read(piece: bytes, name: str) -> str | None:
    try:
        return piece.decode(name)
    except UnicodeDecodeError:
        return None


def _mark(start: bytes) -> list[Fact]:
    return [Fact(f"the data begins like {what}") for mark, what in _MARKS.items() if start.startswith(mark)]


@collector("ParserError", "EmptyDataError", "Error", "ArrowInvalid", "BadZipFile", "UnpicklingError", "BadGzipFile", "ValueError", "UnicodeDecodeError",
           pattern=r"tokeniz|Expected \d+ fields|No columns to parse|in line \d+|line contains|delimiter|CSV|parquet|not a zip|pickle|gzip|Excel|utf-?8|codec|unpack|Expected object or value|file format|bytes")  # fmt: skip
def file_text(failing: Failing) -> list[Fact]:
    """The beginning of the file that was read, and the line that the message names."""
    path = _file(failing)
    if path is None:
        return []
    size = os.path.getsize(path)
    if not size:
        return [Fact("the file is empty (0 bytes)", about=path)]
    with open(path, "rb") as file:
        start = file.read(4096)
    facts = [Fact(f"{size} bytes; begins: {start[:150]!r}", about=path), *_mark(start)]
    told = re.search(r"(?:line|row) (\d+)", failing.message)
    return facts + (_lines(path, int(told.group(1))) if told else [])


def _file(failing: Failing) -> str | None:
    """A file named in what was handed over, small looks at regular files only."""
    pairs = [
        *failing.data(),
        *failing.handed(),
        *failing.library_locals("filepath_or_buffer", "path", "io", "file", "fname", "filename").items(),
    ]
    for _, value in pairs:
        text = (
            value
            if type(value) is str
            else str(value)
            if probe.type_name(value) in ("PosixPath", "WindowsPath")
            else getattr(value, "name", None)
            if probe.type_name(value) in ("TextIOWrapper", "BufferedReader")
            else None
        )
        if type(text) is str and 0 < len(text) < 1000 and "\n" not in text and os.path.isfile(text):
            return text
    return _literal_file(failing)


def _literal_file(failing: Failing) -> str | None:
    import ast

    texts = [node.value for node in failing.nodes(ast.Constant) if isinstance(node, ast.Constant) and type(node.value) is str]
    return next(
        (text for text in texts if 0 < len(text) < 1000 and "\n" not in text and "\0" not in text and os.path.isfile(text)), None
    )


def _lines(path: str, number: int) -> list[Fact]:
    """Line `number` and the first line; only within the first 20 MB."""
    if number > 500_000 or os.path.getsize(path) > 20_000_000:
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        first = next(file, "")
        line = first if number <= 1 else next(islice(file, number - 2, None), "")
    commas = [
        f"{mark!r} {first.count(mark)} in line 1, {line.count(mark)} in line {number}"
        for mark in (",", ";", "\t", "|")
        if mark in first or mark in line
    ]
    return [
        Fact(f"line {number}: {line.rstrip()[:200]!r}", about=path),
        Fact(f"line 1: {first.rstrip()[:200]!r}", about=path),
        *([Fact("separators: " + "; ".join(commas))] if commas else []),
    ]


@collector("error", "PatternError", pattern=r"position|unterminated|nothing to repeat|missing|bad escape|unbalanced|group")
def regex(failing: Failing) -> list[Fact]:
    """The pattern around the position."""
    pattern, position = failing.told("pattern"), failing.told("pos")
    if type(pattern) is bytes:
        pattern = pattern.decode("latin-1")
    return (
        [Fact(f"pattern, at {position}: {around(pattern, position)}", about=failing.name_of(pattern))]
        if type(pattern) is str and type(position) is int
        else []
    )


@collector("MarkedYAMLError", "ParseError", "TOMLDecodeError", "ExpatError", "XMLSyntaxError")
def marked(failing: Failing) -> list[Fact]:
    """YAML, XML, TOML: the line of the text that the error's mark points at."""
    mark = failing.told("problem_mark")
    position = failing.told("position") or (failing.told("lineno"), failing.told("colno", failing.told("offset", 0)))
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else position
    told = re.search(r"line (\d+),? column (\d+)", failing.message)
    if line is None and told:
        line, column = int(told.group(1)), int(told.group(2))
    texts = [value for _, value in [*failing.data(), *failing.handed()] if peek.exactly(value, str, bytes) and len(value) > 5]
    facts: list[Fact] = []
    for value in texts[:1]:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        rows = text.splitlines()
        if type(line) is int and 0 < line <= len(rows):
            facts.append(Fact(f"line {line}, column {column}: {rows[line - 1][:200]!r}", about=failing.name_of(value)))
            facts += [Fact(f"line {line - 1}: {rows[line - 2][:200]!r}")] if line > 1 else []
    return facts


@collector("ValueError", "ParserError", "OutOfBoundsDatetime", "DateParseError",
           pattern=r"time data|unconverted data|does not match format|Unknown (?:string|datetime)|day is out of range|month must be|Out of bounds|isoformat|datetime string|parsing datetime")  # fmt: skip
def dates(failing: Failing) -> list[Fact]:
    """The text that is no date in the format asked for, and what else is in the column."""
    told = re.search(
        r"\"([^\"]*)\" doesn't match|time data '?\"?(.*?)'?\"? d(?:oes|oesn)|: '?([^':]+?)'?(?:,| present|$)", failing.message
    )
    culprit = next((group for group in told.groups() if group), None) if told else None
    place = re.search(r"at position (\d+)", failing.message)
    facts = []
    for about, value in failing.data():
        if type(value) is str:
            facts.append(Fact(f"is {probe.say(value)}", about=about, kind="describes"))
        elif probe.is_series(value) or peek.exactly(value, list, tuple):
            facts += _dates_in(value, about, culprit, int(place.group(1)) if place else None)
    return facts[:6]


def _dates_in(value: Any, about: str, culprit: str | None, place: int | None) -> list[Fact]:
    items = probe.items_of(value)
    texts = [item for item in items if type(item) is str]
    shapes: dict[str, list[str]] = {}
    for text in texts:
        shapes.setdefault(re.sub(r"\d", "9", re.sub(r"[A-Za-z]", "a", text)), []).append(text)
    common = sorted(shapes.items(), key=lambda pair: -len(pair[1]))
    said = "; ".join(f"{len(group)} like {group[0][:40]!r}" for _, group in common[:5])
    facts = [Fact(f"{probe.say(value)}; {said}", about=about)] if said else []
    if place is not None and place < len(items):
        facts.append(Fact(f"position {place} holds {probe.show(items[place])}", about=about))
    if culprit in texts:
        facts.append(
            Fact(f"{culprit!r} at position {texts.index(culprit)}, {texts.count(culprit)} times of {len(items)}", about=about)
        )
    return facts


@collector("SyntaxError")
def syntax(failing: Failing) -> list[Fact]:
    """The line with the place marked, and the line before it, where an open bracket often is."""
    text, number = failing.told("text"), failing.told("lineno")
    if type(text) is not str or type(number) is not int:
        return []
    column = max(0, (failing.told("offset") or 1) - 1)
    text = text.rstrip("\n")
    facts = [Fact(f"line {number}: {text[:column]}»{text[column:]}"[:300])]
    tabs = [word for word, mark in (("tabs", "\t"), ("spaces", " ")) if text.startswith(mark)]
    if "indent" in failing.message or "Tab" in probe.type_name(failing.error):
        facts.append(Fact(f"indented by {len(text) - len(text.lstrip())} {tabs[0] if tabs else 'characters'}"))
    strange = [f"{letter!r} (U+{ord(letter):04X})" for letter in dict.fromkeys(text) if ord(letter) > 127]
    return facts + ([Fact(f"letters beyond ASCII on the line: {', '.join(strange[:6])}")] if strange else [])
