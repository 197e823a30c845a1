"""An attribute that is not there: what the object is, what comes nearest, what removed it, or which file hides the module."""

from __future__ import annotations

import ast
import os
import re
import sys
import types
from dataclasses import replace
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN, package_of
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.empties import why_none
from agentlog.evidence.facts import absent
from agentlog.evidence.failing import Failing
from agentlog.evidence.places import position_of
from agentlog.evidence.registry import collector
from agentlog.evidence.renamed import ATTRIBUTES
from agentlog.evidence.versions import version_of

_TOLD = re.compile(
    r"(?:'(?P<type>[^']+)' object|type object '(?P<cls>[^']+)'|module '(?P<module>[^']+)') has no attribute '(?P<name>\w+)'"
)


@collector("AttributeError")
def missing_attribute(failing: Failing) -> Evidence | None:
    """The object by the user's name for it, and its nearest attributes."""
    owner, name = _owner(failing)
    if not name:
        return None
    about = _about(failing, name, owner)
    if owner is UNKNOWN:
        owner = failing.resolve(about) if about else UNKNOWN
    if owner is UNKNOWN:
        facts = _from_message(failing, name, about)
    elif owner is None:
        made = next((node.value for node in failing.nodes(ast.Attribute) if node.attr == name), None)  # type: ignore[attr-defined]
        why = why_none(failing, made)
        facts = [Fact(f"is None: it has no {name!r}{why}", about=about, kind="answers" if why else "describes")]
    elif issubclass(type(owner), types.ModuleType):
        facts = _module_facts(owner, name, about)
    else:
        facts = _object_facts(owner, name, about)
    if about is None and owner is not UNKNOWN:
        places = [
            (text, position_of(owner, holder))
            for text, holder in failing.data()
            if probe.is_series(holder) or peek.exactly(holder, list, tuple)
        ]
        facts += [Fact(found.text, about=text) for text, found in places if found is not None]
    return Evidence("missing_attribute", tuple(facts), (about,) if about and about.isidentifier() else ())


def _owner(failing: Failing) -> tuple[object, str]:
    """The live object and the attribute's name: the exception keeps them on Python 3.10 and later."""
    told = _TOLD.search(failing.message)
    name = failing.told("name")
    found = name if type(name) is str else told.group("name") if told else ""
    owner = failing.told("obj", UNKNOWN) if type(name) is str else UNKNOWN
    if owner is None and told and told.group("type") != "NoneType":
        owner = UNKNOWN
    return owner, found


def _about(failing: Failing, name: str, owner: object) -> str | None:
    for node in failing.nodes(ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr == name:
            return ast.unparse(node.value)[:100]
    return failing.name_of(owner) if owner is not UNKNOWN and owner is not None else None


def _from_message(failing: Failing, name: str, about: str | None) -> list[Fact]:
    told = _TOLD.search(failing.message)
    if not told:
        return []
    kind = told.group("type") or told.group("cls") or told.group("module")
    return [Fact(f"is of type {kind}", about=about, kind="describes"), *_gone(kind, kind, name)]


def _object_facts(owner: Any, name: str, about: str | None) -> list[Fact]:
    cls = owner if peek.is_a(owner, type) else type(owner)
    gone = [
        fact for base in peek.mro(cls) for fact in _gone(package_of(base), f"{package_of(base)}.{peek.class_name(base)}", name)
    ]
    facts = gone or _columns(owner, name, about)
    lacking = _lacking(owner, name, _attributes_of(owner, cls), about)
    facts.append(replace(lacking, kind="describes") if any(fact.kind == "points" for fact in facts) else lacking)
    if not gone and (package_of(cls) not in ("builtins", "pandas", "numpy") or type(owner) is list):
        own = [attribute for attribute in peek.own_dict(owner) or () if not attribute.startswith("_")]
        facts += [Fact(f"its attributes: {', '.join(own[:30])}", about=about, kind="describes")] if own else []
    return facts + _methods_of_items(owner, name, about)


def _lacking(owner: object, name: str, present: list[str], about: str | None) -> Fact:
    """What the owner is, and the nearest to the attribute that it has not, or that raised this error itself."""
    if name in present:
        return Fact(f"is {probe.say(owner)}; its {name!r} could not be had", about=about, kind="describes")
    near = probe.nearest_text(name, present)
    said = f"is {probe.say(owner)}: it has no {name!r}"
    return Fact(f"{said}; {near}", about=about, kind="points") if near else Fact(said, about=about, kind="describes")


def _attributes_of(owner: object, cls: type) -> list[str]:
    names = dict.fromkeys(name for base in peek.mro(cls) for name in peek.class_dict(base) if not name.startswith("_"))
    return [*(peek.own_dict(owner) or {}), *names]


def _columns(owner: Any, name: str, about: str | None) -> list[Fact]:
    """`df.name` is also how columns are asked for."""
    if not probe.is_frame(owner):
        return []
    columns = probe.columns_of(owner)
    return [absent("column", name, columns, about, there=f"{len(columns)} columns: {probe.some(columns, 40)}")]


def _methods_of_items(owner: Any, name: str, about: str | None) -> list[Fact]:
    """The elements of a list, array or dict may have what the container lacks."""
    items = probe.items_of(owner, 1) if peek.exactly(owner, list, tuple) or probe.is_array(owner) else []
    if items and peek.on_class(items[0], name) is not None:
        return [Fact(f"its elements ({probe.type_name(items[0])}) have {name!r}", about=about, kind="points")]
    if probe.is_array(owner) and owner.dtype == object and owner.size == 1:
        return [Fact(f"it holds one {probe.say(owner.reshape(-1)[0])}", about=about)]
    for accessor in ("str", "dt", "cat"):
        if probe.is_series(owner) and _has_accessor(accessor, name):
            return [Fact(f"Series has .{accessor}.{name}", about=about, kind="points")]
    return []


def _has_accessor(accessor: str, name: str) -> bool:
    modules = {
        "str": ("pandas.core.strings.accessor", "StringMethods"),
        "dt": ("pandas.core.indexes.accessors", "DatetimeProperties"),
    }
    found = peek.loaded(*modules[accessor]) if accessor in modules else None
    return found is not None and any(name in peek.class_dict(base) for base in peek.mro(found))


def _gone(package: str, owner: str, name: str) -> list[Fact]:
    """A library's own notes on what it removed."""
    known = ATTRIBUTES.get(f"{owner}.{name}")
    if known is None:
        return []
    installed = version_of(package.partition(".")[0])
    since, instead = known
    if since == "never there":
        return [Fact(f"{owner} never had {name}: {instead}", kind="points")]
    said = f"{owner}.{name}: gone since {since}, its notes name {instead}" + (f"; installed: {installed}" if installed else "")
    return [Fact(said, kind="points")]


def _module_facts(module: object, name: str, about: str | None) -> list[Fact]:
    namespace = peek.module_dict(module)
    title = namespace.get("__name__", "?")
    file = namespace.get("__file__")
    public = [member for member in namespace if not member.startswith("_")]
    facts = [_lacking(module, name, public, about), *shadowing(title, file, about)]
    gone = _gone(title, title, name)
    installed = version_of(title.partition(".")[0])
    if installed and not any("; installed: " in fact.text for fact in gone):
        gone.append(Fact(f"{title.partition('.')[0]} {installed} is installed", about=about))
    return facts + gone + _submodule(namespace, title, name, about)


def _submodule(namespace: dict[str, Any], title: str, name: str, about: str | None) -> list[Fact]:
    """A submodule that exists and was never imported."""
    for folder in list(namespace.get("__path__", ()))[:4]:
        for candidate in (os.path.join(folder, name), os.path.join(folder, name + ".py")):
            if os.path.exists(candidate) and f"{title}.{name}" not in sys.modules:
                return [Fact(f"{title}.{name} is a submodule that was not imported", about=about, kind="points")]
    return []


def shadowing(title: str, file: object, about: str | None) -> list[Fact]:
    """A file of the user's that has the name of an installed or standard module."""
    if type(file) is not str or "site-packages" in file or "dist-packages" in file:
        return []
    folder = os.path.dirname(os.path.abspath(file))
    near = folder.startswith(os.getcwd()) or folder in (os.path.abspath(path or ".") for path in sys.path[:2])
    known = title in sys.stdlib_module_names or version_of(title) is not None
    if near and known and os.path.dirname(os.path.abspath(os.__file__)) != folder:
        said = f"module {title} is the file {file}: it hides the module of that name that is installed"
        return [Fact(said, about=about, kind="points")]
    return []
