"""What the user's functions returned before the failure, where calls are watched (`hooks.calls`): those that fed it first."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any

from agentlog.events import Fact, Value, plain
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.source import mentioned
from agentlog.valuetext import nested

if TYPE_CHECKING:
    from agentlog.hooks.calls import Call, CallWatch, Known

FED, OTHERS = 4, 12
_ROOM = 60


@collector()
def returned_before(failing: Failing) -> list[Fact]:
    """Calls by name on the failing line or where its names were made, and those that returned an operand's value; then the latest."""
    calls: Any = sys.modules.get("agentlog.hooks.calls")
    watch: CallWatch | None = calls.watched() if calls is not None else None
    if watch is None or not watch.on or failing.user is None:
        return []
    seen = watch.calls()
    named, values = _names(failing), _values(failing)
    fed = [call for call in seen if call.function.rpartition(".")[2] in named or _print(call.result) in values]
    others = [call for call in seen if call not in fed]
    facts = [Fact(say(call)) for call in fed[:FED]]
    rest = tuple(say(call) for call in [*fed[FED:], *others][:OTHERS])
    if not facts:
        return [Fact(f"last call: {rest[0]}", detail=rest[1:])] if rest else []
    return [*facts[:-1], Fact(facts[-1].text, detail=rest)]


def say(call: Call) -> str:
    """`validate_rating(confidence=1.5) returned True`."""
    given = ", ".join(f"{name}={_text(known)}" for name, known in call.arguments if name != "self")
    more = f", +{call.omitted} more" if call.omitted else ""
    return f"{call.function}({given}{more}) returned {_text(call.result)}"


def _text(known: Known) -> str:
    return nested(known, _ROOM) if isinstance(known, Value) else repr(known)


def _names(failing: Failing) -> set[str]:
    """Functions called in the failing statement, in the conditions around it, and where the names of both were made above it."""
    statement, user = failing.statement, failing.user
    if statement is None or user is None:
        return set()
    found, wanted = _called(statement), set(mentioned(statement))
    for node in _statements(user.lines()):
        if isinstance(node, (ast.If, ast.While)) and node.lineno <= user.line <= (node.end_lineno or 0):
            found |= _called(node.test)
            wanted.update(mentioned(node.test))
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.lineno <= user.line:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(wanted.intersection(mentioned(target)) for target in targets):
                found |= _called(node)
    return found


def _statements(lines: list[str]) -> list[ast.AST]:
    """Conditions first, then assignments; [] for what is no whole source."""
    try:
        tree = ast.parse("".join(line if line.endswith("\n") else line + "\n" for line in lines))
    except (SyntaxError, ValueError):
        return []
    return sorted(ast.walk(tree), key=lambda node: not isinstance(node, (ast.If, ast.While)))


def _called(tree: ast.AST) -> set[str]:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {func.id if isinstance(func, ast.Name) else func.attr for func in calls if isinstance(func, (ast.Name, ast.Attribute))}


def _values(failing: Failing) -> set[str]:
    """Prints of the operands' values that are telling: not the ones that are everywhere."""
    from agentlog.hooks.calls import _known

    return {text for _, value in failing.data() if (text := _print(_known(value)))}


def _print(known: Known) -> str:
    """A text that equal values share; "" for values that say nothing by being equal."""
    if isinstance(known, Value):
        text = repr(sorted(plain(known).items(), key=str))
        return text if known.value is None or len(str(known.value)) >= 4 else ""
    return (
        repr(known)
        if known is not None and len(repr(known).strip("-0.")) >= 3 and known is not True and known is not False
        else ""
    )
