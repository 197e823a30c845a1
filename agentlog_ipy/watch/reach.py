"""What a cell can touch beyond the names in its text: globals of the functions it calls, however they are wrapped.

Looks at the live functions, not at their source text: a function defined ten cells ago and redefined since is followed
as it is now. Classes, functions and modules of libraries are not followed.
"""

from __future__ import annotations

import functools
import opcode
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.mutation_words import DYNAMIC, MUTATORS, PURE_FUNCTIONS, PURE_METHODS
from agentlog.static import CellNames, code_globals, code_names

_CAP = 500
_FEW = 64
"""Entries up to which a container is looked through for functions."""
_STORES = frozenset(
    opcode.opmap[name]
    for name in ("STORE_SUBSCR", "DELETE_SUBSCR", "STORE_ATTR", "DELETE_ATTR", "STORE_SLICE", "STORE_GLOBAL", "DELETE_GLOBAL")
    if name in opcode.opmap
)
_INPLACE = frozenset(number for name, number in opcode.opmap.items() if name.startswith("INPLACE_"))
_BINARY_OP = opcode.opmap.get("BINARY_OP", -1) if sys.version_info >= (3, 11) else -1
_FIRST_INPLACE = 13  # BINARY_OP's argument for `+=`; what follows is in place too
_IMMUTABLE = frozenset(
    map(id, (int, float, complex, bool, str, bytes, type(None), range, types.ModuleType, types.BuiltinFunctionType))
)


@dataclass(slots=True)
class Reached:
    """reads: globals that functions the cell uses read when called; changes: those of them that could be changed in place.

    writes: globals they assign; dynamic: one of them may touch any name; texts: short strings in them;
    names: attributes and globals they mention; changing: one of them changes some object, if only its argument.
    """

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    dynamic: bool = False
    changing: bool = False


@dataclass(frozen=True, slots=True)
class _Code:
    reads: frozenset[str]
    writes: frozenset[str]
    changes: bool
    dynamic: bool
    texts: frozenset[str]
    names: frozenset[str]


def reach(namespace: Mapping[str, Any], names: frozenset[str]) -> Reached:
    """Follow the functions, methods and instances behind `names`, up to a fixed number of them."""
    found = Reached()
    todo, seen, left = list(names), set(names), _CAP
    while todo and left:
        left -= 1
        name = todo.pop()
        if name not in namespace:
            continue
        if id(type(namespace[name])) in _BOUND:
            found.changes.add(name)  # calling it may change what it is bound to
        for function in _functions(namespace[name], namespace):
            for new in _follow(function, name, found):
                if new not in seen:
                    seen.add(new)
                    todo.append(new)
    return found


def dropped(namespace: Mapping[str, Any], names: CellNames) -> frozenset[str]:
    """Names that the cell lets go of whose class says what happens then (`__del__`)."""
    gone = (names.deletes | names.writes) - names.loads
    return frozenset(name for name in gone if name in namespace and _has_finalizer(type(namespace[name])))


def _has_finalizer(cls: type) -> bool:
    return any(peek.class_module(base) == "__main__" and "__del__" in peek.class_dict(base) for base in peek.mro(cls))


def leaves_arguments_alone(namespace: Mapping[str, Any], function: str) -> bool:
    """Is it a function of the user's that, with all it calls, changes no object?"""
    value = namespace.get(function)
    if type(value) is not types.FunctionType or value.__globals__ is not namespace:
        return False
    if value.__closure__ or value.__defaults__ or value.__kwdefaults__:
        return False
    found = reach(namespace, frozenset((function,)))
    return not (found.changing or found.dynamic)


def _follow(function: types.FunctionType, name: str, found: Reached) -> frozenset[str]:
    about = _about(function.__code__)
    found.reads |= about.reads
    found.writes |= about.writes
    found.texts |= about.texts
    found.names |= about.names
    found.dynamic = found.dynamic or about.dynamic
    found.changing = found.changing or about.changes
    if about.changes:
        found.changes |= about.reads | about.writes
    if function.__defaults__ or function.__kwdefaults__ or function.__closure__ or function.__dict__:
        found.changes.add(name)  # `def f(seen=[])`: the function itself may change
    return about.reads


def _functions(value: Any, namespace: Mapping[str, Any], depth: int = 0) -> Iterator[types.FunctionType]:
    """The user's functions that using `value` may run."""
    kind = type(value)
    if id(kind) in _IMMUTABLE or depth > 4:
        return
    if kind is types.FunctionType:
        if value.__globals__ is namespace:
            yield value
        for cell in value.__closure__ or ():
            yield from _functions(_content(cell), namespace, depth + 1)
    elif kind is types.MethodType:
        yield from _functions(value.__func__, namespace, depth + 1)
        yield from _functions(value.__self__, namespace, depth + 1)
    elif kind is functools.partial:
        yield from _functions(value.func, namespace, depth + 1)
    elif kind is _CACHED:
        yield from _functions(peek.own(value, "__wrapped__"), namespace, depth + 1)
    elif kind is dict or kind is list or kind is tuple:
        if len(value) <= _FEW:
            yield from _held(list(value.values() if kind is dict else value), namespace, depth)
    else:
        yield from _methods(value if peek.is_a(value, type) else kind, namespace, depth)
        if peek.class_module(kind) == "__main__":
            yield from _held([item for _, item in islice(peek.attributes(value), _FEW)], namespace, depth)


def _held(items: list[Any], namespace: Mapping[str, Any], depth: int) -> Iterator[types.FunctionType]:
    """Functions that a small container or an instance holds: `handlers["save"]()`, `button.on_click()`."""
    for item in items:
        if id(type(item)) in _CALLED:
            yield from _functions(item, namespace, depth + 1)


_BOUND = frozenset(map(id, (types.MethodType, types.BuiltinFunctionType, functools.partial)))
_CALLED = frozenset(map(id, (types.FunctionType, types.MethodType, functools.partial)))
_CACHED = type(functools.lru_cache(len))


def _methods(cls: type, namespace: Mapping[str, Any], depth: int) -> Iterator[types.FunctionType]:
    for base in peek.mro(cls):
        if peek.class_module(base) != "__main__":
            continue
        for item in list(peek.class_dict(base).values()):
            if type(item) in _WRAPPERS:
                for part in (getattr(item, "__func__", None), getattr(item, "fget", None), getattr(item, "fset", None)):
                    yield from _functions(part, namespace, depth + 1)
            elif type(item) is types.FunctionType and item.__globals__ is namespace:
                yield item


_WRAPPERS = (staticmethod, classmethod, property)


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None


@lru_cache(maxsize=2048)
def _about(code: types.CodeType) -> _Code:
    reads, writes = code_globals(code)
    names = frozenset(code_names(code))
    return _Code(frozenset(reads), frozenset(writes), _changes(code), bool(names & DYNAMIC), frozenset(_texts(code)), names)


def _texts(code: types.CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if type(constant) is str and 2 < len(constant) <= 300:
            yield constant
        elif isinstance(constant, types.CodeType):
            yield from _texts(constant)


def _changes(code: types.CodeType) -> bool:
    """Could this code change an object it reads from outside?"""
    raw = code.co_code
    for position in range(0, len(raw), 2):
        number = raw[position]
        if number in _STORES or number in _INPLACE or (number == _BINARY_OP and raw[position + 1] >= _FIRST_INPLACE):
            return True
    names = set(code.co_names)
    if names & MUTATORS or names - PURE_METHODS - PURE_FUNCTIONS - _PLAIN:
        return True
    return any(_changes(inner) for inner in code.co_consts if isinstance(inner, types.CodeType))


_PLAIN = frozenset({
    "shape", "dtype", "dtypes", "columns", "values", "T", "size", "ndim", "iloc", "loc", "at", "iat", "index", "name",
    "names", "np", "numpy", "pd", "pandas", "math", "os", "sys", "real", "imag", "random", "log", "exp", "sqrt", "sin",
    "cos", "pi", "array", "zeros", "ones", "arange", "linspace", "time", "perf_counter", "Exception", "ValueError",
    "KeyError", "TypeError", "RuntimeError", "StopIteration",
})  # fmt: skip
"""Attributes and modules whose use changes nothing."""
