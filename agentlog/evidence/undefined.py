"""A name that nothing bound: every such name of the code at once, the nearest that exist, and who has it as a local."""

from __future__ import annotations

import builtins
import re
import types
from typing import Any

from agentlog import peek
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import absent
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.relevance import hidden, is_data
from agentlog.stack import Level
from agentlog.static import analyse, code_globals

_ALIASES = {
    "np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot", "sns": "seaborn", "tf": "tensorflow", "sm": "statsmodels.api", "nn": "torch.nn", "px": "plotly.express",
    "mpl": "matplotlib", "sp": "scipy", "nx": "networkx", "pl": "polars", "go": "plotly.graph_objects", "smf": "statsmodels.formula.api", "F": "torch.nn.functional", "dt": "datetime",
}  # fmt: skip


@collector("NameError")
def undefined_name(failing: Failing) -> Evidence | None:
    """What the name is near to, where it exists as something else, and which other names of this code are unbound too."""
    name = _name(failing)
    if not name:
        return None
    if peek.class_name(type(failing.error)) == "UnboundLocalError" or "free variable" in failing.message:
        return _unbound_local(failing, name)
    world = failing.scope.globals
    facts = [Fact(_near(name, failing), about=name)]
    facts += _also_unbound(failing, name)
    others, names = _local_of(name, world)
    facts += others + _column_of(name, world) + _alias(name, world) + _in_query(failing, name)
    return Evidence("undefined_name", tuple(facts), tuple(names))


def _name(failing: Failing) -> str | None:
    name = failing.told("name")
    if type(name) is str:
        return name
    told = re.search(r"(?:name|variable) '(\w+)'", failing.message)
    return told.group(1) if told else None


def _near(name: str, failing: Failing) -> str:
    scopes = (failing.names,) if failing.names is failing.scope.globals else (failing.names, failing.scope.globals)
    known = [key for names in scopes for key in names if type(key) is str and not hidden(key)]
    near = probe.nearest(name, dict.fromkeys([*known, *(key for key in dir(builtins) if not key.startswith("_"))]))
    if not near:
        return "not defined; no similar name exists"
    shown = ", ".join(f"{text} ({why}; {probe.say(failing.scope.lookup(str(text)))})" for text, why in near)
    return f"not defined; nearest: {shown}"


def _also_unbound(failing: Failing, name: str) -> list[Fact]:
    """What the cell and the functions it failed in read and nobody has bound, so that it comes up next."""
    levels = [level for level in failing.levels if level.user]
    cells = [(level, analyse(level.cell.source).reads, level.cell.source) for level in levels if level.top and level.cell]
    functions = [(level, _read_by(level.frame.f_code), "".join(level.lines())) for level in levels if not level.top]
    parts = (("this cell", cells), ("the functions it failed in", functions))
    found = [(who, dict.fromkeys(word for one in read for word in _missing(*one) if word != name)) for who, read in parts]
    return [Fact(f"also not defined and read by {who}: {', '.join(list(words)[:20])}") for who, words in found if words]


def _missing(level: Level, reads: frozenset[str], source: str) -> list[str]:
    world = level.frame.f_globals
    return [word for word in _in_order(reads, source) if word not in world and not hasattr(builtins, word)]


def _read_by(code: types.CodeType) -> frozenset[str]:
    reads, writes = code_globals(code)
    return frozenset(reads - writes)


def _in_order(names: Any, text: str) -> list[str]:
    places = {name: re.search(rf"\b{re.escape(name)}\b", text) for name in names}
    return sorted(names, key=lambda name: (hit.start() if (hit := places[name]) else len(text), name))


def _local_of(name: str, world: Any) -> tuple[list[Fact], list[str]]:
    """Functions of the user's in which the name is a local or a parameter, and what they were."""
    facts, names = [], []
    for key, value in list(world.items())[-2000:]:
        if type(value) is types.FunctionType and value.__globals__ is world:
            code = value.__code__
            if name in code.co_varnames or name in code.co_cellvars:
                role = (
                    "a parameter" if name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] else "a local variable"
                )
                facts.append(Fact(f"{name} is {role} of function {key}, whose locals end with the call", about=key))
                names.append(key)
    return facts[:4], names[:4]


def _column_of(name: str, world: Any) -> list[Fact]:
    frames = [(key, value) for key, value in list(world.items())[-500:] if probe.is_frame(value) and not hidden(key)]
    found = [
        Fact(f"{name!r} is a column of it ({probe.say(value)})", about=key)
        for key, value in frames
        if name in probe.columns_of(value)
    ]
    attributes = [(key, value) for key, value in list(world.items())[-500:] if not hidden(key) and is_data(value)]
    held = [Fact(f"has an attribute {name!r}", about=key) for key, value in attributes if name in (peek.own_dict(value) or ())]
    return (found + held)[:3]


def _in_query(failing: Failing, name: str) -> list[Fact]:
    """A name inside a text that a library evaluates (`df.query`): the columns there are."""
    tables = [(text, value) for text, value in failing.data() if probe.is_frame(value)] if not failing.in_user_code else []
    columns = [(text, probe.columns_of(value)) for text, value in tables]
    return [absent("column", name, present, text, there=f"columns: {probe.some(present, 40)}") for text, present in columns]


def _alias(name: str, world: Any) -> list[Fact]:
    """`np` where numpy was imported under another name, or not at all."""
    module = _ALIASES.get(name, name)
    import sys

    loaded = sys.modules.get(module)
    if loaded is None:
        return []
    held = [key for key, value in list(world.items())[-2000:] if value is loaded and not hidden(key)]
    return [
        Fact(f"module {module} is loaded" + (f", here under the name {held[0]}" if held else ", under no name here"), about=name)
    ]


def _unbound_local(failing: Failing, name: str) -> Evidence:
    """The assignment that makes the name a local of the function, and the global of the same name."""
    level = failing.user
    facts: list[Fact] = []
    if level is not None:
        lines = level.lines()
        first = level.frame.f_code.co_firstlineno
        pattern = re.compile(
            rf"(?:^|[\s,(]){re.escape(name)}\s*(?:[-+*/|&]?=(?!=)|,.*=)|\bfor\b.*\b{re.escape(name)}\b.*\bin\b|\bdel\b.*\b{re.escape(name)}\b|import.*\b{re.escape(name)}\b"
        )
        last = max((line for _, _, line in level.frame.f_code.co_lines() if line), default=first)
        rows = [number for number in range(first, min(last, len(lines)) + 1) if pattern.search(lines[number - 1])]
        made = [
            f"line {number + level.shift} `{lines[number - 1].strip()[:120]}` makes it a local of {level.function}"
            for number in rows
        ]
        facts += [Fact(text, about=name) for text in made]
    if name in failing.scope.globals:
        facts.append(Fact(f"a global of this name exists: {probe.say(failing.scope.globals[name])}", about=name))
    return Evidence("undefined_name", tuple(facts[:5]))
