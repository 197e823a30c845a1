"""Which describer looks at which type."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import types
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from agentlog import peek
from agentlog.describers import containers, objects, scalars
from agentlog.events import Value
from agentlog.look import Look
from agentlog.shapes import library_describer

Describer = Callable[[Any, Look], Value]

EXACT: dict[type, Describer] = {
    int: scalars.describe_int,
    bool: scalars.describe_bool,
    float: scalars.describe_float,
    complex: scalars.describe_complex,
    str: scalars.describe_str,
    bytes: scalars.describe_bytes,
    bytearray: scalars.describe_bytes,
    memoryview: scalars.describe_bytes,
    type(None): scalars.describe_none,
    dict: containers.describe_mapping,
    list: containers.describe_sequence,
    tuple: containers.describe_sequence,
    deque: containers.describe_sequence,
    set: containers.describe_set,
    frozenset: containers.describe_set,
    range: containers.describe_range,
}

FAMILIES: tuple[tuple[type, Describer], ...] = (
    (BaseException, objects.describe_exception),
    (dict, containers.describe_mapping),
    (list, containers.describe_sequence),
    (tuple, containers.describe_sequence),
    (deque, containers.describe_sequence),
    (set, containers.describe_set),
    (frozenset, containers.describe_set),
    (str, scalars.describe_str),
    (bytes, scalars.describe_bytes),
    (bytearray, scalars.describe_bytes),
    (int, scalars.describe_int),
    (float, scalars.describe_float),
    (complex, scalars.describe_complex),
)


def describer_of(value: object) -> Describer:
    """The function that describes `value`: by exact type, else by what it inherits from, else as an object."""
    found = EXACT.get(type(value))
    if found is not None:
        return found
    library = library_describer(value)
    if library is not None:
        return library
    if objects.is_enum(value):
        return objects.describe_enum
    for base, describer in FAMILIES:
        if peek.is_a(value, base):
            return describer
    return objects.describe_object
