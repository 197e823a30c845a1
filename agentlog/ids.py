"""Identifiers that sort by time and are unique across machines, and the one clock that stamps events.

An id is 20 characters of Crockford's base 32 (lower case, no i l o u): 11 for the microseconds since
1970 and 9 (45 bits) of chance. Within a process ids strictly increase, also when the clock jumps back.
"""

from __future__ import annotations

import os
import random
import threading
import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from agentlog.clock import clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_DIGITS, _CHANCE_DIGITS = 11, 9
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

_lock = threading.RLock()  # a signal handler may need an id while its own thread is making one
_chance = random.Random(os.urandom(16))  # our own generator: the user's random state is never touched
_last = 0


_DIGITS = bytes(ord(_ALPHABET[byte % 32]) for byte in range(256))
"""The digit for the last five bits of each byte. A larger table is quicker in a loop, but not around a cell, where it is in
no cache of the processor's."""


def new_id() -> str:
    """A new id, greater than every id this process made before."""
    global _last
    now = clock.time_ns() // 1000
    with _lock:
        _last = now = now if now > _last else _last + 1
        chance = _chance.getrandbits(8 * _CHANCE_DIGITS)
    last = bytes((now >> 15 & 31, now >> 10 & 31, now >> 5 & 31, now & 31)) + chance.to_bytes(_CHANCE_DIGITS, "big")
    return _leading(now >> 20) + last.translate(_DIGITS).decode()


@lru_cache(maxsize=4)
def _leading(high: int) -> str:
    """The first seven digits: they change about once a second."""
    return "".join(_ALPHABET[high >> shift & 31] for shift in range(30, -1, -5))


def id_time(identifier: str) -> datetime:
    """When `identifier` was made (UTC)."""
    number = 0
    for letter in identifier[:_TIME_DIGITS]:
        number = number * 32 + _ALPHABET.index(letter)
    return _EPOCH + timedelta(microseconds=number)


def is_id(text: str) -> bool:
    """Has `text` the form of an id?"""
    return len(text) == _TIME_DIGITS + _CHANCE_DIGITS and all(letter in _ALPHABET for letter in text)


def short(identifier: str) -> str:
    """The last six characters: enough to tell ids apart in a list, and accepted as a reference."""
    return identifier[-6:]


def timestamp(moment: float | None = None) -> str:
    """`moment` (seconds since 1970; now when None) as UTC ISO 8601 with microseconds, `...Z`."""
    microseconds = clock.time_ns() // 1000 if moment is None else round(moment * 1e6)
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_calendar(seconds)}.{rest:06}Z"


@lru_cache(maxsize=4)
def _calendar(seconds: int) -> str:
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def parse_timestamp(text: str) -> datetime:
    """The datetime (UTC) of a `timestamp()`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def _after_fork_in_child() -> None:
    global _chance, _lock
    _lock = threading.RLock()
    _chance = random.Random(os.urandom(16))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
