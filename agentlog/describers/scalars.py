"""Numbers, text, bytes and the small immutable types of the standard library."""

from __future__ import annotations

import math
from typing import Any

from agentlog import peek
from agentlog.events import Scalar, Value
from agentlog.look import Look

_JSON_INT = 1 << 63
_LOG10_2 = math.log10(2)


def number(value: int) -> Scalar:
    """An int as JSON can carry it: itself within 64 bits, else its digits, else about how large it is."""
    if -_JSON_INT <= value < _JSON_INT:
        return value
    bits = value.bit_length()
    return str(value) if bits <= 640 else about(value, bits)


def about(value: int, bits: int) -> str:
    """'1.0715e+301 (1001 bits)', from the leading bits alone: printing all digits of an int takes quadratic time."""
    leading = abs(value) >> (bits - 53)
    exponent, digits = divmod(math.log10(leading) + (bits - 53) * _LOG10_2, 1)
    return f"{'-' if value < 0 else ''}{10**digits:.4f}e+{exponent:.0f} ({bits} bits)"


def real(value: float) -> Scalar:
    """A float as JSON can carry it: NaN and infinities as "nan", "inf", "-inf"."""
    return value if math.isfinite(value) else float.__repr__(value)


def clean(text: str) -> str:
    """`text` that can be encoded as UTF-8: lone surrogates are escaped."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def clip(text: str, chars: int) -> tuple[str, str | None]:
    """`text` within `chars`: its beginning, its end where there is space for one, and what was left out in words."""
    length = str.__len__(text)
    if length <= chars:
        return clean(str.__str__(text)), None
    tail = chars // 5 if chars >= 200 else 0
    head = chars - tail
    kept = str.__getitem__(text, slice(0, head)) + "…" + (str.__getitem__(text, slice(length - tail, length)) if tail else "")
    where = f" after the first {head}" if tail else ""
    return clean(kept), f"{length - chars} of {length} characters{where}"


_NONE: dict[str, Any] = {}
"""Shared by all scalars: a namespace may hold thousands, and each dict counts towards the next garbage collection."""


def simple(kind: str, value: Scalar, *, module: str | None = None, length: int | None = None, cut: str | None = None) -> Value:
    """A description that has no parts."""
    return Value(kind, module, value, length, _NONE, (), _NONE, None, None, (), None, None, None, (), _NONE, cut)


def describe_int(value: int, look: Look) -> Value:
    if type(value) is int and -_JSON_INT <= value < _JSON_INT:
        return simple("int", value)  # the short way: a namespace may hold thousands
    plain = int.__index__(value)
    bits = plain.bit_length()
    cut = "digits" if bits > 640 else None
    return Value(type=type_name(value), module=peek.class_module(type(value)), value=number(plain), cut=cut)


def describe_bool(value: bool, look: Look) -> Value:
    return simple("bool", value)


def describe_none(value: None, look: Look) -> Value:
    return simple("NoneType", None)


def describe_float(value: float, look: Look) -> Value:
    if type(value) is float:
        return simple("float", real(value))
    plain = float.__float__(value)
    return Value(type=type_name(value), module=peek.class_module(type(value)), value=real(plain))


def describe_complex(value: complex, look: Look) -> Value:
    return Value(type=type_name(value), module=peek.class_module(type(value)), value=complex.__repr__(value))


def describe_slice(value: slice, look: Look) -> Value:
    """The bounds where they are plain numbers."""
    bounds = (value.start, value.stop, value.step)
    plain = all(bound is None or type(bound) is int for bound in bounds)
    return Value(type="slice", value=clip(slice.__repr__(value), 199)[0] if plain else None)


def describe_str(value: str, look: Look) -> Value:
    """The beginning and the end, with the length in characters."""
    text, cut = clip(value, 80 if look.brief else look.chars)
    return simple(type_name(value), text, module=peek.class_module(type(value)), length=str.__len__(value), cut=cut)


def describe_bytes(value: Any, look: Look) -> Value:
    """The first bytes as a literal shows them, with the length in bytes. Serves bytes, bytearray and memoryview."""
    base = next(kind for kind in (bytes, bytearray, memoryview) if peek.is_a(value, kind))
    length = memoryview.nbytes.__get__(value) if base is memoryview else base.__len__(value)
    room = 40 if look.brief else max(32, look.chars // 4)
    first = memoryview.tobytes(value[:room]) if base is memoryview else bytes(base.__getitem__(value, slice(0, room)))
    shown = len(first)
    cut = f"{length - shown} of {length} bytes" if length > shown else None
    return Value(
        type=type_name(value), module=peek.class_module(type(value)), value=bytes.__repr__(first), length=length, cut=cut
    )


def type_name(value: object) -> str:
    """The name of the real type of `value`."""
    return peek.class_name(type(value))
