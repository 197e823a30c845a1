"""What the user's code handed to a library: the parameters of the first library level, without those left at their defaults."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

from agentlog import peek
from agentlog.evaluate import PLAIN
from agentlog.stack import Level

_MANY_WORDS, _WRAPPERS = 8, 4


def border(levels: Sequence[Level], user: Level | None) -> Level | None:
    """The first level below the last one of the user's own; wrappers that only pass everything on are passed over."""
    if user is None or user not in levels:
        return None
    below = [level for level in levels[levels.index(user) + 1 :] if not (level.module or "").startswith("IPython")]
    called = user.source() or ""
    return next((level for level in below[:_WRAPPERS] if not passes_on(level, called)), below[0] if below else None)


def passes_on(level: Level, called: str) -> bool:
    """`wrapper(*args, **kwargs)`, where the user's line does not call it by that name."""
    code = level.frame.f_code
    everything = bool(code.co_flags & 4) and bool(code.co_flags & 8)
    return everything and (code.co_argcount < 2 or "<locals>" in level.function) and code.co_name not in called


def handed(level: Level) -> list[tuple[str, object]]:
    """(parameter, value) as the level has them now: `*args` as a tuple, `**kwargs` opened, either left out where empty."""
    code, known = level.frame.f_code, level.names
    count = code.co_argcount + code.co_kwonlyargcount
    found = [(name, known[name]) for name in code.co_varnames[:count] if name in known]
    star, words = code.co_flags & 4, code.co_flags & 8
    rest = known.get(code.co_varnames[count]) if star else None
    if type(rest) is tuple and rest:
        found.append((code.co_varnames[count], rest))
    named = known.get(code.co_varnames[count + bool(star)]) if words else None
    if type(named) is dict:
        found += [(name, value) for name, value in list(named.items())[:_MANY_WORDS] if type(name) is str]
    return found


def given(level: Level) -> list[tuple[str, object]]:
    """Of what was handed over, what is not the function's own default. The object whose method it is stays."""
    defaults = _defaults(level)
    return [(name, value) for name, value in handed(level) if not (name in defaults and _same(value, defaults[name]))]


def _same(value: object, default: object) -> bool:
    return value is default or (type(value) is type(default) and type(value) in PLAIN and value == default)


def _defaults(level: Level) -> dict[str, object]:
    function = _function(level)
    if function is None:
        return {}
    code, positional = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    return dict(zip(names[len(names) - len(positional) :], positional, strict=True)) | (function.__kwdefaults__ or {})


def _function(level: Level) -> types.FunctionType | None:
    """The function whose code is running, found by its name: in the class of `self`, else in its module."""
    code = level.frame.f_code
    owner = level.names.get("self", level.names.get("cls"))
    classes = peek.mro(owner if peek.is_a(owner, type) else type(owner)) if owner is not None else ()
    known: list[Any] = [peek.class_dict(cls).get(code.co_name) for cls in classes]
    for found in (*known, level.frame.f_globals.get(code.co_name)):
        found = found.__func__ if type(found) in (classmethod, staticmethod) else found
        for _ in range(6):
            if type(found) is not types.FunctionType or found.__code__ is code:
                break
            found = found.__dict__.get("__wrapped__")
        if type(found) is types.FunctionType and found.__code__ is code:
            return found
    return None
