"""Whose own text may be asked for: plain values, and objects of libraries that hold nothing of the user's.

A moment asks its time zone for its offset and name, an array of objects asks each of them: where the zone or an object may be
of a class of the user's, that would run his code.
"""

from __future__ import annotations

import datetime

from agentlog import peek

_LIBRARIES = ("numpy", "pandas", "pathlib", "datetime", "decimal", "fractions", "uuid")
_ZONES = ("datetime", "zoneinfo", "pytz", "dateutil")
_PANDAS = frozenset({"Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType"})
"""Those of pandas' own that hold no objects."""


def has_safe_text(value: object) -> bool:
    """Do `str` and `repr` of `value` run no code of the user's?"""
    if type(value) in peek.PLAIN:
        return True
    package = next((name for name in _LIBRARIES if peek.really_in(value, name)), None)
    if package is None or not known_zone(zone_of(value)):
        return False
    if package == "pandas":
        return peek.class_name(type(value)) in _PANDAS
    return type(value) is not peek.loaded("numpy", "ndarray") or value.dtype.kind != "O"  # type: ignore[attr-defined]


def zone_of(value: object) -> datetime.tzinfo | None:
    """The time zone that a moment or a time of day carries, itself unasked; None for anything else."""
    for base in (datetime.datetime, datetime.time):
        if peek.is_a(value, base):
            zone: datetime.tzinfo | None = base.__dict__["tzinfo"].__get__(value)
            return zone
    return None


def known_zone(zone: object) -> bool:
    """No time zone, or one of a library."""
    return zone is None or any(peek.really_in(zone, package) for package in _ZONES)
