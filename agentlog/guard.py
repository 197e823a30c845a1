"""The recorder's faults stay the recorder's.

`@guarded("part")` holds back whatever a part of ours raises, notes it once per part and reason for
`%agentlog status`, and switches the part off after `PATIENCE` faults. It never formats user objects.
In our own tests `strict()` lets everything through.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

PATIENCE = 20
"""Faults of one part before it is switched off for the rest of the process."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Fault:
    """What went wrong in one part, how often, and whether the part is off because of it."""

    part: str
    reason: str
    count: int = 0
    off: bool = False


_faults: dict[str, Fault] = {}
_lock = threading.RLock()
_strict = False


def note(part: str, error: BaseException | str) -> None:
    """Remember that `part` failed. Never raises, never calls code of the user's."""
    reason = error if isinstance(error, str) else _reason(error)
    with _lock:
        fault = _faults.setdefault(part, Fault(part, reason))
        fault.reason = reason
        fault.count += 1
        fault.off = fault.off or fault.count >= PATIENCE


def guarded(part: str, fallback: Any = None) -> Callable[[F], F]:
    """Decorator: the function returns `fallback` instead of raising, and at once when `part` is off.

    Holds back Exception, and BaseException too where it is not an interrupt or exit meant for the user.
    """

    def wrap(function: F) -> F:
        @functools.wraps(function)
        def safe(*args: Any, **kwargs: Any) -> Any:
            fault = _faults.get(part)
            if fault is not None and fault.off:
                return fallback
            try:
                return function(*args, **kwargs)
            except (KeyboardInterrupt, SystemExit, GeneratorExit):
                raise
            except BaseException as error:
                if _strict:
                    raise
                note(part, error)
                return fallback

        return cast(F, safe)

    return wrap


def faults() -> list[Fault]:
    """Everything that went wrong so far, by part."""
    with _lock:
        return list(_faults.values())


def forget() -> None:
    """Clear all faults and switch every part on again (`%agentlog on`, tests)."""
    with _lock:
        _faults.clear()


@contextmanager
def strict() -> Iterator[None]:
    """Within this block faults are raised: for our own tests."""
    global _strict
    before, _strict = _strict, True
    try:
        yield
    finally:
        _strict = before


_SAY_PLAINLY = frozenset({"builtins", "sqlite3", "json", "zlib", "binascii", "agentlog", "agentlog_ipy"})
"""Packages whose exceptions say what they were given and nothing else."""
_PLAIN = (str, bytes, int, float, type(None))


def _reason(error: BaseException) -> str:
    """Type and, for exceptions whose text cannot run user code, the message."""
    kind = type(error)
    safe = kind.__module__.partition(".")[0] in _SAY_PLAINLY and all(type(part) in _PLAIN for part in error.args)
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" at {where.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{where.tb_lineno}" if where else ""
    try:
        return f"{kind.__name__}: {error}{place}"[:300] if safe else f"{kind.__name__}{place}"
    except Exception:
        return kind.__name__ + place


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.RLock()  # another thread of the parent's may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
