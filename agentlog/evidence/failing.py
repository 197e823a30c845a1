"""What a collector may look at: the live exception and the user's frame around it."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agentlog.evaluate import UNKNOWN, Scope
from agentlog.events import Value
from agentlog.expression import Located
from agentlog.settings import Limits
from agentlog.stack import Level


@dataclass(slots=True)
class Failing:
    """A failure while it is alive. Nothing here may be kept.

    message     the exception's text
    levels      the stack, outermost first, the shell's own left out
    user        the last level of the user's own code, None where there is none
    raising     the level that raised
    located     the failing expression in the user's level
    describe    a bounded description of a value
    deadline    moment (time.perf_counter) after which nothing may be started
    """

    error: BaseException
    message: str
    levels: list[Level]
    user: Level | None
    located: Located | None
    scope: Scope
    describe: Callable[[object], Value]
    deadline: float
    limits: Limits

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

    def late(self) -> bool:
        return time.perf_counter() >= self.deadline

    def resolve(self, node: ast.AST | str | None) -> object:
        """The value of an expression of the user's frame, else UNKNOWN."""
        if node is None:
            return UNKNOWN
        return self.scope.text(node) if isinstance(node, str) else self.scope.evaluate(node)

    def nodes(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Nodes of these kinds: of the failing expression first, then of the rest of its statement."""
        seen: set[str] = set()
        for tree in (self.node, self.statement):
            for node in ast.walk(tree) if tree is not None else ():
                if isinstance(node, kinds):
                    text = ast.dump(node)
                    if text not in seen:
                        seen.add(text)
                        yield node

    def library_locals(self, *names: str) -> dict[str, object]:
        """Locals by these names from the levels below the user's, innermost first."""
        found: dict[str, object] = {}
        for level in reversed(self.levels):
            if level is self.user:
                break
            for name in names:
                if name not in found and name in level.frame.f_locals:
                    found[name] = level.frame.f_locals[name]
        return found
