"""Numbers that options take: for argparse's `type=`, with one line for those that make no sense."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from math import isfinite

LEAST_TOKENS = 24
"""A context in fewer says nothing but that something was left out."""


def at_least(least: int) -> Callable[[str], int]:
    """Whole numbers from `least` on."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is no whole number") from None
        if number < least:
            raise ArgumentTypeError(f"{number} is too few: at least {least}")
        return number

    return read


def seconds(text: str) -> float:
    """A time that can pass."""
    try:
        number = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no number of seconds") from None
    if not isfinite(number) or number <= 0:
        raise ArgumentTypeError(f"{text} is no time that could pass: seconds above 0")
    return number
