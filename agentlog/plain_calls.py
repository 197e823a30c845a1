"""What calls on plain data answer: nothing of the user's runs, nothing changes, nothing takes long.

`answer(function, arguments)` for builtins, `method(owner, name, arguments)` for texts, dicts, and the sums of arrays and
columns of numbers. What could run other code, or take long, raises LookupError.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from typing import Any

from agentlog import peek

NUMBERS = peek.Types(int, float, bool)
KEYS = peek.Types(*peek.PLAIN, tuple)
COLLECTIONS = peek.Types(list, tuple, set, frozenset, dict, range)
MOST_ITEMS = 10_000
MOST_CELLS = 100_000
_LONGEST = 2_000
_BITS = 256


def answer(function: object, arguments: list[Any]) -> object:
    """`function(*arguments)` for the builtins of this module."""
    for known, allowed in _BUILTINS:
        if function is known and arguments and allowed(arguments):
            return known(*arguments)
    if function is isinstance and (classes := _classes_of(arguments)):
        return any(peek.is_a(arguments[0], cls) for cls in classes)
    raise LookupError


def method(owner: Any, name: str, arguments: list[Any]) -> object:
    """`owner.name(*arguments)` for the methods of this module."""
    if type(owner) is str and name in _OF_TEXT and len(owner) <= _LONGEST and all(_plain(part) for part in arguments):
        return getattr(owner, name)(*arguments)
    if type(owner) is dict and name == "get" and 1 <= len(arguments) <= 2 and _plain(arguments[0]) and plain_keys(owner):
        return owner.get(*arguments)
    if name in _OF_NUMBERS and not arguments:
        return _reduced(owner, name)
    raise LookupError


_OF_TEXT = frozenset(
    {"lower", "upper", "strip", "lstrip", "rstrip", "title", "split", "startswith", "endswith", "isdigit", "count", "find"}
)
_OF_NUMBERS = frozenset({"sum", "mean", "min", "max", "any", "all", "item"})


def _reduced(owner: Any, name: str) -> object:
    """A number made of an array or a column of plain numbers; an empty one would warn."""
    numpy, pandas = sys.modules["numpy"], sys.modules.get("pandas")
    if pandas is not None and type(owner) is pandas.Series and type(owner.dtype).__module__.startswith("numpy"):
        numbers = owner.to_numpy()
    elif type(owner) is numpy.ndarray:
        numbers = owner
    else:
        raise LookupError
    if numbers.dtype.kind not in "biuf" or not 0 < numbers.size <= MOST_CELLS:
        raise LookupError
    with numpy.errstate(all="ignore"):
        return getattr(owner, name)()


def _plain(value: object) -> bool:
    if type(value) is int:
        return value.bit_length() <= _BITS
    if peek.exactly(value, str, bytes):
        return len(value) <= _LONGEST  # type: ignore[arg-type]
    return type(value) in peek.PLAIN


def plain_keys(owner: dict[Any, Any]) -> bool:
    """Would looking a plain key up compare it with nothing of the user's? Of a long dict the first keys speak for all: each costs 60 ns."""
    return KEYS.all_of(islice(owner, MOST_ITEMS))


def _plain_items(arguments: list[Any]) -> bool:
    """One collection, not long, of plain values only."""
    (items,) = arguments
    return type(items) in COLLECTIONS and len(items) <= MOST_ITEMS and all(map(_plain, items))


def _numbers_within(arguments: list[Any]) -> bool:
    return _plain_items(arguments) and NUMBERS.all_of(arguments[0])


def _one_or_more(arguments: list[Any]) -> bool:
    return all(map(_plain, arguments)) if len(arguments) > 1 else _plain_items(arguments)


def _number_to_digits(arguments: list[Any]) -> bool:
    return len(arguments) <= 2 and NUMBERS.all_of(arguments) and all(map(_plain, arguments))


def _one_plain(arguments: list[Any]) -> bool:
    return len(arguments) == 1 and peek.exactly(arguments[0], int, float, bool, str) and _plain(arguments[0])


def _classes_of(arguments: list[Any]) -> tuple[type, ...]:
    """The classes asked for, where neither they nor the object say otherwise than its real type."""
    value, asked = arguments
    classes = asked if type(asked) is tuple else (asked,)
    honest = peek.on_class(value, "__class__") is object.__dict__["__class__"]
    return classes if honest and all(type(cls) is type for cls in classes) else ()


_BUILTINS: tuple[tuple[Callable[..., object], Callable[[list[Any]], bool]], ...] = (
    *((function, _one_plain) for function in (str, int, float, bool, repr)),
    (abs, _number_to_digits), (round, _number_to_digits),
    (sum, _numbers_within), (min, _one_or_more), (max, _one_or_more),
    *((function, _plain_items) for function in (any, all, sorted, set, list, tuple)),
)  # fmt: skip
