"""What the rules of `blame` look at: the names of the failing expression, and properties of what they hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from agentlog.ancestry import Author, Holds, assigning_lines, parents, tree_of, version_before
from agentlog.events import Failure, Value
from agentlog.situation import Situation, Version

if TYPE_CHECKING:
    pass

_SUBSCRIPT = re.compile(r"([^\W\d]\w*)\[(['\"])(.+?)\2\]")
_NAME = re.compile(r"(?<![\w.'\"])[^\W\d]\w*")
FEATURES = re.compile(
    r"feature names|features, but|has \d+ features|number of features|columns overlap|expecting \d+ features", re.I
)
"""What is said of columns that do not match those a model knows."""
ITERATORS = frozenset(
    {"zip", "map", "filter", "enumerate", "reversed", "generator", "list_iterator", "dict_keyiterator", "dict_itemiterator",
     "dict_valueiterator", "islice", "chain", "reader", "DictReader", "TextIOWrapper"}
)  # fmt: skip
"""Types that give their elements once."""
_CALLED = frozenset({"module", "function", "type", "builtin_function_or_method"})
_CODE = frozenset({"module", "function", "type", "builtin_function_or_method", "int", "float", "str", "bool"})


def offending_word(failure: Failure) -> str | None:
    """The key, attribute or name that the message complains about: the first in quotes, of those that label words if no other."""
    message = failure.message.split(" object has no attribute ")[-1]
    found = re.search(r"'([^']+)'", message) or re.search(r"`([^`]+)`", message) or re.search(r'"([^"]+)"', message)
    return found[1] if found else None


def columns_taken(text: str) -> list[tuple[str, str]]:
    """(table, label) of each `df["price"]` in a piece of code."""
    return [(name, label) for name, _, label in _SUBSCRIPT.findall(text)]


def suspects(failure: Failure) -> list[str]:
    """Names of the failing expression: arguments before the receiver, since the receiver is the tool."""
    if failure.expression is None:
        return []
    text = failure.expression.text
    try:
        names = [node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)]
    except (SyntaxError, ValueError):
        names = _NAME.findall(text)
    receiver = re.match(r"([^\W\d]\w*)\.\w+\((?=.)", text)
    return sorted(dict.fromkeys(names), key=lambda name: bool(receiver and name == receiver[1]))


def size_now(case: Situation, name: str) -> int | None:
    now = version_before(case, name, None)
    return length(now.value) if now is not None and now.value is not None else None


def fitting_relative(case: Situation, name: str, sizes: Mapping[str, int]) -> bool:
    """Is there `y_test` of the length that `y_train` should have had? Then the failing cell took the wrong one."""
    family, own = name.split("_")[0], case.described(name)
    wanted = {size for other, size in sizes.items() if other != name}
    relatives = [v.value for n, v in case.values.items() if n not in sizes and n.split("_")[0] == family and v.value is not None]
    alike = (value for value in relatives if own is None or (value.shape or ())[1:] == (own.shape or ())[1:])
    return any(length(value) in wanted for value in alike)


def now(case: Situation, name: str, holds: Holds) -> bool:
    version = version_before(case, name, None)
    return version is not None and version.value is not None and holds(version.value)


def passed(failure: Failure) -> list[str]:
    """Names handed over as they are by the failing call: not what it was given a part of."""
    try:
        call = ast.parse(failure.expression.text, mode="eval").body if failure.expression else None
    except (SyntaxError, ValueError):
        return []
    given = [*call.args, *(keyword.value for keyword in call.keywords)] if isinstance(call, ast.Call) else []
    return [node.id for node in given if isinstance(node, ast.Name)]


def length(value: Value) -> int | None:
    """Rows, elements or items."""
    return value.shape[0] if value.shape else value.length


def of_type(kind: str) -> Holds:
    return lambda value: value.type == kind


def of_length(size: int) -> Holds:
    return lambda value: length(value) == size


def is_none(value: Value) -> bool:
    return value.type == "NoneType"


def is_closed(value: Value) -> bool:
    return value.facts.get("closed") is True or (value.type == "Connection" and str(value.value or "").startswith("closed"))


def is_empty(value: Value) -> bool:
    return length(value) == 0 or bool(value.shape and 0 in value.shape)


def is_table(value: Value) -> bool:
    return bool(value.shape)


def same_columns(value: Value) -> Holds:
    names = [column.name for column in value.columns]
    width = value.shape[1:] if value.shape else ()
    return lambda other: (
        bool(other.shape)
        and other.shape is not None
        and other.shape[1:] == width
        and (not names or not other.columns or [column.name for column in other.columns] == names)
    )


def same_form(value: Value) -> Holds:
    return lambda other: other.type == value.type and len(other.shape or ()) == len(value.shape or ())


def in_library(failure: Failure) -> bool:
    return bool(failure.frames) and failure.frames[-1].kind in ("library", "stdlib")


def names_parameter(value: Value, message: str) -> bool:
    said = set(re.findall(r"[\w.-]+", message))
    return any(key in said or (isinstance(entry.value, str) and entry.value in said) for key, entry in value.attributes.items())


def from_another_type(case: Situation, found: Author, kind: str) -> bool:
    """Was it another type before: the name itself, or what it was made from?"""
    own = version_before(case, found.name, found.execution)
    if own is not None and own.value is not None and own.value.type in _CALLED and kind != own.value.type:
        return True
    if (own is None or own.value is None) and re.search(rf"\b{re.escape(kind)}\(", found.execution.source):
        return False  # it was made as what it is
    before = [own]
    before += [version_before(case, parent, found.execution) for parent in parents(found.execution.source, found.name)]
    known = [v.value for v in before if v is not None and v.value is not None]
    return any(value.type != kind and (value.shape or value.type not in _CODE) for value in known)


def has_label(value: Value, label: str) -> bool:
    """Is it seen to be a column or a key?"""
    return label in value.entries or any(column.name == label for column in value.columns)


def loser(case: Situation, name: str, label: str) -> Version | None:
    """The version of `name` that no longer had the column or key `label` while the one before it had."""
    newer: Version | None = None
    for version in case.versions(name):
        if version.value is not None and has_label(version.value, label):
            return newer
        newer = version
    return None


def row_loser(case: Situation, name: str, label: str) -> Version | None:
    """The version of `name` that is shorter since its cell drops the element or row `label` by this very word."""
    for version in case.versions(name):
        old, new, source = version.change.old, version.value, version.execution.source
        shorter = old is not None and new is not None and (length(new) or 0) < (length(old) or 0)
        if shorter and any(_drops(line, label) for line in assigning_lines(source, name)):
            return version
        if version.change.kind == "made" or (version.change.kind == "rebound" and name not in parents(source, name)):
            return None
    return None


def _drops(line: str, label: str) -> bool:
    quoted = re.search(rf"(['\"]){re.escape(label)}\1", line)
    return quoted is not None and re.search(r"\.drop\(|\.pop\(|\bdel\b", line) is not None


def code(case: Situation) -> str:
    """The failing line and expression."""
    expression = case.root.expression.text if case.root and case.root.expression else ""
    return f"{case.innermost.source or '' if case.innermost else ''} {expression}"


def article(kind: str) -> str:
    return f"{'an' if kind[:1] in 'aeiouAEIOU' or kind.startswith('nd') else 'a'} {kind}"


def without_return(source: str, function: str) -> bool:
    """Does the cell define `function`, and is there no `return` with a value in it?"""
    tree = tree_of(source)
    found = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == function), None) if tree else None
    giving = (ast.Return, ast.Yield, ast.YieldFrom)
    return found is not None and not any(isinstance(node, giving) and node.value is not None for node in ast.walk(found))


def names_given(source: str) -> set[str]:
    """Names that a cell hands to calls as they are."""
    tree = tree_of(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
    given = [part for call in calls for part in [*call.args, *(word.value for word in call.keywords)]]
    return {part.id for part in given if isinstance(part, ast.Name)}


def calls_of(source: str, function: str) -> list[ast.Call]:
    """The calls of a function by its name in a cell."""
    tree = tree_of(source) if f"{function}(" in source else None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)] if tree is not None else []
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == function]
