"""What a cell's syntax tree says about the objects behind its names: changed for certain, perhaps, or only read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from agentlog.mutation_words import (
    DYNAMIC,
    LIBRARIES,
    LIBRARY_MUTATORS,
    MUTATORS,
    OUT_AT,
    PASSING,
    PASSING_METHODS,
    PURE_FUNCTIONS,
    PURE_METHODS,
)

_READ_ONLY_PARENTS = (
    ast.BinOp, ast.Compare, ast.UnaryOp, ast.BoolOp, ast.Expr, ast.If, ast.IfExp, ast.FormattedValue, ast.While, ast.Assert,
    ast.Slice, ast.Raise, ast.keyword,
)  # fmt: skip
_BINDING = (ast.Assign, ast.AnnAssign, ast.For, ast.AsyncFor, ast.comprehension, ast.NamedExpr)
_MAKERS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Set, ast.withitem)
_CONDITIONAL = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match) + (
    (ast.TryStar,) if hasattr(ast, "TryStar") else ()
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(slots=True)
class Roles:
    """must / may: names whose object is changed in place for certain (if the cell runs to its end) / perhaps. See `static.CellNames`.

    passed: (function, name): handed to a function that is called by its name, which may change it or not
    augmented: those of `may` that stand left of `+=` and the like: changed for certain where they still stand for the same object
    results: functions whose result is changed: `settings()["lr"] = 1`; made_by: (name, function whose result it stands for)
    unless_module: named as libraries often are (`stats`, `dt`): changed, perhaps, where they are none
    links: (new name, name): `new` stands for the object of `name` or for a part of it, so that changing it changes that one.
    """

    must: set[str] = field(default_factory=set)
    may: set[str] = field(default_factory=set)
    conditional: set[str] = field(default_factory=set)
    aliases: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    passed: set[tuple[str, str]] = field(default_factory=set)
    augmented: set[str] = field(default_factory=set)
    results: set[str] = field(default_factory=set)
    made_by: list[tuple[str, str]] = field(default_factory=list)
    unless_module: set[str] = field(default_factory=set)
    dynamic: bool = False


_RESULTS = {"must": "result", "may": "result", "link": "linked result"}
"""What becomes of a call -> what that says of the function."""


def roles_of(tree: ast.Module) -> Roles:
    """The roles of the names in `tree`. Function bodies count too: the cell may call what it defines."""
    roles = Roles()
    _visit(tree, (), roles, False, False)
    _follow_links(roles)
    return roles


def _follow_links(roles: Roles) -> None:
    """`for row in rows: row.append(0)` may change what is in `rows`."""
    changed = True
    while changed:
        changed = False
        for new, name in roles.links:
            if (new in roles.must or new in roles.may) and name not in roles.must and name not in roles.may:
                roles.may.add(name)
                changed = True
    roles.results.update(function for new, function in roles.made_by if new in roles.must or new in roles.may)


def _visit(node: ast.AST, parents: tuple[ast.AST, ...], roles: Roles, conditional: bool, later: bool) -> None:
    """`conditional`: under an if, loop, try; `later`: in a function's body."""
    if isinstance(node, ast.Name):
        _name(node, parents, roles, conditional, later)
        return
    if isinstance(node, ast.Attribute):
        roles.attributes.add(node.attr)
        if node.attr in DYNAMIC:
            roles.dynamic = True
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and 2 < len(node.value) <= 300:
            roles.texts.append(node.value)
    elif isinstance(node, ast.Assign):
        _aliases(node, roles)
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and conditional:
        roles.conditional.add(node.name)
    inside = conditional or isinstance(node, _CONDITIONAL)
    later = later or isinstance(node, _FUNCTIONS)
    line = (*parents[-8:], node)
    for name in node._fields:
        part = getattr(node, name, None)
        for child in part if type(part) is list else (part,):
            if isinstance(child, ast.AST) and child._fields:  # neither operators nor contexts
                _visit(child, line, roles, inside, later)


def _aliases(node: ast.Assign, roles: Roles) -> None:
    if isinstance(node.value, ast.Name):
        roles.aliases.extend((target.id, node.value.id) for target in node.targets if isinstance(target, ast.Name))


def _name(node: ast.Name, parents: tuple[ast.AST, ...], roles: Roles, conditional: bool, later: bool) -> None:
    if node.id in DYNAMIC:
        roles.dynamic = True
    if not isinstance(node.ctx, ast.Load):
        if conditional:
            roles.conditional.add(node.id)
        if parents and isinstance(parents[-1], ast.AugAssign):
            roles.may.add(node.id)
            if not (later or conditional):
                roles.augmented.add(node.id)
        return
    role = _role(node, list(parents))
    if node.id in LIBRARIES and role in ("must", "may", "link"):
        roles.unless_module.add(node.id)
        return
    if role == "must" and not (later or conditional):
        roles.must.add(node.id)
    elif role in ("must", "may"):
        called = _called_by_name(node, parents)
        if called is None:
            roles.may.add(node.id)
        else:
            roles.passed.add((called, node.id))
    elif role == "result":
        roles.results.add(node.id)
    elif role == "linked result":
        roles.made_by.extend((target, node.id) for target in _targets(parents))
    elif role == "link":
        roles.links.extend((target, node.id) for target in _targets(parents))


def _called_by_name(node: ast.Name, parents: tuple[ast.AST, ...]) -> str | None:
    """`f` where the name stands as an argument of its own in `f(name)`."""
    call = parents[-1] if parents else None
    if isinstance(call, ast.keyword):
        call = parents[-2]
    if isinstance(call, ast.Call) and call.func is not node and isinstance(call.func, ast.Name):
        return call.func.id
    return None


def _targets(parents: tuple[ast.AST, ...]) -> list[str]:
    """Names bound by the innermost assignment or loop around a name."""
    for parent in reversed(parents):
        if isinstance(parent, ast.Assign):
            bound: list[ast.AST] = list(parent.targets)
        elif isinstance(parent, (ast.For, ast.AsyncFor, ast.comprehension, ast.NamedExpr, ast.AnnAssign)):
            bound = [parent.target]
        else:
            continue
        return [n.id for target in bound for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return []


def _role(node: ast.expr, parents: list[ast.AST]) -> str:
    """ "must", "may", "link", "result", "linked result" (see `Roles`) or "" (only read) for one place where a name is loaded."""
    current: ast.AST = node
    last_attribute: str | None = None
    while parents and isinstance(parents[-1], (ast.Attribute, ast.Subscript)) and parents[-1].value is current:
        current = parents.pop()
        if isinstance(current.ctx, (ast.Store, ast.Del)):  # type: ignore[attr-defined]
            return "must"
        if isinstance(current, ast.Attribute):
            last_attribute = current.attr
    parent = parents[-1] if parents else None
    if isinstance(parent, ast.Call):
        return _call_role(parent, current, last_attribute, parents[:-1])
    return _other_role(parent, current, node)


def _call_role(call: ast.Call, current: ast.AST, attribute: str | None, parents: list[ast.AST]) -> str:
    if call.func is current:
        if attribute is None:  # calling a function by name: what it reaches is followed at run time
            return _RESULTS.get(_role(call, parents), "")
        if _switched_on(call, "inplace"):
            return "must"
        if attribute in MUTATORS:
            return "must"
        if attribute in PASSING_METHODS:
            return _softer(_role(call, parents))
        return "" if attribute in PURE_METHODS else "may"
    function = call.func
    if isinstance(function, ast.Name):
        if function.id in PASSING:
            return _softer(_role(call, parents))
        if function.id in PURE_FUNCTIONS:
            return ""
    return "" if _leaves_arguments_alone(call, current) else "may"


def _softer(role: str) -> str:
    """What becomes of a call's result may become of a part of what it was given."""
    return "may" if role == "must" else role


def _leaves_arguments_alone(call: ast.Call, argument: ast.AST) -> bool:
    """`np.percentile(a, 5)`: a function of a library that changes nothing it is given, `argument` at least."""
    function = call.func
    root: ast.AST = function
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(function, ast.Attribute) or not isinstance(root, ast.Name) or root.id not in LIBRARIES:
        return False
    if function.attr in LIBRARY_MUTATORS or any(k.arg in ("out", "inplace", "copy") for k in call.keywords):
        return False
    if isinstance(function.value, ast.Attribute) and function.attr in MUTATORS:  # np.ndarray.fill(a, 0)
        return False
    return argument not in call.args[OUT_AT.get(function.attr, len(call.args)) :]


def _switched_on(call: ast.Call, option: str) -> bool:
    return any(k.arg == option and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords)


def _other_role(parent: ast.AST | None, current: ast.AST, name: ast.expr) -> str:
    if isinstance(parent, ast.keyword):
        return "must" if parent.arg == "file" else "may"
    if parent is None or isinstance(parent, _READ_ONLY_PARENTS):
        return ""
    if isinstance(parent, ast.Subscript):  # used as an index
        return ""
    if isinstance(parent, ast.AugAssign):  # the right-hand side; a target is no load
        return ""
    if isinstance(parent, ast.AnnAssign) and parent.annotation is current:
        return ""
    if isinstance(parent, (*_BINDING, ast.Tuple, ast.List)):
        return "link"  # `b = a`, `b = a.part`, `for row in rows`, `for x in (a, b)`: another name for it or for a part of it
    if isinstance(parent, (*_SCOPES, *_MAKERS, ast.ExceptHandler, ast.Return, ast.Match)):
        return ""  # a decorator, default or base; the value of a function; an element of something new
    return "may"
