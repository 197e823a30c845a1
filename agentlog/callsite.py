"""What the caller wrote: the texts of the arguments at a call, and where it stands."""

from __future__ import annotations

import ast
import linecache
import sys
from functools import lru_cache
from types import CodeType, FrameType


def place(frame: FrameType) -> tuple[str, int]:
    """(file, line) of the statement that `frame` is running."""
    return frame.f_code.co_filename, frame.f_lineno


def argument_names(frame: FrameType, count: int) -> tuple[str, ...]:
    """The source text of the `count` positional arguments of the call `frame` is in; `arg0`, ... where unknown.

    Exact by bytecode positions (Python 3.11+); before that, the first call on the line with as many arguments.
    """
    names = _names_at(frame.f_code, frame.f_lasti, frame.f_lineno, count)
    return names if len(names) == count else tuple(f"arg{number}" for number in range(count))


@lru_cache(maxsize=512)
def _names_at(code: CodeType, instruction: int, line: int, count: int) -> tuple[str, ...]:
    source = "".join(linecache.getlines(code.co_filename))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    for call in _calls(tree, _position(code, instruction), line):
        plain = [argument for argument in call.args if not isinstance(argument, ast.Starred)]
        if len(plain) == count == len(call.args):
            return tuple(ast.unparse(argument) for argument in plain)
    return ()


def _calls(tree: ast.AST, position: tuple[int, int] | None, line: int) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if position is not None:
        return [call for call in calls if (call.lineno, call.col_offset) == position]
    return [call for call in calls if call.lineno <= line <= (call.end_lineno or call.lineno)]


def _position(code: CodeType, instruction: int) -> tuple[int, int] | None:
    """(line, column in bytes) where the expression of the running instruction begins."""
    if sys.version_info < (3, 11):
        return None
    for number, (line, _, column, _) in enumerate(code.co_positions()):  # type: ignore[unreachable]
        if number == instruction // 2:
            return (line, column) if line is not None and column is not None else None
    return None
