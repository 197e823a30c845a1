"""Which describer looks at a value: its exact type, else a class of a known library, else what it inherits from."""

from __future__ import annotations

import _thread
import enum
import functools
import re
import types
from collections import deque

from agentlog import peek
from agentlog.describers import code, containers, objects, scalars, stdlib
from agentlog.shapes import Describer, library_describer

EXACT: dict[type, Describer] = {
    int: scalars.describe_int,
    bool: scalars.describe_bool,
    float: scalars.describe_float,
    complex: scalars.describe_complex,
    str: scalars.describe_str,
    bytes: scalars.describe_bytes,
    type(None): scalars.describe_none,
    dict: containers.describe_mapping,
    list: containers.describe_sequence,
    tuple: containers.describe_sequence,
    set: containers.describe_set,
    frozenset: containers.describe_set,
    range: containers.describe_range,
    types.MappingProxyType: containers.describe_proxy,
    slice: scalars.describe_slice,
    memoryview: scalars.describe_bytes,
    types.FunctionType: code.describe_function,
    types.MethodType: code.describe_method,
    types.GeneratorType: code.describe_generator,
    types.CoroutineType: code.describe_generator,
    types.AsyncGeneratorType: code.describe_generator,
    functools.partial: code.describe_partial,
    re.Pattern: stdlib.describe_pattern,
    re.Match: stdlib.describe_match,
    _thread.LockType: stdlib.describe_lock,
    _thread.RLock: stdlib.describe_lock,
    **dict.fromkeys((types.CodeType, types.FrameType, types.TracebackType), code.describe_code),
    **dict.fromkeys(
        (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType),
        code.describe_builtin,
    ),
    **dict.fromkeys((type({}.keys()), type({}.values()), type({}.items())), containers.describe_view),
    **dict.fromkeys(
        (enumerate, zip, map, filter, reversed, type(iter([])), type(iter(())), type(iter({})), type(iter({}.values())), type(iter({}.items())),
         type(iter(set())), type(iter(range(0))), type(iter("")), type(iter(b"")), type(reversed([]))),
        stdlib.describe_iterator,
    ),
}  # fmt: skip

FAMILIES: tuple[tuple[type, Describer], ...] = (
    (type, code.describe_class),
    (enum.Enum, objects.describe_enum),
    (types.ModuleType, code.describe_module),
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


_BY_ID = {id(cls): describer for cls, describer in EXACT.items()}
"""To look a class up in a dictionary may run the hash of its metaclass."""


def describer_of(value: object) -> Describer:
    """The function that describes `value`; any other object is described by the attributes it holds."""
    found = _BY_ID.get(id(type(value))) or library_describer(value)
    if found is not None:
        return found
    for base, describer in FAMILIES:
        if peek.is_a(value, base):
            return describer
    return objects.describe_object
