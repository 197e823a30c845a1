"""Reading objects by their C-level slots only: nothing here runs code that a user wrote.

`type(x)` cannot be lied to; what hangs on a class is read through the descriptors of `type` itself, what hangs on an
instance through the `__dict__` descriptor that the interpreter made and through member descriptors (slots).
Properties, `__getattr__`, `__class__`, metaclass attributes are never consulted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import Any

_mro = type.__dict__["__mro__"].__get__
_class_dict = type.__dict__["__dict__"].__get__
_class_name = type.__dict__["__name__"].__get__
_class_qualname = type.__dict__["__qualname__"].__get__
_module_dict: Any = ModuleType.__dict__["__dict__"].__get__  # type: ignore[index]
_str = str.__str__

HEAP_FLAG = 1 << 9
_flags = type.__dict__["__flags__"].__get__

_proved: dict[int, type] = {}
"""Classes proved to be what their name says, by id. Held on purpose: they live as long as their library does."""


def mro(cls: type) -> tuple[type, ...]:
    """The classes that `cls` inherits from, itself first."""
    return _mro(cls)  # type: ignore[no-any-return]


def class_dict(cls: type) -> Mapping[str, Any]:
    """The namespace of `cls` itself."""
    return _class_dict(cls)  # type: ignore[no-any-return]


def class_name(cls: type) -> str:
    """The short name of `cls`, as an exact str."""
    return _str(_class_name(cls))


def qualified_name(cls: type) -> str:
    """The qualified name of `cls`, as an exact str."""
    return _str(_class_qualname(cls))


def class_module(cls: type) -> str | None:
    """The module `cls` says it lives in; None for builtins."""
    if not _flags(cls) & HEAP_FLAG:
        dotted = _str(type.__dict__["__module__"].__get__(cls))
        return None if dotted == "builtins" else dotted
    module = _class_dict(cls).get("__module__")
    if type(module) is not str:
        if not inherits(type(module), str):
            return None
        module = _str(module)
    return None if module == "builtins" else module


def exactly(value: object, *classes: type) -> bool:
    """Is the type of `value` one of `classes`? (`in` would ask the metaclass whether they are equal.)"""
    kind = type(value)
    for cls in classes:  # noqa: SIM110  half the time of any()
        if kind is cls:
            return True
    return False


class Types:
    """Some classes. `kind in types` goes by identity: a set would ask the metaclass for its hash, a tuple whether it is equal."""

    __slots__ = ("_classes", "_ids")

    def __init__(self, *classes: type) -> None:
        self._classes = classes
        self._ids = frozenset(map(id, classes))

    def __contains__(self, kind: object) -> bool:
        return id(kind) in self._ids

    def __iter__(self) -> Iterator[type]:
        return iter(self._classes)

    def all_of(self, values: Iterable[object]) -> bool:
        """Are all `values` of one of these types exactly?"""
        return self._ids.issuperset(map(id, map(type, values)))


NUMBERS = Types(int, float, bool, complex)
PLAIN = Types(*NUMBERS, str, bytes, type(None))
"""Whose operators, hash and text are the interpreter's own."""


def inherits(cls: type, base: type) -> bool:
    """Is `base` among the ancestors of `cls`? (`issubclass` would ask the metaclass; numbers ask nobody.)"""
    return id(base) in map(id, _mro(cls))


def is_a(value: object, base: type) -> bool:
    """Is `value` an instance of `base`, by its real type?"""
    return inherits(type(value), base)


def own_dict(value: object) -> dict[str, Any] | None:
    """The instance dictionary, the real one; None where there is none."""
    for cls in _mro(type(value)):
        descriptor = _class_dict(cls).get("__dict__")
        if descriptor is not None and exactly(descriptor, GetSetDescriptorType, MemberDescriptorType):
            try:
                found = descriptor.__get__(value)
            except (AttributeError, TypeError):
                return None
            return found if type(found) is dict else None
    return None


def own(value: object, name: str, default: Any = None) -> Any:
    """An attribute kept in the instance itself: its dictionary, else a slot."""
    held = own_dict(value)
    if held is not None and name in held:
        return held[name]
    for cls in _mro(type(value)):
        descriptor = _class_dict(cls).get(name)
        if type(descriptor) is MemberDescriptorType:
            try:
                return descriptor.__get__(value)
            except (AttributeError, TypeError):
                return default
    return default


def slots(value: object) -> Iterator[tuple[str, Any]]:
    """(name, value) of the filled slots that classes written in Python declare."""
    for cls in _mro(type(value)):
        if not _flags(cls) & HEAP_FLAG:
            continue
        for name, descriptor in list(_class_dict(cls).items()):
            if type(descriptor) is MemberDescriptorType and inherits(type(name), str):
                try:
                    yield _str(name), descriptor.__get__(value)
                except (AttributeError, TypeError):
                    continue


def attributes(value: object) -> Iterator[tuple[str, Any]]:
    """(name, value) of all an instance holds itself: dictionary first, then slots."""
    held = own_dict(value)
    if held is not None:
        for name, item in dict.items(held):
            if inherits(type(name), str):
                yield _str(name), item
    yield from slots(value)


def on_class(value: object, name: str, default: Any = None) -> Any:
    """What the class of `value` or an ancestor defines as `name`, not bound, not called."""
    for cls in _mro(type(value)):
        namespace = _class_dict(cls)
        if name in namespace:
            return namespace[name]
    return default


def module_dict(module: object) -> dict[str, Any]:
    """The namespace of a module, without waking a lazy one; empty for anything that is no module."""
    found = _module_dict(module) if is_a(module, ModuleType) else None
    return found if type(found) is dict else {}


def loaded(module: str, name: str) -> Any:
    """`name` of `module` where it is imported already, else None."""
    return module_dict(sys.modules.get(module)).get(name)


def genuine(cls: type) -> bool:
    """Does the imported module that `cls` names hold it under its name? A class may say anything of itself."""
    if _proved.get(id(cls)) is cls:
        return True
    module = class_module(cls)
    if module is None or not _holds(module, cls):
        return False
    _proved[id(cls)] = cls
    return True


def really_in(value: object, package: str) -> bool:
    """Is the exact type of `value` a class that `package` (top-level name) defines?"""
    cls = type(value)
    module = class_module(cls)
    return module is not None and module.partition(".")[0] == package and genuine(cls)


def _holds(module: str, cls: type) -> bool:
    found: Any = module_dict(sys.modules.get(module)).get(_str(_class_name(cls)))
    if found is cls or not _flags(cls) & HEAP_FLAG:
        return True
    outer, _, inner = qualified_name(cls).rpartition(".")
    holder = module_dict(sys.modules.get(module)).get(outer) if outer else None
    return is_a(holder, type) and _class_dict(holder).get(inner) is cls
