"""Objects that notice every attempt to run their code, for the tests of `describe`.

`calls` lists what was run. Every special method that Python knows is overridden in every class of the zoo; the builtin
bases are those whose subclasses users write.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import io
import pathlib
import types
import uuid
from collections.abc import Callable
from typing import Any

calls: list[str] = []

SPECIAL = (  # noqa: SIM905
    "__repr__ __str__ __len__ __length_hint__ __eq__ __ne__ __lt__ __gt__ __le__ __ge__ __hash__ __bool__ __getattribute__ __getattr__ "
    "__iter__ __next__ __reversed__ __contains__ __getitem__ __missing__ __index__ __int__ __float__ __complex__ __bytes__ __format__ "
    "__dir__ __sizeof__ __reduce__ __reduce_ex__ __getstate__ __copy__ __deepcopy__ __enter__ __exit__ __call__ __array__ "
    "__array_interface__ __array_finalize__ __array_ufunc__ __array_function__ __fspath__ __instancecheck__ __subclasscheck__ "
    "__abs__ __neg__ __add__ __sub__ __mul__ __truediv__ __floordiv__ __mod__ __and__ __or__ __xor__ __round__ __trunc__ __buffer__ "
    "_repr_html_ _repr_mimebundle_ keys items values get pop tolist to_dict shape dtype columns index name head describe isna "
    "get_params fget isoformat utcoffset tzname dst as_tuple read tell fileno closed"
).split()


def trap(name: str) -> Callable[..., Any]:
    """A method that records that it ran, and fails."""

    def sprung(*args: object, **kwargs: object) -> Any:
        calls.append(name)
        raise RuntimeError(f"{name} was run")

    return sprung


class Tripwire:
    """A descriptor that records every access; as a data descriptor it comes before the instance's own attributes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: object = None) -> Any:
        calls.append(f"descriptor {self.name}")
        raise RuntimeError(f"descriptor {self.name} was asked")

    def __set__(self, instance: object, value: object) -> None:
        calls.append(f"descriptor {self.name} set")


class Meta(type):
    """A metaclass that notices being hashed, compared, shown or asked for attributes."""

    armed = False

    def __getattribute__(cls, name: str) -> Any:
        if Meta.armed:
            calls.append(f"metaclass attribute {name}")
        return type.__getattribute__(cls, name)

    def __hash__(cls) -> int:
        if Meta.armed:
            calls.append("metaclass __hash__")
        return type.__hash__(cls)

    def __eq__(cls, other: object) -> bool:
        if Meta.armed:
            calls.append("metaclass __eq__")
        return cls is other

    def __repr__(cls) -> str:
        calls.append("metaclass __repr__")
        return "?"

    def __instancecheck__(cls, instance: object) -> bool:
        calls.append("metaclass __instancecheck__")
        return True

    def __len__(cls) -> int:
        calls.append("metaclass __len__")
        return 1


def hostile(base: type, *, metaclass: type = type, leave: tuple[str, ...] = ()) -> type:
    """A subclass of `base` with every special method trapped, and `__class__` and other lookups behind tripwires."""
    body: dict[str, Any] = {name: trap(name) for name in SPECIAL if name not in leave}
    body.update({name: Tripwire(name) for name in ("secret_property", "__wrapped__", "__signature__", "__text_signature__")})
    body["__class__"] = property(trap("__class__"))
    return metaclass(f"Hostile{base.__name__.title()}", (base,), body)


def make(base: type, *args: object, leave: tuple[str, ...] = ()) -> object:
    """A hostile instance made by the builtin's own constructor."""
    cls = hostile(base, leave=leave)
    instance = base.__new__(cls, *args)
    if base.__init__ is not object.__init__:
        base.__init__(instance, *args)
    return instance


def with_dict() -> object:
    """An object with attributes, one of them hostile too, whose class lies about its `__dict__`."""
    instance = make(object)
    object.__setattr__(instance, "plain", 1)
    object.__setattr__(instance, "inner", make(object))
    return instance


def shadowed() -> object:
    """A class whose `__dict__` is a property."""
    return type("Shadowed", (), {"__dict__": property(trap("__dict__")), "__slots__": ("a",)})()


def with_slots() -> object:
    instance = type("Slotted", (), {"__slots__": ("filled", "empty"), **{n: trap(n) for n in ("__getattribute__", "__repr__")}})()
    object.__setattr__(instance, "filled", 3)
    return instance


def liar(module: str, name: str) -> object:
    """An object whose class says it is a class of a library."""
    body = {special: trap(special) for special in SPECIAL}
    return type(name, (), {**body, "__module__": module, "_mgr": Tripwire("_mgr"), "_df": Tripwire("_df")})()


def meta_instance() -> object:
    return hostile(object, metaclass=Meta)()


class Signals(enum.Enum):
    """An enum with hostile text."""

    STOP = 1

    __repr__ = trap("__repr__")
    __str__ = trap("__str__")
    __hash__ = trap("__hash__")

    @property
    def label(self) -> str:
        calls.append("label")
        return "x"


class Zone(datetime.tzinfo):
    """A time zone of the user's."""

    utcoffset = trap("utcoffset")
    tzname = trap("tzname")
    dst = trap("dst")
    __repr__ = trap("__repr__")
    __str__ = trap("__str__")


def key_holder() -> dict[Any, Any]:
    """A dict with a hostile key; hash and equality are armed only after it is in."""
    armed: list[int] = []

    class Key:
        def __hash__(self) -> int:
            if armed:
                calls.append("__hash__")
            return 1

        def __eq__(self, other: object) -> bool:
            calls.append("__eq__")
            return False

        __repr__ = trap("__repr__")

    held = {Key(): 1, "name": Key()}
    armed.append(1)
    return held


def module() -> types.ModuleType:
    """A lazy module."""
    cls = type("Lazy", (types.ModuleType,), {"__getattribute__": trap("__getattribute__"), "__getattr__": trap("__getattr__")})
    return types.ModuleType.__new__(cls, "lazy")


def exception() -> BaseException:
    error = hostile(ValueError)("text", make(object))
    return error


def zoo() -> dict[str, object]:
    """name -> hostile object; `calls` is emptied afterwards."""
    animals: dict[str, object] = {
        "object": make(object), "attributes": with_dict(), "shadowed": shadowed(), "slots": with_slots(), "metaclass": meta_instance(),
        "class": hostile(object, metaclass=Meta), "dict": make(dict), "list": make(list, [1, 2]), "tuple": make(tuple, (1, 2)),
        "set": make(set), "frozenset": make(frozenset), "str": make(str, "text"), "bytes": make(bytes, b"text"), "bytearray": make(bytearray, b"x"),
        "int": make(int, 7), "float": make(float, 1.5), "complex": make(complex, 1j), "deque": make(collections.deque, [1]),
        "ordered": make(collections.OrderedDict), "default": make(collections.defaultdict, list), "counter": dict.__new__(hostile(collections.Counter)),
        "decimal": make(decimal.Decimal, "1.5"), "fraction": fractions.Fraction.__new__(fractions.Fraction, 1, 3), "uuid": uuid.UUID(int=5),
        "datetime": make(datetime.datetime, 2020, 1, 2), "date": make(datetime.date, 2020, 1, 2), "time": make(datetime.time, 1, 2),
        "delta": make(datetime.timedelta, 1), "zoned": datetime.datetime(2020, 1, 1, tzinfo=Zone()), "stringio": make(io.StringIO),
        "bytesio": make(io.BytesIO), "path": pathlib.PurePosixPath("/a/b"), "enum": Signals.STOP, "key": key_holder(), "module": module(),
        "exception": exception(), "liar frame": liar("pandas", "DataFrame"), "liar array": liar("numpy", "ndarray"),
        "liar tensor": liar("torch", "Tensor"), "liar estimator": liar("sklearn.base", "BaseEstimator"), "proxy": types.MappingProxyType(make(dict)),  # type: ignore[arg-type]
        "bound": types.MethodType(make(object), 3), "views": dict.items(make(dict)),  # type: ignore[arg-type]
    }  # fmt: skip
    dict.__setitem__(animals["dict"], "k", make(object))  # type: ignore[index]
    set.add(animals["set"], 3)  # type: ignore[arg-type]
    object.__setattr__(animals["metaclass"], "x", 1)
    calls.clear()
    return animals
