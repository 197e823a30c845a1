"""The expression that failed, and what its parts were.

On Python 3.11 and later the bytecode positions name it exactly; where `executing` is already loaded it does so
before that; else it is the smallest statement at the line.
"""

from __future__ import annotations

import ast
import itertools
import os
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agentlog.evaluate import UNKNOWN, Scope, package_of
from agentlog.events import Expression, Operand, Value
from agentlog.relevance import own_code
from agentlog.stack import Level

TEXT_LIMIT = 500
OPERANDS = 16
_PARSE_LIMIT = 60_000


@dataclass(frozen=True, slots=True)
class Located:
    """A failing expression in the syntax tree.

    around   the statements it stands in, outermost first, as far as they could be parsed
    """

    node: ast.AST
    text: str
    line: int
    exact: bool
    around: tuple[ast.stmt, ...] = ()

    @property
    def statement(self) -> ast.stmt | None:
        return self.around[-1] if self.around else None


def locate(level: Level) -> Located | None:
    """The node that was running in `level`, or None where there is no source."""
    lines = level.lines()
    if not lines:
        return None
    around = _around(level, lines)
    span = _span(level)
    if span is not None:
        text = _cut(lines, span)
        node = _parse(text) if text else None
        if node is not None and text:
            if around and _is_target(node, around[-1]):
                return Located(around[-1], _head(around[-1]), span[0] + level.shift, True, around)
            return Located(node, _one_line(text), span[0] + level.shift, True, around)
    return _by_executing(level, around) or _by_line(level, lines, around)


def describe_expression(located: Located, scope: Scope, describe: Callable[[object], Value]) -> Expression:
    """`located` with its operands described, most telling first."""
    operands = tuple(Operand(text, describe(value)) for text, value in operands_of(located.node, scope))
    return Expression(located.text[:TEXT_LIMIT], located.line, located.exact, operands)


def operands_of(node: ast.AST, scope: Scope) -> list[tuple[str, object]]:
    """(text, live value) of each part of `node` that could be evaluated; literals, modules and library functions are left out."""
    known = scope.operands.get(id(node))
    if known is None:
        known = scope.operands[id(node)] = (node, _operands_of(node, scope))
    return known[1]


def _operands_of(node: ast.AST, scope: Scope) -> list[tuple[str, object]]:
    found: dict[str, object] = {}
    for part in _parts(node):
        if _literal(part):
            continue
        text = _unparse(part)
        if text in found or len(text) > 120:
            continue
        value = scope.evaluate(part)
        if value is not UNKNOWN and not _uninteresting(value):
            found[text] = value
        if len(found) >= OPERANDS:
            break
    return list(found.items())


def _literal(node: ast.AST) -> bool:
    """A constant, or a list or tuple of constants and names: the source says it all, and the names are told by themselves."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return all(_literal(part) or isinstance(part, (ast.Name, ast.Slice)) for part in node.elts)
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and _literal(node.operand))


def names_in(node: ast.AST) -> list[str]:
    """Names that `node` mentions, in the order of its parts."""
    return list(dict.fromkeys(part.id for part in _parts(node, whole=True) if isinstance(part, ast.Name)))


def _parts(node: ast.AST, whole: bool = False) -> Iterator[ast.AST]:
    """Sub-expressions of `node`, breadth first, the more telling child first; bodies of lambdas and comprehensions too when `whole`."""
    queue: list[ast.AST] = [node]
    for _ in range(400):
        if not queue:
            return
        current = queue.pop(0)
        if isinstance(current, ast.expr) and not isinstance(current, (ast.Call, ast.Slice)) and not _stored(current):
            yield current
        queue.extend(_children(current, whole))


def _stored(node: ast.expr) -> bool:
    """A bare name that is only written to: its value is of before."""
    return isinstance(node, (ast.Name, ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Store)


def _children(node: ast.AST, whole: bool) -> list[ast.AST]:
    if isinstance(node, ast.Subscript):
        return [node.slice, node.value]
    if isinstance(node, ast.Call):
        return [*node.args, *(word.value for word in node.keywords), *_callee(node.func, whole)]
    if isinstance(node, ast.Lambda) and not whole:
        return []
    if isinstance(node, (ast.For, ast.AsyncFor)):
        return [node.iter, node.target]
    if isinstance(node, ast.AugAssign):
        return [ast.copy_location(_loaded(node.target), node.target), node.value]
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        return [node.value, *(node.targets if isinstance(node, ast.Assign) else [node.target])]
    if isinstance(node, (ast.With, ast.If, ast.While, ast.Try, ast.FunctionDef, ast.ClassDef)) and not whole:
        return [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt)]
    return [child for child in ast.iter_child_nodes(node) if not isinstance(child, (ast.expr_context, ast.operator, ast.cmpop))]


def _loaded(target: ast.expr) -> ast.expr:
    """The target of `x += 1` as what it reads."""
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target


def _callee(function: ast.expr, whole: bool) -> list[ast.AST]:
    """What a call is made on: of `a.b(c)` that is `a`, the method itself says nothing."""
    return [function.value] if isinstance(function, ast.Attribute) and not whole else [function]


def _uninteresting(value: object) -> bool:
    kind = type(value)
    if issubclass(kind, (types.ModuleType, types.BuiltinFunctionType, types.MethodDescriptorType)):
        return True
    if issubclass(kind, (type, types.FunctionType, types.MethodType)):
        return not own_code(value)
    return value is os.environ or (callable(value) and package_of(kind) in ("numpy", "functools"))


# --- where ----------------------------------------------------------------------------------------------------

Span = tuple[int, int, int, int]  # first line, first column, last line, last column; columns in bytes


def _span(level: Level) -> Span | None:
    positions = getattr(level.frame.f_code, "co_positions", None)
    if positions is None or level.lasti < 0:
        return None
    line, last_line, column, last_column = next(itertools.islice(positions(), level.lasti // 2, None), (None,) * 4)
    if line is None or last_line is None or column is None or last_column is None:
        return None
    return (line, column, last_line, last_column)


def _cut(lines: list[str], span: Span) -> str | None:
    first, column, last, last_column = span
    if not 0 < first <= last <= len(lines) or last - first > 200:
        return None
    picked = [line.encode() for line in lines[first - 1 : last]]
    picked[-1] = picked[-1][:last_column]
    picked[0] = picked[0][column:]
    return b"".join(line if line.endswith(b"\n") else line + b"\n" for line in picked).decode(errors="replace").strip()


def _parse(text: str) -> ast.AST | None:
    """`text` as an expression, else as a statement."""
    try:
        return ast.parse(f"({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    for candidate in (text, text + " pass", textwrap.dedent(text)):
        try:
            body = ast.parse(candidate).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if len(body) == 1:
            return body[0].value if isinstance(body[0], ast.Expr) else body[0]
    return None


def _around(level: Level, lines: list[str]) -> tuple[ast.stmt, ...]:
    """The statements around the running line, outermost first; their lines count from the block they were parsed in."""
    first, last = _block(level, len(lines))
    text = "\n".join(line.rstrip("\r\n") for line in lines[first - 1 : last])
    if len(text) > _PARSE_LIMIT:
        return ()
    try:
        body = ast.parse(textwrap.dedent(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return statements_around(body, level.line - first + 1)


def _is_target(node: ast.AST, statement: ast.stmt) -> bool:
    """Was it the storing that failed? Then the whole assignment is the failing expression."""
    if not isinstance(node, (ast.Subscript, ast.Attribute, ast.Tuple, ast.List)) or not isinstance(
        statement, (ast.Assign, ast.AugAssign, ast.For)
    ):
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return any(_unparse(node) == _unparse(target) for target in targets)


def _block(level: Level, count: int) -> tuple[int, int]:
    """First and last line of the code that is running: a whole module, or one function."""
    code = level.frame.f_code
    if code.co_name == "<module>" or code.co_name.startswith("<"):
        return (1, count) if level.kind == "cell" or count < 1500 else (level.line, level.line)
    last = max((line for _, _, line in code.co_lines() if line is not None), default=level.line)
    return code.co_firstlineno, min(count, max(last, level.line))


def statements_around(body: list[ast.stmt], line: int) -> tuple[ast.stmt, ...]:
    """The statements of `body` that cover `line`, outermost first."""
    for statement in body:
        if statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            return (statement, *statements_around(_blocks(statement), line))
    return ()


def _blocks(statement: ast.stmt) -> list[ast.stmt]:
    inner: list[ast.stmt] = []
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            inner.append(child)
        elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
            inner.extend(child.body)
    return inner


def _by_executing(level: Level, around: tuple[ast.stmt, ...]) -> Located | None:
    """By the library that finds nodes from bytecode on Python 3.10, only where something else has loaded it."""
    executing = sys.modules.get("executing")
    if executing is None or sys.version_info >= (3, 11) or (level.cell is not None and level.shift):
        return None
    try:
        node = executing.Source.executing(level.frame).node
    except Exception:  # a library of others, looking at sources of others
        return None
    if node is None or getattr(level.frame, "f_lasti", -1) != level.lasti:
        return None
    return Located(node, _one_line(_unparse(node)), getattr(node, "lineno", level.line) + level.shift, True, around)


def _by_line(level: Level, lines: list[str], around: tuple[ast.stmt, ...]) -> Located | None:
    line = level.line + level.shift
    if around:
        body = _lambda_body(level, around[-1])
        if body is not None:
            return Located(body, _one_line(_unparse(body)), line, False, around)
        node = around[-1].value if isinstance(around[-1], ast.Expr) else around[-1]
        return Located(node, _head(around[-1]), line, False, around)
    if not 0 < level.line <= len(lines):
        return None
    text = lines[level.line - 1].strip()
    parsed = _parse(text)
    return Located(parsed, text, line, False) if parsed is not None else None


def _lambda_body(level: Level, statement: ast.stmt) -> ast.expr | None:
    """What runs where it is the lambda of the statement that runs; None where it is not, or where there are several."""
    found = [part.body for part in ast.walk(statement) if isinstance(part, ast.Lambda)]
    return found[0] if level.frame.f_code.co_name == "<lambda>" and len(found) == 1 else None


def _head(statement: ast.stmt) -> str:
    """A statement in one line; of a compound one its first line."""
    return _one_line(_unparse(statement).partition("\n")[0])


def _unparse(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError, AttributeError):
        return type(node).__name__


def _one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text else text
