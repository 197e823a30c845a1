"""Functions by their code, defaults, closure and attributes; methods, partials, properties; classes of the user's."""

from __future__ import annotations

import functools
import types
import weakref
from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints.walk import HANDLERS, INHERITED, SCALARS, Walk, by_id, visit_identity

_DESCRIPTORS = (
    types.MemberDescriptorType, types.GetSetDescriptorType, types.WrapperDescriptorType, types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)  # fmt: skip


def visit_function(walk: Walk, value: Any, depth: int) -> None:
    code = value.__code__
    walk.tokens.append((code.co_name, code.co_code, repr(code.co_names), code.co_varnames))
    for constant in code.co_consts:
        if type(constant) in SCALARS:
            walk.scalar(constant)
        elif type(constant) is types.CodeType:
            walk.tokens.append(constant.co_code)
    for part in (value.__defaults__, value.__kwdefaults__, value.__dict__ or None):
        walk.visit(part, depth + 1)
    for cell in value.__closure__ or ():
        walk.part(cell)
        try:
            walk.visit(cell.cell_contents, depth + 1)
        except ValueError:  # the closure's variable is not bound yet
            walk.tokens.append(None)


def visit_method(walk: Walk, value: Any, depth: int) -> None:
    walk.visit(value.__func__, depth + 1)
    walk.visit(value.__self__, depth + 1)


def visit_partial(walk: Walk, value: Any, depth: int) -> None:
    for part in (value.func, value.args, value.keywords):
        walk.visit(part, depth + 1)


def visit_wrapper(walk: Walk, value: Any, depth: int) -> None:
    """An lru_cache: the function, not what it remembers."""
    walk.visit(peek.own(value, "__wrapped__"), depth + 1)


def visit_bound_function(walk: Walk, value: Any, depth: int) -> None:
    walk.visit(value.__func__, depth + 1)


def visit_property(walk: Walk, value: Any, depth: int) -> None:
    for part in (value.fget, value.fset, value.fdel):
        walk.visit(part, depth + 1)


def visit_builtin(walk: Walk, value: Any, depth: int) -> None:
    walk.tokens.append(value.__name__)
    owner = value.__self__
    if owner is not None and not peek.is_a(owner, types.ModuleType):
        walk.visit(owner, depth + 1)


def visit_class(walk: Walk, value: type, depth: int) -> None:
    """A class of the user's by its attributes, any other by identity."""
    if peek.class_module(value) != "__main__":
        walk.identity(value)
        return
    walk.tokens.append(peek.qualified_name(value))
    for name, item in list(peek.class_dict(value).items()):
        if _is_users(name, item):
            walk.tokens.append(name)
            walk.visit(item, depth + 1)


def _is_users(name: str, item: object) -> bool:
    """Not what the interpreter, `abc`, dataclasses, attrs and pydantic keep in a class."""
    if name.startswith(("_abc_", "_ABC")):
        return False
    return type(item) is types.FunctionType or not (name.startswith("__") and name.endswith("__"))


def visit_cached_property(walk: Walk, value: Any, depth: int) -> None:
    walk.visit(value.func, depth + 1)


def visit_reference(walk: Walk, value: Any, depth: int) -> None:
    """A weak reference: which object it leads to; to look at that one is not its matter."""
    walk.identity(value)
    target = value()
    walk.tokens.append(target is None)
    walk.part(target)


HANDLERS.update(by_id(
    ((weakref.ref,), visit_reference),
    ((types.FunctionType,), visit_function), ((types.MethodType,), visit_method), ((functools.partial,), visit_partial),
    ((staticmethod, classmethod), visit_bound_function), ((property,), visit_property), ((type,), visit_class),
    ((types.BuiltinFunctionType,), visit_builtin), ((type(functools.lru_cache(len)),), visit_wrapper),
    ((types.CodeType, types.FrameType, types.TracebackType, *_DESCRIPTORS), visit_identity),
    ((functools.cached_property,), visit_cached_property),
))  # fmt: skip
INHERITED.update(by_id(((type,), visit_class)))
