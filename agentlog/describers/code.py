"""Functions, classes, modules, generators, coroutines, code, frames: where they are and how they are called."""

from __future__ import annotations

import functools
import inspect
import types
from typing import Any

from agentlog import peek
from agentlog.describers.containers import literal
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look

_VARARGS, _VARKEYWORDS = inspect.CO_VARARGS, inspect.CO_VARKEYWORDS


def signature_of(function: types.FunctionType) -> str:
    """'(self, x, *, rate=0.1)' from the code object alone; what decorators claim is not asked."""
    code = function.__code__
    names = list(code.co_varnames)
    positional, named = names[: code.co_argcount], names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    rest = names[code.co_argcount + code.co_kwonlyargcount :]
    defaults = function.__defaults__ or ()
    first = len(positional) - len(defaults)
    parts = [name if place < first else f"{name}={literal(defaults[place - first], 30)}" for place, name in enumerate(positional)]
    if code.co_posonlyargcount:
        parts.insert(code.co_posonlyargcount, "/")
    if code.co_flags & _VARARGS:
        parts.append("*" + rest.pop(0))
    elif named:
        parts.append("*")
    for name in named:
        known = function.__kwdefaults__ or {}
        parts.append(f"{name}={literal(known[name], 30)}" if name in known else name)
    if code.co_flags & _VARKEYWORDS:
        parts.append("**" + rest.pop(0))
    return f"({', '.join(parts)})"


def describe_function(value: types.FunctionType, look: Look) -> Value:
    """Name with signature, file and line, the values it closes over."""
    code = value.__code__
    text = f"{_text(value.__qualname__)}{signature_of(value)}"
    facts: dict[str, Scalar] = {"at": place(code.co_filename, code.co_firstlineno)}
    inner = peek.own(value, "__wrapped__")
    if type(inner) is types.FunctionType:
        facts["wraps"] = clip(f"{_text(inner.__qualname__)}{signature_of(inner)}", 199)[0]
    return Value(
        type="function",
        module=_module(value),
        value=clip(text, max(200, look.chars))[0],
        attributes=_closure(value, look),
        facts=facts,
    )


def _closure(value: types.FunctionType, look: Look) -> dict[str, Value]:
    cells = [
        (name, cell.cell_contents)
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=False)
        if _filled(cell)
    ]
    shown = cells[: look.shown(len(cells))]
    return dict(zip([name for name, _ in shown], look.children([held for _, held in shown]), strict=True))


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None or True
    except ValueError:  # not bound yet
        return False


def place(file: str, line: int | None) -> str:
    """'file.py:12'."""
    return clip(file, 199)[0] + (f":{line}" if line is not None else "")


def _text(name: Any) -> str:
    return str.__str__(name) if peek.is_a(name, str) else "?"


def _module(value: Any) -> str | None:
    return value.__module__ if type(value.__module__) is str else None


def describe_method(value: types.MethodType, look: Look) -> Value:
    """A bound method: its function's signature and what it is bound to."""
    function = value.__func__
    owner: Any = value.__self__
    facts: dict[str, Scalar] = {"self": peek.qualified_name(owner) if peek.is_a(owner, type) else type_name(owner)}
    if type(function) is not types.FunctionType:
        return Value(type="method", value=literal(function), facts=facts)
    inner = describe_function(function, look)
    return Value(type="method", module=inner.module, value=inner.value, facts={**facts, "at": inner.facts["at"]})


def describe_builtin(value: Any, look: Look) -> Value:
    """A function written in C: name and, where it carries one, signature."""
    described = value.__text_signature__
    owner = value.__self__ if type(value) is types.BuiltinFunctionType else None
    bound = owner is not None and not peek.is_a(owner, types.ModuleType)
    facts: dict[str, Scalar] = {"self": type_name(owner)} if bound else {}
    parameters = (
        described.replace("$module, ", "").replace("$self, ", "").replace("$type, ", "") if type(described) is str else ""
    )
    text = clip(f"{_text(value.__qualname__)}{parameters}", 199)[0]
    return Value(type=type_name(value), module=peek.own(value, "__module__"), value=text, facts=facts)


def describe_partial(value: Any, look: Look) -> Value:
    """A partial: its function and what is filled in already."""
    inner = functools.partial.__dict__
    parts = [inner[name].__get__(value) for name in ("func", "args", "keywords")]
    shown = look.children(parts) if look.shown(3) == 3 else []
    return Value(
        type=type_name(value),
        module="functools",
        value=literal(parts[0]),
        attributes=dict(zip(("func", "args", "keywords"), shown, strict=False)),
    )


def describe_class(value: type, look: Look) -> Value:
    """A class: bases, how it is made, its methods."""
    namespace = peek.class_dict(value)
    bases = [peek.qualified_name(base) for base in type.__dict__["__bases__"].__get__(value) if base is not object]
    facts: dict[str, Scalar] = {}
    if bases:
        facts["bases"] = clip(", ".join(bases), 199)[0]
    init = namespace.get("__init__")
    members = namespace.get("_member_map_")
    fields = namespace.get("__dataclass_fields__")
    if type(members) is dict:
        facts["members"] = _names(members)
    elif type(fields) is dict:
        facts["fields"] = _names(fields)
    elif type(init) is types.FunctionType:
        facts["init"] = clip(signature_of(init), 199)[0]
        if not look.brief:
            facts["at"] = place(init.__code__.co_filename, init.__code__.co_firstlineno)
    methods = (
        []
        if look.brief
        else [
            name for name in list(namespace) if type(name) is str and not name.startswith("_") and _callable(namespace.get(name))
        ]
    )
    if methods:
        facts["methods"] = clip(", ".join(methods), 400)[0]
    return Value(type=type_name(value), module=peek.class_module(value), value=peek.qualified_name(value), facts=facts)


def _names(members: dict[Any, Any]) -> str:
    first = [_text(name) for name in list(members)[:24]]
    return ", ".join(first) + (f", … {len(members) - 24} more" if len(members) > 24 else "")


def _callable(item: object) -> bool:
    return peek.exactly(item, types.FunctionType, classmethod, staticmethod, types.MethodDescriptorType)


def describe_module(value: types.ModuleType, look: Look) -> Value:
    """A module: name, version, file."""
    held = peek.module_dict(value)
    facts: dict[str, Scalar] = {}
    for fact, name in (("version", "__version__"), ("file", "__file__")):
        text: Any = held.get(name)
        if peek.is_a(text, str):
            facts[fact] = clip(text, 199)[0]
    called = held.get("__name__")
    return Value(type=type_name(value), value=called if type(called) is str else None, facts=facts)


_PREFIX = {types.GeneratorType: "gi", types.CoroutineType: "cr", types.AsyncGeneratorType: "ag"}


def describe_generator(value: Any, look: Look) -> Value:
    """A generator or coroutine: its function, state, the line it waits at. It is not moved."""
    prefix = _PREFIX[type(value)]
    frame, code = getattr(value, f"{prefix}_frame"), getattr(value, f"{prefix}_code")
    running = bool(getattr(value, f"{prefix}_running"))
    state = (
        "running"
        if running
        else "finished"
        if frame is None
        else "not started"
        if frame.f_lasti < 0 or _fresh(value)
        else "suspended"
    )
    line = code.co_firstlineno if frame is None else frame.f_lineno
    facts: dict[str, Scalar] = {"state": state, "at": place(code.co_filename, line)}
    waited = getattr(value, {"gi": "gi_yieldfrom", "cr": "cr_await", "ag": "ag_await"}[prefix])
    if waited is not None:
        facts["waits for"] = waited.__qualname__ if peek.exactly(waited, *_PREFIX) else type_name(waited)
    return Value(type=type_name(value), value=_text(value.__qualname__), facts=facts)


def _fresh(value: Any) -> bool:
    """Created and not started yet, as `inspect` tells it for the builtin types."""
    if type(value) is types.GeneratorType:
        return inspect.getgeneratorstate(value) == inspect.GEN_CREATED
    if type(value) is types.CoroutineType:
        return inspect.getcoroutinestate(value) == inspect.CORO_CREATED
    return False


def describe_code(value: Any, look: Look) -> Value:
    """A code object, frame or traceback: where it is."""
    frame = value.tb_frame if type(value) is types.TracebackType else value
    code = frame if type(frame) is types.CodeType else frame.f_code
    line = (
        value.tb_lineno
        if type(value) is types.TracebackType
        else value.f_lineno
        if type(value) is types.FrameType
        else code.co_firstlineno
    )
    return Value(type=type_name(value), value=code.co_name, facts={"at": place(code.co_filename, line)})
