"""What an expression was, without running anything of the user's.

`Scope.evaluate(node)` answers for names, attributes that are plain data, subscripts of exact builtin and array
types, arithmetic of exact numbers, `len` and what `plain_calls` answers; everything else is `UNKNOWN`. Properties, `__getattr__`,
`__getitem__` and calls of the user's are never run. A value that is found is the live object itself: hold it briefly.
"""

from __future__ import annotations

import ast
import operator
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from agentlog import peek, plain_calls


class _Unknown:
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = _Unknown()

NUMBERS, PLAIN = peek.NUMBERS, peek.PLAIN
DICTS = peek.Types(dict, OrderedDict, defaultdict, Counter)
SEQUENCES = peek.Types(list, tuple, str, bytes, bytearray, range)
SIZED = peek.Types(*SEQUENCES, *DICTS, set, frozenset, deque, memoryview)

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip

_FEW = 100_000
_SLOTS = peek.Types(types.MemberDescriptorType, types.GetSetDescriptorType)
_FUNCTIONS = peek.Types(types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType)
_LIBRARY_ATTRIBUTES = {
    "pandas": frozenset({"shape", "columns", "index", "dtype", "dtypes", "size", "ndim", "name", "names", "empty", "nlevels", "categories"}),
    "numpy": frozenset({"shape", "dtype", "size", "ndim", "nbytes"}),
    "torch": frozenset({"shape", "dtype", "ndim", "device", "requires_grad"}),
    "polars": frozenset({"shape", "columns", "dtypes", "dtype", "name", "height", "width"}),
    "tensorflow": frozenset({"shape", "dtype"}),
    "jaxlib": frozenset({"shape", "dtype", "ndim"}),
    "scipy": frozenset({"shape", "dtype", "ndim", "nnz"}),
    "pathlib": frozenset({"name", "parent", "suffix", "stem"}),
}  # fmt: skip
"""Properties known to be cheap and without effect, by the package that defines the type."""


def package_of(kind: type) -> str:
    """The top-level package that `kind` says it is from; "builtins" where none is named."""
    return (peek.class_module(kind) or "builtins").partition(".")[0]


class Scope:
    """Names of one frame: locals before globals before builtins."""

    __slots__ = ("builtins", "globals", "locals", "operands")

    def __init__(self, local: Mapping[str, object], world: Mapping[str, object] | None = None) -> None:
        self.locals = local
        self.globals = local if world is None else world
        self.operands: dict[int, tuple[ast.AST, list[tuple[str, object]]]] = {}
        """id of a node -> the node, and what `operands_of` found: several collectors ask"""
        builtins = self.globals.get("__builtins__", {})
        self.builtins: Mapping[str, object] = peek.module_dict(builtins) or builtins  # type: ignore[assignment]

    def lookup(self, name: str) -> object:
        """The object `name` stands for, else UNKNOWN."""
        for names in (self.locals, self.globals, self.builtins):
            if name in names:
                return names[name]
        return UNKNOWN

    def evaluate(self, node: ast.AST, depth: int = 0) -> object:
        """The value `node` has in this scope, else UNKNOWN. Never raises."""
        rule = _RULES.get(type(node))
        if rule is None or depth > 20:
            return UNKNOWN
        try:
            return rule(self, node, depth + 1)
        except Exception:  # an index out of range, an unhashable key, a type that refuses: not known
            return UNKNOWN

    def text(self, expression: str) -> object:
        """The value of an expression given as text."""
        try:
            return self.evaluate(ast.parse(expression, mode="eval").body)
        except (SyntaxError, ValueError):
            return UNKNOWN


def attribute(value: object, name: str) -> object:
    """`value.name` where that is stored data or a property known to be harmless, else UNKNOWN."""
    if peek.is_a(value, types.ModuleType):
        return peek.module_dict(value).get(name, UNKNOWN)
    if peek.is_a(value, type):
        return _of_class(value, name)  # type: ignore[arg-type]
    kind = type(value)
    found = peek.on_class(value, name, UNKNOWN)
    if type(found) in _SLOTS:
        return found.__get__(value, kind) if _harmless(found, value, name) else UNKNOWN
    if type(found) is property:
        return found.__get__(value, kind) if _library_property(value, name) else UNKNOWN
    stored = peek.own(value, name, UNKNOWN)
    if stored is not UNKNOWN:
        return stored
    if found is UNKNOWN:
        return _pandas_column(value, name) if package_of(kind) == "pandas" else _part_of_network(value, name)
    if type(found) in _FUNCTIONS:
        return found
    return found if peek.on_class(found, "__get__") is None else UNKNOWN


def _part_of_network(value: object, name: str) -> object:
    """A layer, a parameter or a buffer of a torch module, which keeps them in dictionaries of its own."""
    if not any(peek.class_name(cls) == "Module" and package_of(cls) == "torch" for cls in peek.mro(type(value))):
        return UNKNOWN
    kept = (peek.own(value, place, None) for place in ("_parameters", "_buffers", "_modules"))
    return next((parts[name] for parts in kept if type(parts) is dict and name in parts), UNKNOWN)


def _of_class(value: type, name: str) -> object:
    found = next((peek.class_dict(base)[name] for base in peek.mro(value) if name in peek.class_dict(base)), UNKNOWN)
    if peek.exactly(found, staticmethod, classmethod):
        return found.__func__  # type: ignore[union-attr]
    return UNKNOWN if type(found) is property or type(found) in _SLOTS else found


def _harmless(found: object, value: object, name: str) -> bool:
    if type(found) is types.MemberDescriptorType:
        return True
    return package_of(type(value)) == "builtins" or _library_property(value, name)


def _library_property(value: object, name: str) -> bool:
    package = package_of(type(value))
    known = name in _LIBRARY_ATTRIBUTES.get(package, ()) or (name == "values" and package == "pandas")
    return known and peek.really_in(value, package) and holds_data(value) and (name != "values" or _plain_values(value))


def holds_data(value: object) -> bool:
    """Not so a frame or series of pandas whose constructor has failed on the way: it asks itself for its data without end."""
    return peek.class_name(type(value)) not in ("DataFrame", "Series") or peek.own(value, "_mgr") is not None


def _plain_values(value: object) -> bool:
    """Are the `.values` of a frame, series or index few and of numpy's own types, so that making them is cheap and runs nobody's code?"""
    kinds = attribute(value, "dtypes") if peek.class_name(type(value)) == "DataFrame" else [attribute(value, "dtype")]
    size = attribute(value, "size")
    return type(size) is int and size <= _FEW and all(package_of(type(kind)) == "numpy" for kind in kinds)  # type: ignore[attr-defined]


def subscript(value: object, key: object) -> object:
    """`value[key]` for exact types whose look-up runs no foreign code, else UNKNOWN."""
    kind = type(value)
    if kind in DICTS and _plain_key(key):
        return dict.get(value, key, UNKNOWN) if plain_calls.plain_keys(value) else UNKNOWN  # type: ignore[arg-type,call-overload]
    if kind in SEQUENCES and peek.exactly(key, int, bool, slice):
        return value[key]  # type: ignore[index]
    package = package_of(kind)
    if package == "pandas" and _plain_key(key):
        return _pandas_column(value, key)
    if kind is peek.loaded("numpy", "ndarray") and _cheap_index(key):
        return value[key]  # type: ignore[index]
    return UNKNOWN


def _plain_key(key: object) -> bool:
    return type(key) in PLAIN or (type(key) is tuple and PLAIN.all_of(key))


def _cheap_index(key: object) -> bool:
    parts = key if type(key) is tuple else (key,)
    return all(peek.exactly(part, int, slice, type(None), type(Ellipsis)) for part in parts)


def _pandas_column(value: object, key: object) -> object:
    """One column of an exact DataFrame, without touching the frame's caches."""
    pandas = sys.modules.get("pandas")
    if pandas is None or type(value) is not pandas.DataFrame:
        return UNKNOWN
    columns = value.columns  # type: ignore[attr-defined]
    if len(columns) > 20_000 or columns.nlevels > 1:
        return UNKNOWN
    labels = columns.tolist()
    matches = [i for i, label in enumerate(labels) if type(label) is type(key) and label == key]
    return value.iloc[:, matches[0]] if len(matches) == 1 else UNKNOWN  # type: ignore[attr-defined]


def safe_length(value: object) -> int | None:
    """len(value) where asking runs no foreign code."""
    kind = type(value)
    if kind in SIZED:
        return len(value)  # type: ignore[arg-type]
    if package_of(kind) in ("numpy", "pandas", "torch", "polars", "scipy"):
        shape = attribute(value, "shape")
        if issubclass(type(shape), tuple):
            return int(shape[0]) if shape else None  # type: ignore[index]
    return None


def _name(scope: Scope, node: ast.Name, depth: int) -> object:
    return scope.lookup(node.id)


def _constant(scope: Scope, node: ast.Constant, depth: int) -> object:
    return node.value


def _attribute(scope: Scope, node: ast.Attribute, depth: int) -> object:
    owner = scope.evaluate(node.value, depth)
    return UNKNOWN if owner is UNKNOWN else attribute(owner, node.attr)


def _subscript(scope: Scope, node: ast.Subscript, depth: int) -> object:
    owner, key = scope.evaluate(node.value, depth), scope.evaluate(node.slice, depth)
    return UNKNOWN if owner is UNKNOWN or key is UNKNOWN else subscript(owner, _unwrap(key))


def _slice(scope: Scope, node: ast.Slice, depth: int) -> object:
    parts = [None if part is None else _unwrap(scope.evaluate(part, depth)) for part in (node.lower, node.upper, node.step)]
    return slice(*parts) if all(part is None or type(part) is int for part in parts) else UNKNOWN


def _display(scope: Scope, node: ast.Tuple | ast.List, depth: int) -> object:
    parts = [scope.evaluate(part, depth) for part in node.elts[:200]]
    if len(node.elts) > 200 or any(part is UNKNOWN for part in parts):
        return UNKNOWN
    return tuple(parts) if isinstance(node, ast.Tuple) else parts


def _binary(scope: Scope, node: ast.BinOp, depth: int) -> object:
    return _number(node.op, scope.evaluate(node.left, depth), scope.evaluate(node.right, depth))


def _compare(scope: Scope, node: ast.Compare, depth: int) -> object:
    if len(node.ops) != 1:
        return UNKNOWN
    return _number(node.ops[0], scope.evaluate(node.left, depth), scope.evaluate(node.comparators[0], depth))


def _unary(scope: Scope, node: ast.UnaryOp, depth: int) -> object:
    value = _unwrap(scope.evaluate(node.operand, depth))
    if isinstance(node.op, ast.USub) and type(value) in NUMBERS:
        return -value  # type: ignore[operator]
    return (not value) if isinstance(node.op, ast.Not) and type(value) in PLAIN else UNKNOWN


def _call(scope: Scope, node: ast.Call, depth: int) -> object:
    arguments = [_unwrap(scope.evaluate(part, depth)) for part in node.args]
    if node.keywords or any(part is UNKNOWN for part in arguments):
        return UNKNOWN
    if isinstance(node.func, ast.Attribute):
        owner = scope.evaluate(node.func.value, depth)
        return UNKNOWN if owner is UNKNOWN else plain_calls.method(owner, node.func.attr, arguments)
    function = scope.lookup(node.func.id) if isinstance(node.func, ast.Name) else UNKNOWN
    if function is len:
        length = safe_length(*arguments)
        return UNKNOWN if length is None else length
    return type(*arguments) if function is type and len(arguments) == 1 else plain_calls.answer(function, arguments)


def _number(op: ast.AST, left: object, right: object) -> object:
    left, right = _unwrap(left), _unwrap(right)
    if type(left) is str and type(right) is str and isinstance(op, (ast.Add, ast.Eq, ast.NotEq)):
        return _OPERATORS[type(op)](left, right) if len(left) + len(right) < 2000 else UNKNOWN
    if type(left) not in NUMBERS or type(right) not in NUMBERS or max(_bits(left), _bits(right)) > 256:
        return UNKNOWN
    return _OPERATORS[type(op)](left, right) if type(op) in _OPERATORS else UNKNOWN


def _bits(number: object) -> int:
    return number.bit_length() if type(number) is int else 64


def _unwrap(value: object) -> object:
    """A numpy scalar as the Python number it holds; everything else as it is."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and package_of(type(value)) == "numpy" and issubclass(type(value), numpy.generic):
        return value.item()  # type: ignore[attr-defined]
    return value


_RULES: dict[type, Callable[[Scope, Any, int], object]] = {
    ast.Name: _name, ast.Constant: _constant, ast.Attribute: _attribute, ast.Subscript: _subscript, ast.Slice: _slice,
    ast.Tuple: _display, ast.List: _display, ast.BinOp: _binary, ast.Compare: _compare, ast.UnaryOp: _unary, ast.Call: _call,
}  # fmt: skip
