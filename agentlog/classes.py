"""`dataclass` as in the standard library, defined in a tenth of the time.

The standard one compiles up to six functions for each class, 0.4 ms. The recording side has sixty of them, the reading
side more, and every kernel, traced program and command would wait for them. Here `__init__` is compiled when the first
object is made, all other methods are shared. Of its options: frozen, slots, kw_only, repr, eq.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError, fields
from functools import cache
from operator import attrgetter
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        """As `dataclasses.dataclass`."""
        return _made(cls) if cls is not None else lambda cls: _made(cls, **options)


def _made(
    cls: Any, *, frozen: bool = False, slots: bool = False, kw_only: bool = False, repr: bool = True, eq: bool = True
) -> type:
    own = vars(cls).keys()
    cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
    shared: dict[str, Any] = {"__repr__": _repr} if repr else {}
    shared |= {"__eq__": _eq, "__hash__": _hash if frozen else None} if eq else {}
    shared |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete} if frozen else {}
    shared |= {"__getstate__": _get_state, "__setstate__": _set_state} if frozen and slots else {}
    for name, method in shared.items():
        if name not in own:
            setattr(cls, name, method)
    cls.__init__ = _Init(cls)
    return cls  # type: ignore[no-any-return]


class _Init:
    """`__init__` until somebody asks for it."""

    def __init__(self, cls: Any) -> None:
        self.cls = cls

    def __get__(self, thing: object, owner: type) -> Any:
        self.cls.__init__ = _compiled_init(self.cls)
        return self.cls.__init__.__get__(thing, owner)


class _Factory:
    """The default of a field that makes one for each object."""

    def __repr__(self) -> str:
        return "<factory>"


_MADE = _Factory()


def _compiled_init(cls: Any) -> Callable[..., None]:
    """`__init__` of `cls`: each field is set through its slot, where it has one."""
    known: dict[str, Any] = {"MADE": _MADE}
    lines = []
    for each in fields(cls):
        known[f"set_{each.name}"] = _setter(cls, each.name)
        value = each.name
        if each.default_factory is not MISSING:
            known[f"new_{each.name}"] = each.default_factory
            value = f"new_{each.name}() if {each.name} is MADE else {each.name}"
        known[f"default_{each.name}"] = each.default if each.default is not MISSING else _MADE
        lines.append(f"    set_{each.name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("    self.__post_init__()")
    text = f"def __init__({_parameters(fields(cls))}):\n" + "\n".join(lines or ["    pass"])
    code = compile(text, f"<__init__ of {cls.__name__}>", "exec")  # to run the text itself is not harmless: see `failures`
    exec(code, known)
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {each.name: each.type for each in fields(cls)} | {"return": None}
    return made


def _setter(cls: type, name: str) -> Callable[[object, object], None]:
    slot = getattr(cls, name, None)
    if isinstance(slot, MemberDescriptorType):
        return slot.__set__
    return lambda self, value: object.__setattr__(self, name, value)


def _parameters(all_fields: tuple[Field[Any], ...]) -> str:
    named = [each for each in all_fields if each.kw_only]
    placed = [each for each in all_fields if not each.kw_only]
    return ", ".join(["self", *map(_parameter, placed), *(["*"] if named else []), *map(_parameter, named)])


def _parameter(each: Field[Any]) -> str:
    optional = each.default is not MISSING or each.default_factory is not MISSING
    return f"{each.name}=default_{each.name}" if optional else each.name


@cache
def _reader(cls: Any) -> Callable[[object], Any]:
    """Reads the fields of an object of `cls` that are compared, as a tuple."""
    names = [each.name for each in fields(cls) if each.compare]
    return attrgetter(*names) if len(names) > 1 else lambda thing: tuple(getattr(thing, name) for name in names)


# --- what all of them share ---------------------------------------------------------------------------------------


def _repr(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    read = _reader(other.__class__)
    return read(self) == read(other)


def _hash(self: Any) -> int:
    return hash(_reader(self.__class__)(self))


def _refuse_to_set(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: Any) -> list[object]:
    return [getattr(self, each.name) for each in fields(self)]


def _set_state(self: Any, state: list[object]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
