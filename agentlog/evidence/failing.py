"""What a collector may look at: the live exception and the user's frame around it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agentlog.border import border, handed
from agentlog.clock import clock
from agentlog.evaluate import UNKNOWN, Scope, attribute
from agentlog.events import Value
from agentlog.expression import Located, locate, operands_of
from agentlog.settings import Limits
from agentlog.stack import Level

_CALLERS = 3
"""Levels of the user's above the failing one that are looked at."""


@dataclass(slots=True)
class Failing:
    """A failure while it is alive. Nothing here may be kept.

    message     the exception's text
    levels      the stack, outermost first, the shell's own left out
    user        the last level of the user's own code, None where there is none
    raising     the level that raised
    located     the failing expression in the user's level
    describe    a bounded description of a value
    processor   moment (clock.thread_time) after which nothing may be started: what this thread itself has used, so that
                a busy machine does not cost the evidence
    deadline    the same by the clock (clock.perf_counter), for what waits without computing
    """

    error: BaseException
    message: str
    levels: list[Level]
    user: Level | None
    located: Located | None
    scope: Scope
    describe: Callable[[object], Value]
    processor: float
    deadline: float
    limits: Limits
    worked_on: list[tuple[str, Any]] | None = None
    found: dict[tuple[type[ast.AST], ...], list[ast.AST]] = field(default_factory=dict)

    @property
    def node(self) -> ast.AST | None:
        return self.located.node if self.located else None

    @property
    def statement(self) -> ast.AST | None:
        return (self.located.statement or self.located.node) if self.located else None

    @property
    def raising(self) -> Level | None:
        return self.levels[-1] if self.levels else None

    @property
    def in_user_code(self) -> bool:
        """Was it raised in the user's own code rather than in a library it called?"""
        return self.user is not None and self.raising is self.user

    @property
    def names(self) -> Mapping[str, object]:
        return self.scope.locals

    def told(self, name: str, default: Any = None) -> Any:
        """What the exception itself holds under `name`; properties of the user's are not run."""
        found = attribute(self.error, name)
        return default if found is UNKNOWN else found

    def is_a(self, *kinds: type) -> bool:
        return issubclass(type(self.error), kinds)

    def late(self) -> bool:
        return clock.thread_time() >= self.processor or clock.perf_counter() >= self.deadline

    def resolve(self, node: ast.AST | str | None) -> object:
        """The value of an expression of the user's frame, else UNKNOWN."""
        if node is None:
            return UNKNOWN
        return self.scope.text(node) if isinstance(node, str) else self.scope.evaluate(node)

    def outer(self, node: ast.AST) -> object:
        """`resolve`, of a comprehension or generator also by the names of the function it stands in."""
        found = self.resolve(node)
        if found is not UNKNOWN or self.user is None or self.user not in self.levels:
            return found
        code, above = self.user.frame.f_code, self.levels[: self.levels.index(self.user)]
        around = next((level for level in reversed(above) if code in level.frame.f_code.co_consts), None)
        return around.scope().evaluate(node) if around is not None and code.co_name.startswith("<") else UNKNOWN

    def callers(self) -> Iterator[Failing]:
        """The same failure as seen from the user's levels above the failing one, nearest first, while there is time."""
        above = self.levels[: self.levels.index(self.user)] if self.user is not None and self.user in self.levels else []
        for level in [level for level in reversed(above) if level.user][:_CALLERS]:
            if not self.late():
                yield replace(self, user=level, located=locate(level), scope=level.scope(), worked_on=None, found={})

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Nodes of these kinds: of the failing expression first, then of the rest of its statement."""
        if kinds not in self.found:
            trees = [tree for tree in (self.node, self.statement) if tree is not None]
            nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]
            self.found[kinds] = list(_first([(ast.unparse(node), node) for node in nodes]).values())
        return iter(self.found[kinds])

    def loops(self) -> list[tuple[ast.expr, ast.expr]]:
        """(target, iterated) of the loops and comprehensions around the failing expression, innermost first."""
        around = self.located.around if self.located else ()
        found = [(loop.target, loop.iter) for loop in reversed(around) if isinstance(loop, (ast.For, ast.AsyncFor))]
        comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        inner = [node for node in self.nodes(*comprehensions) if isinstance(node, comprehensions)]
        return [(part.target, part.iter) for node in inner for part in node.generators] + found

    def data(self) -> list[tuple[str, Any]]:
        """(text, value) of what the failing expression, then its statement, works on, each once."""
        if self.worked_on is None:
            whole = self.statement if not isinstance(self.statement, ast.Expr) or self._part_of(self.statement) else None
            trees = [tree for tree in (self.node, whole) if tree is not None]
            found = [pair for tree in trees for pair in operands_of(tree, self.scope)]
            self.worked_on = list(_first(found).items())
        return self.worked_on

    def _part_of(self, statement: ast.Expr) -> bool:
        """Is the failing expression a part of `statement`, and not all of it?"""
        return self.node is None or ast.dump(self.node) != ast.dump(statement.value)

    def handed(self) -> list[tuple[str, object]]:
        """(parameter, value) of the first library level below the user's: what the user handed over."""
        below = border(self.levels, self.user)
        return handed(below) if below is not None else []

    def call_arguments(self) -> list[object]:
        """Values of the arguments of the calls in the failing expression, as far as they can be had."""
        calls = [node for node in self.nodes(ast.Call) if isinstance(node, ast.Call)]
        found = [self.resolve(part) for call in calls for part in [*call.args, *(word.value for word in call.keywords)]]
        return [value for value in found if value is not UNKNOWN]

    def called(self, parameter: str) -> str | None:
        """The text that the failing call passed for a parameter of the first library level."""
        names = [name for name, _ in self.handed() if name != "self"]
        for call in self.nodes(ast.Call):
            given = {word.arg: word.value for word in call.keywords} | dict(zip(names, call.args, strict=False))  # type: ignore[attr-defined]
            if parameter in given:
                return ast.unparse(given[parameter])[:80]
        return None

    def name_of(self, value: object) -> str | None:
        """How the user's frame calls this very object: an operand's text, else a name that holds it."""
        for text, other in self.data():
            if other is value:
                return text
        return next((name for name, other in self.names.items() if other is value and not name.startswith("_")), None)

    def library_locals(self, *names: str) -> dict[str, object]:
        """Locals by these names from the levels below the user's, innermost first."""
        found: dict[str, object] = {}
        for level in reversed(self.levels):
            if level is self.user:
                break
            for name in names:
                if name not in found and name in level.names:
                    found[name] = level.names[name]
        return found


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The first value of each text, in the order of `pairs`."""
    found: dict[str, Any] = {}
    for text, value in pairs:
        found.setdefault(text, value)
    return found
