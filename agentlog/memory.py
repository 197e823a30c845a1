"""Memory across runs: was this failure seen before, and what made it go away? By name, for programs and agents.

An error is given as the exception itself, as the pattern id of an earlier call, or as (type, file name, line). None of
these functions raises into the caller's program.
"""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Iterator
from typing import Any, TypeVar

from agentlog import patterns, peek, recorder
from agentlog.asking import asked
from agentlog.events import PatternSeen
from agentlog.guard import guarded
from agentlog.notes import text_of

ErrorLike = BaseException | str | type
T = TypeVar("T")


def hash_error(error: ErrorLike, filename: str | None = None, line: int | None = None) -> str:
    """The pattern id (16 hex digits) of an exception, or of (type, file name, line).

    Of an exception: by type, message and the user's function it happened in; see `patterns`. Of a place: by type, the
    function around the line and the text of the line where the file can be read, so that it may move; else by the
    file's name and the line's number.
    """
    found: str | None = _hash(error, filename, line)
    return found if found is not None else patterns.hash_error("Exception", "")


def record_error_pattern(
    error: ErrorLike, filename: str | None = None, line: int | None = None, *, note: str | None = None, fix: str | None = None
) -> str:
    """Remember that the failure was seen, with a note, or what fixed it; returns its pattern id. "" when recording is off."""
    pattern: str | None = _remember(error, filename, line, note, fix)
    return pattern or ""


def correlate_error(error: ErrorLike, filename: str | None = None, line: int | None = None) -> dict[str, Any]:
    """What was recorded of this failure so far: {"is_new", "times_seen_before", "sessions", "last_fix", ...}.

    Recordings of this very exception that were made already are part of it. `last_fix`: see `fixes.Fix`.
    """
    return get_error_pattern(hash_error(error, filename, line))


def get_error_pattern(pattern: str) -> dict[str, Any]:
    """The same for a pattern id."""
    from agentlog.recall import Remembered, remembered

    return asked(lambda store: remembered(store, pattern), Remembered(pattern)).as_json()


def find_similar_errors(
    error: ErrorLike, filename: str | None = None, line: int | None = None, *, message: str | None = None, limit: int = 5
) -> list[dict[str, Any]]:
    """Other kinds of failures that read alike, the most alike first. A pattern id stands for its latest failure."""
    from agentlog.recall import similar

    pattern = hash_error(error, filename, line)
    kind, said = _kind_and_message(error, pattern)
    return asked(lambda store: similar(store, kind, message or said, pattern, limit), [])


def user_functions(error: BaseException) -> list[str]:
    """Names of the user's functions on the traceback of `error`, outermost first."""
    from agentlog.stack import levels_of, no_cells

    levels = levels_of(error.__traceback__, no_cells, None, ("IPython", "agentlog", "agentlog_ipy"))
    return [level.frame.f_code.co_name for level in levels if level.user]


# --- within ---------------------------------------------------------------------------------------------------------


@guarded("patterns")
def _hash(error: ErrorLike, filename: str | None, line: int | None) -> str:
    if isinstance(error, BaseException):
        from agentlog.frames import message_of

        return patterns.hash_error(peek.class_name(type(error)), message_of(error), user_functions(error))
    kind = peek.class_name(error) if isinstance(error, type) else str(error)
    if filename is None and line is None:
        return kind if _is_pattern(kind) else patterns.hash_error(kind, "")
    return patterns.hash_error(kind, *_place(filename or "", line or 0))


def _is_pattern(text: str) -> bool:
    return len(text) == 16 and all(letter in "0123456789abcdef" for letter in text)


def _place(filename: str, line: int) -> tuple[str, list[str]]:
    """(text that stands for the line, functions around it)."""
    lines = linecache.getlines(filename)
    if not 0 < line <= len(lines):
        return f"{os.path.basename(filename.replace(chr(92), '/'))} line L{line}", []
    try:
        around = [node.name for node in _functions(ast.parse("".join(lines))) if node.lineno <= line <= (node.end_lineno or 0)]
    except (SyntaxError, ValueError):
        around = []
    return f"{os.path.basename(filename)}: {lines[line - 1].strip()}", around


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


@guarded("patterns")
def _remember(error: ErrorLike, filename: str | None, line: int | None, note: str | None, fix: str | None) -> str | None:
    door = recorder.current()
    if door is None:
        return None
    pattern = hash_error(error, filename, line)
    action = "fixed" if fix else "note" if note and not isinstance(error, BaseException) and filename is None else "seen"
    said = None if note is None else text_of(note)
    door.record(PatternSeen(action=action, pattern=pattern, note=said, fix=None if fix is None else text_of(fix)), now=True)
    return pattern


def _kind_and_message(error: ErrorLike, pattern: str) -> tuple[str, str]:
    if isinstance(error, BaseException):
        from agentlog.frames import message_of

        return peek.class_name(type(error)), message_of(error)
    known = get_error_pattern(pattern)
    return known["error_type"] or (peek.class_name(error) if isinstance(error, type) else str(error)), known["message"] or ""
