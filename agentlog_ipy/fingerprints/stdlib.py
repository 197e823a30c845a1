"""Values of the standard library that are what they say: numbers, dates, paths, patterns, ranges; modules."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import random
import re
import types
import uuid
from typing import Any

from agentlog import peek
from agentlog.own_text import known_zone
from agentlog_ipy.fingerprints.walk import HANDLERS, INHERITED, Walk, by_id, visit_identity

_SAID_BY_REPR: tuple[type, ...] = (
    datetime.date, datetime.timedelta, decimal.Decimal, fractions.Fraction, uuid.UUID, type(pathlib.Path()),
    pathlib.PurePosixPath, pathlib.PureWindowsPath, re.Pattern, type(NotImplemented),
)  # fmt: skip
_MOMENTS = (datetime.datetime, datetime.time)
IMMUTABLE = (*_SAID_BY_REPR, *_MOMENTS, slice)
_CODE = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
_TEXT = 4096


def visit_text(walk: Walk, value: Any, depth: int) -> None:
    """Immutable, and its exact type's repr is the standard library's."""
    walk.tokens.append(repr(value))


def visit_moment(walk: Walk, value: Any, depth: int) -> None:
    """A time zone of the user's is told by which object it is: its text would be asked of it."""
    zone = value.tzinfo
    if known_zone(zone):
        walk.tokens.append(repr(value))
    else:
        walk.tokens.append(repr(value.replace(tzinfo=None)))
        walk.identity(zone)


def visit_slice(walk: Walk, value: slice, depth: int) -> None:
    for part in (value.start, value.stop, value.step):
        walk.visit(part, depth + 1)


def visit_range(walk: Walk, value: range, depth: int) -> None:
    walk.tokens.append((value.start, value.stop, value.step))


def visit_random(walk: Walk, value: Any, depth: int) -> None:
    walk.temporary(random.Random.getstate(value)[1], depth)


def visit_module(walk: Walk, value: Any, depth: int) -> None:
    """A module's public data, not its code: `config.LR = 0.1` is a change. Of libraries the name only (`Watched` decides)."""
    names = peek.module_dict(value)
    walk.tokens.append(str(names.get("__name__")))
    if depth:
        return
    for name, item in list(names.items()):
        if type(name) is str and not name.startswith("_") and not _is_code(item):
            walk.tokens.append(name)
            walk.visit(item, depth + 1)


def _is_code(value: object) -> bool:
    return peek.exactly(value, *_CODE) or peek.is_a(value, type)


def _number(walk: Walk, value: Any, depth: int) -> None:
    base = int if peek.is_a(value, int) else float
    walk.tokens.append(base.__pos__(value))
    walk.attributes(value, depth)


def _text(walk: Walk, value: Any, depth: int) -> None:
    walk.tokens.append(str.__str__(value)[:_TEXT])
    walk.attributes(value, depth)


HANDLERS.update(by_id(
    (_SAID_BY_REPR, visit_text), (_MOMENTS, visit_moment), ((slice,), visit_slice), ((range,), visit_range), ((random.Random,), visit_random), ((types.ModuleType,), visit_module),
))  # fmt: skip
INHERITED.update(by_id(((types.ModuleType,), visit_identity), ((int, float), _number), ((str,), _text)))
