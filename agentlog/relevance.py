"""Which names of a frame matter for a failure, most relevant first.

Names on the failing expression, then on its statement, then in the code around it (nearest line first), then the names
those were made from, then the rest that looks like data. Modules and library code never; the user's own functions and
classes last.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from functools import lru_cache

from agentlog import peek
from agentlog.evaluate import package_of

_NAME = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*")
_HIDDEN = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open", "display", "site"})
_HISTORY_CELLS = 300
_LIBRARIES = frozenset({"pandas", "numpy", "sklearn", "torch", "polars", "tensorflow", "keras", "scipy", "pyarrow", "jaxlib"})


@lru_cache(maxsize=4096)
def hidden(name: str) -> bool:
    """Names that the shell or the interpreter put there, and private ones of underscores."""
    return (
        name in _HIDDEN
        or name[:1] == "."
        or (name[:1] == "_" and (name.startswith(("__", "_i", "_o", "_d")) or not name.strip("_0123456789")))
    )


def words(text: str) -> list[str]:
    """Identifiers in source text, in order, each once; attributes left out."""
    return list(dict.fromkeys(_NAME.findall(text)))


def by_distance(lines: list[str], line: int) -> list[str]:
    """Identifiers of `lines`, those nearest to `line` (counted from 1) first; lines above before lines below."""
    order = sorted(range(len(lines)), key=lambda i: abs(i + 1 - line) * 2 + (i + 1 > line))
    return list(dict.fromkeys(word for i in order[:400] for word in words(lines[i])))


def made_from(names: Iterable[str], sources: list[str], known: Mapping[str, object], most: int = 12) -> list[str]:
    """Names that the assignments of `names` in `sources` (oldest first) were made from, nearest ancestors first."""
    found: list[str] = []
    wanted = list(names)
    recent = list(reversed(sources[-_HISTORY_CELLS:]))
    seen = set(wanted)
    while wanted and len(found) < most:
        name = wanted.pop(0)
        for word in _assigned_from(name, recent):
            if word not in seen and word in known:
                seen.add(word)
                if is_data(known[word]):
                    found.append(word)
                    wanted.append(word)
    return found[:most]


def _assigned_from(name: str, recent: list[str]) -> list[str]:
    if not name.isidentifier():
        return []
    assignment = re.compile(rf"^[ \t]*(?:[\w, ()*\[\]\"'.]*[,(* ])?{name}\b(?:\[[^\n]*?\]|\.[\w.]+)?[\w, )*]*=(?!=)\s*(.+)", re.M)
    for source in recent:
        if name in source:
            hits = assignment.findall(source)
            if hits:
                return words(hits[-1])
    return []


def history_of(namespace: Mapping[str, object]) -> list[str]:
    """The cells that a shell keeps in `In`; [] elsewhere."""
    cells = namespace.get("In")
    return [cell for cell in cells[-_HISTORY_CELLS:] if type(cell) is str and len(cell) < 20_000] if type(cells) is list else []


_CODE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)


def is_data(value: object) -> bool:
    """Data, as opposed to code: no modules, functions, classes, and nothing of the shell's."""
    if issubclass(type(value), _CODE):
        return False
    return not (callable(value) and package_of(type(value)) in ("functools", "IPython", "numpy", "typing"))


def own_code(value: object) -> bool:
    """A function or class that the user defined in the running program."""
    kind = type(value)
    if kind is types.FunctionType:
        return value.__module__ == "__main__"
    return issubclass(kind, type) and peek.class_module(value) == "__main__"  # type: ignore[arg-type]


def weight(value: object) -> int:
    """How much a name that nothing mentions says: tables and arrays, then containers, then numbers and texts, then the rest."""
    kind = type(value)
    if package_of(kind) in _LIBRARIES:
        return 0
    if issubclass(kind, (list, dict, tuple, set, frozenset)):
        return 1
    if value is None or issubclass(kind, (str, bytes, int, float, complex)):
        return 2
    return 1 if peek.own_dict(value) else 3


def order_names(mentioned: Iterable[str], names: Mapping[str, object], *, rest: bool = True) -> list[str]:
    """`mentioned` names that exist as data, in that order; then (with `rest`) other data by weight, newest first; then own code."""
    first = [name for name in dict.fromkeys(mentioned) if name in names and not hidden(name)]
    out = [name for name in first if is_data(names[name]) or own_code(names[name])]
    if not rest:
        return out
    taken = set(out)
    by_weight: tuple[list[str], ...] = ([], [], [], [], [])
    weights: dict[int, int] = {}
    for name, value in reversed(list(names.items())):
        if type(name) is str and name not in taken and not hidden(name):
            kind = id(type(value))  # a dictionary of types may run the hash of a metaclass
            place = weights.get(kind)
            if place is None:
                place = weights[kind] = _place(value)
            if place < _CODE_PLACE or (place == _CODE_PLACE and own_code(value)):
                by_weight[place].append(name)
    return out + [name for group in by_weight for name in group]


_CODE_PLACE, _NOWHERE = 4, 5


def _place(value: object) -> int:
    """Where names of a type go: data by weight, then the user's functions and classes; what is neither goes nowhere."""
    if is_data(value):
        return weight(value)
    return _CODE_PLACE if issubclass(type(value), (types.FunctionType, type)) else _NOWHERE
