"""The door to describing failures: what that needs (`frames`, the collectors) is loaded in spare time, at the latest when one comes.

A program or a kernel that has just begun does not wait for it; one that fails at once waits then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

from agentlog import peek
from agentlog.events import Failure, Frame
from agentlog.guard import note
from agentlog.settings import Limits

_LEVELS = 50


@dataclass(frozen=True, slots=True)
class CellSource:
    """The cell that a code file stands for; line 1 of the code is line `first_line` of `source`."""

    execution: str
    count: int | None
    source: str
    first_line: int = 1


CellOf = Callable[[str], "CellSource | None"]


def no_cells(filename: str) -> CellSource | None:
    """For programs without cells."""
    return None


def failure_of(
    error: BaseException,
    *,
    cell_of: CellOf = no_cells,
    namespace: Mapping[str, object] | None = None,
    limits: Limits = Limits(),  # noqa: B008
) -> Failure:
    """`error` as plain data, see `frames.failure_of`. Type and place alone where that cannot be loaded any more (no file can be
    opened), or must not be: to define classes while Ctrl-C ends a program has Python forget that it was Ctrl-C, and exit with 1."""
    if peek.is_a(error, KeyboardInterrupt) and "agentlog.frames" not in sys.modules:
        return _bare(error)
    try:
        from agentlog.frames import failure_of as described
    except (ImportError, OSError, MemoryError) as fault:
        note("frames", fault)
        return _bare(error)
    return described(error, cell_of=cell_of, namespace=namespace, limits=limits)


def prepare() -> None:
    """Have loaded what the first failure needs: describe one of our own."""
    try:
        raise LookupError("none")
    except LookupError as error:
        failure_of(error)


def _bare(error: BaseException) -> Failure:
    """Type, place and the arguments that are plain: no code of the user's runs for them."""
    arguments: tuple[object, ...] = BaseException.args.__get__(error)  # type: ignore[attr-defined]
    message = ", ".join(str(one) for one in arguments if type(one) in (str, int, float))
    kind, module = peek.class_name(type(error)), peek.class_module(type(error))
    return Failure(type=kind, module=module, message=message, frames=tuple(_bare_frames(error.__traceback__)))


def _bare_frames(level: TracebackType | None) -> Iterator[Frame]:
    """Where it went, innermost last, at most _LEVELS."""
    for _ in range(_LEVELS):
        if level is None:
            return
        code = level.tb_frame.f_code
        yield Frame("user", code.co_filename, level.tb_lineno, code.co_name)
        level = level.tb_next
