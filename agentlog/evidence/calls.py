"""A call that does not fit: the real signature, what was passed, the nearest parameter."""

from __future__ import annotations

import ast
import inspect
import re
import types
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN, attribute
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import absent
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.renamed import PARAMETERS
from agentlog.evidence.versions import version_of

PATTERN = (
    r"positional argument|keyword argument|unexpected keyword|required (?:positional|keyword)|multiple values for|takes \d+|takes no|takes from|"
    r"takes exactly|takes at (?:most|least)|missing \d+ required|got an unexpected|is an invalid keyword|unknown parameter|has no propert|unknown keyword"
)


@collector("TypeError", "AttributeError", "ValueError", pattern=PATTERN)
def wrong_call(failing: Failing) -> Evidence | None:
    """The signature of the function called on the failing line and the arguments it was given."""
    for node in failing.nodes(ast.Call):
        if not isinstance(node, ast.Call) or not _is_told(failing.message, node):
            continue
        callee = _callee(failing, node)
        about = ast.unparse(node.func)[:80]
        given = Fact(f"called with {_passed(node)}", about=about, kind="describes")
        known = [Fact(f"signature: {signature_text(callee)}", about=about)] if callee is not None else []
        return Evidence("wrong_call", (*known, given, *(_keyword(failing.message, callee) if known else ())))
    return _property(failing) or _by_name(failing) or _in_library(failing)


def _is_told(message: str, node: ast.Call) -> bool:
    """Is `node` a call of the function that the message names?"""
    told = re.match(r"(?:[\w.<>]+\.)?(\w+)\(\)", message)
    if not told:
        return True
    called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    return told.group(1) in (called, "__init__", "__new__", "__call__", "<lambda>")


def _callee(failing: Failing, node: ast.Call) -> object | None:
    found = failing.resolve(node.func)
    if found is UNKNOWN and isinstance(node.func, ast.Attribute):
        owner = failing.resolve(node.func.value)
        found = attribute(owner, node.func.attr) if owner is not UNKNOWN else UNKNOWN
    return None if found is UNKNOWN else found


def signature_text(callee: Any, most: int = 500) -> str:
    """`name(a, b=1, *, c)` from the code object or the interpreter's own text; no `__signature__` of the user's is asked."""
    name = _name_of(callee)
    function = _function_of(callee)
    if function is None:
        text = getattr(callee, "__text_signature__", None) if isinstance(callee, types.BuiltinFunctionType) else None
        return f"{name}{text}" if type(text) is str else f"{name}(...)"
    parameters = _parameters(function)
    shown = [_parameter(parameter) for parameter in parameters]
    only = [i for i, parameter in enumerate(parameters) if parameter.kind is parameter.KEYWORD_ONLY]
    if only and not function.__code__.co_flags & inspect.CO_VARARGS:
        shown.insert(only[0], "*")
    return f"{name}({', '.join(shown)})"[:most]


def _name_of(callee: Any) -> str:
    """The name of a function or class; of any other callable, whose attributes may be code, that of its type."""
    if peek.is_a(callee, type):
        return peek.class_name(callee)
    named = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)
    return str(callee.__name__) if type(callee) in named else probe.type_name(callee)


def _function_of(callee: Any) -> types.FunctionType | None:
    """The plain Python function behind a function, method, partial or class; wrappers that say what they wrap are followed."""
    for _ in range(6):
        if peek.is_a(callee, type):
            callee = next(
                (peek.class_dict(base)[n] for base in peek.mro(callee) for n in ("__init__",) if n in peek.class_dict(base)), None
            )
        elif type(callee) is types.MethodType:
            callee = callee.__func__
        elif type(callee) is types.FunctionType and "__wrapped__" in callee.__dict__:
            callee = callee.__dict__["__wrapped__"]
        else:
            break
    return callee if type(callee) is types.FunctionType else None


def _parameters(function: types.FunctionType) -> list[inspect.Parameter]:
    """The parameters of a function, read from its code object."""
    code, kinds = function.__code__, inspect.Parameter
    names, positional = code.co_varnames, code.co_argcount
    defaults = function.__defaults__ or ()
    given = dict(zip(names[positional - len(defaults) : positional], defaults, strict=False))
    found = [
        kinds(
            n,
            kinds.POSITIONAL_ONLY if i < code.co_posonlyargcount else kinds.POSITIONAL_OR_KEYWORD,
            default=given.get(n, kinds.empty),
        )
        for i, n in enumerate(names[:positional])
    ]
    after = positional + code.co_kwonlyargcount
    if code.co_flags & inspect.CO_VARARGS:
        found.append(kinds(names[after], kinds.VAR_POSITIONAL))
    only = function.__kwdefaults__ or {}
    found += [kinds(n, kinds.KEYWORD_ONLY, default=only.get(n, kinds.empty)) for n in names[positional:after]]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        found.append(kinds(names[after + bool(code.co_flags & inspect.CO_VARARGS)], kinds.VAR_KEYWORD))
    return found


def _parameter(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**" if parameter.kind is parameter.VAR_KEYWORD else ""
    default = "" if parameter.default is parameter.empty else f"={probe.show(parameter.default, 30)}"
    return f"{star}{parameter.name}{default}"


def _passed(node: ast.Call) -> str:
    words = [word.arg or f"**{ast.unparse(word.value)}" for word in node.keywords]
    texts = [ast.unparse(part)[:40] for part in node.args]
    said = f"{len(texts)} positional" + (f" ({', '.join(texts)})" if texts else "")
    return said + (f", keywords {', '.join(words)}" if words else "")


def _keyword(message: str, callee: object) -> list[Fact]:
    """An unexpected keyword: the nearest parameter, and whether the library removed it."""
    told = re.search(r"keyword argument:? '?(\w+)'?|unexpected keyword argument '(\w+)'|property (\w+)", message)
    if not told:
        return []
    wanted = next(group for group in told.groups() if group)
    function = _function_of(callee)
    names = [parameter.name for parameter in _parameters(function)] if function else []
    called = _name_of(callee)
    facts = [absent("parameter", wanted, names, called)] if names else []
    gone = PARAMETERS.get(f"{called}.{wanted}")
    if gone:
        package = (function.__module__ or "").partition(".")[0] if function else ""
        said = f"{called}({wanted}=): gone since {gone[0]}, its notes name {gone[1]}; installed: {version_of(package)}"
        facts.append(Fact(said, kind="points"))
    return facts


def _property(failing: Failing) -> Evidence | None:
    """`Line2D.set() got an unexpected keyword argument 'colour'`: the properties that can be set."""
    told = re.match(r"(\w+)\.set\(\) got an unexpected keyword argument '(\w+)'", failing.message)
    owners = [level.names.get("self") for level in failing.levels] if told else []
    owner = next((value for value in owners if told and probe.type_name(value) == told.group(1)), None)
    if told is None or owner is None:
        return None
    names = [name[4:] for base in peek.mro(type(owner)) for name in peek.class_dict(base) if name.startswith("set_")]
    near = probe.nearest_text(told.group(2), dict.fromkeys(names))
    return Evidence("wrong_call", (Fact(f"{told.group(1)} has no property {told.group(2)!r}" + (f"; {near}" if near else "")),))


def _by_name(failing: Failing) -> Evidence | None:
    """A function of the user's that a library called: the message tells its name."""
    told = re.match(r"(?:[\w.<>]+\.)?(\w+)\(\)", failing.message)
    callee = failing.scope.lookup(told.group(1)) if told else UNKNOWN
    if told is None or _function_of(callee) is None:
        return None
    facts = [Fact(f"signature: {signature_text(callee)}; it was called by a library", about=told.group(1))]
    return Evidence("wrong_call", (*facts, *_keyword(failing.message, callee)))


def _in_library(failing: Failing) -> Evidence | None:
    """The call that failed lies inside a library: what the user handed to it."""
    handed = [f"{name}={probe.show(value)}" for name, value in failing.handed() if name != "self"]
    return Evidence("wrong_call", (Fact(f"handed to the library: {', '.join(handed)[:400]}"),)) if handed else None
