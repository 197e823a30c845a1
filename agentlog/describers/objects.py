"""Instances of user classes, dataclasses, attrs and pydantic models, enums, exceptions: what they hold themselves."""

from __future__ import annotations

from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.describers.containers import literal
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look

_MANY = 1_000
"""Attributes put in order; no object that a person wrote has more."""


def describe_object(value: object, look: Look) -> Value:
    """Attributes that the instance holds, public ones first. Properties are not asked."""
    held, total = _ordered(value)
    shown = look.shown(len(held))
    described = look.children([item for _, item in held[:shown]])
    names = [name for name, _ in held[:shown]]
    cut = f"{total - shown} of {total} attributes" if shown < total and not look.brief else None
    return Value(
        type=type_name(value),
        module=peek.class_module(type(value)),
        attributes=dict(zip(names, described, strict=True)),
        facts=_kind(value),
        cut=cut,
    )


def _ordered(value: object) -> tuple[list[tuple[str, Any]], int]:
    """What the instance holds, public names first, and how many that are; of very many the first ones."""
    seen = dict(pair for pair in islice(peek.attributes(value), _MANY) if not pair[0].startswith("__"))
    total = max(len(seen), len(peek.own_dict(value) or ())) if len(seen) > _MANY // 2 else len(seen)
    return sorted(seen.items(), key=lambda pair: pair[0].startswith("_")), total


def _kind(value: object) -> dict[str, Scalar]:
    """What made the class, where the class says so."""
    for mark, kind in (("__dataclass_fields__", "dataclass"), ("__attrs_attrs__", "attrs"), ("__pydantic_fields__", "pydantic")):
        if peek.on_class(value, mark) is not None:
            return {"kind": kind}
    return {}


def describe_enum(value: Any, look: Look) -> Value:
    """The member's name, with its value."""
    name, raw = peek.own(value, "_name_"), peek.own(value, "_value_")
    text = name if type(name) is str else literal(raw)  # a combination of flags may have no name
    attributes = dict(zip(("value",), look.children([raw]), strict=True)) if look.shown(1) else {}
    return Value(
        type=type_name(value), module=peek.class_module(type(value)), value=text, attributes=attributes, facts={"kind": "enum"}
    )


_args = BaseException.__dict__["args"].__get__
_cause = BaseException.__dict__["__cause__"].__get__
_context = BaseException.__dict__["__context__"].__get__
_OS = ("errno", "filename", "filename2")


def file_names(error: BaseException) -> list[object]:
    """The files that an OSError names."""
    if not peek.inherits(type(error), OSError):
        return []
    return [OSError.__dict__[name].__get__(error) for name in ("filename", "filename2")]


def describe_exception(value: BaseException, look: Look) -> Value:
    """Its arguments, notes, cause and own attributes; `str()` of it is not asked for, since it may be the user's."""
    args = _args(value)
    facts: dict[str, Scalar] = {}
    if peek.inherits(type(value), OSError):
        for name in _OS:
            item = OSError.__dict__[name].__get__(value)
            if item is not None:
                facts[name] = item if type(item) is int else literal(item)
    for name, other in (("cause", _cause(value)), ("context", _context(value))):
        if other is not None:
            facts[name] = f"{type_name(other)}: {message(other, 120)}"
            break
    plain = describe_object(value, look)
    text, cut = clip(message(value, look.limits.message_chars), look.chars)
    return Value(
        type=plain.type, module=plain.module, value=text, attributes=plain.attributes, facts=facts or plain.facts,
        length=len(args) if len(args) > 1 else None, cut=cut or plain.cut,
    )  # fmt: skip


_filename = OSError.__dict__["filename"].__get__
_QUOTES = "'\""


def _named(file: object) -> str:
    return "" if file is None else f": {literal(file, 199)}"


def message(error: BaseException, chars: int) -> str:
    """The arguments of an exception in words: a lone str as it is, else a tuple as code would write it."""
    args = _args(error)
    if peek.inherits(type(error), OSError) and len(args) >= 2 and peek.exactly(_filename(error), str, bytes, int, type(None)):
        return clip(f"[Errno {literal(args[0])}] {literal(args[1]).strip(_QUOTES)}" + _named(_filename(error)), chars)[0]
    if len(args) == 1 and peek.is_a(args[0], str):
        return clip(args[0], chars)[0]
    return ", ".join(literal(item, max(20, chars // 4)) for item in args[:6])
