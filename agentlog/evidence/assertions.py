"""An assertion that did not hold: both sides."""

from __future__ import annotations

import ast
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import described
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector


@collector("AssertionError")
def assertion(failing: Failing) -> list[Fact]:
    """The condition, and each side of its comparison as far as it can be had without running it again."""
    test = next((node.test for node in failing.nodes(ast.Assert) if isinstance(node, ast.Assert)), None)
    if test is None:
        return [described(value, text) for text, value in failing.data()[:6]]
    facts = [Fact(f"asserted: {ast.unparse(test)[:200]}")]
    sides = (
        [test.left, *test.comparators]
        if isinstance(test, ast.Compare)
        else test.values
        if isinstance(test, ast.BoolOp)
        else [test]
    )
    for side in sides:
        value = failing.resolve(side)
        if value is not UNKNOWN and not isinstance(side, ast.Constant):
            facts.append(Fact(f"is {_full(value)}", about=ast.unparse(side)[:100]))
    return facts + _difference([failing.resolve(side) for side in sides])


def _full(value: Any) -> str:
    if peek.exactly(value, list, tuple, set, dict) and len(value) <= 20:
        pairs = (
            [f"{probe.show(k)}: {probe.show(v)}" for k, v in value.items()]
            if type(value) is dict
            else [probe.show(part) for part in value]
        )
        return f"{probe.say(value)}: {', '.join(pairs)[:300]}"
    return probe.say(value)


def _difference(values: list[object]) -> list[Fact]:
    """Where two lists or texts first differ."""
    if len(values) != 2 or type(values[0]) is not type(values[1]) or not peek.exactly(values[0], list, tuple, str):
        return []
    left, right = values
    for i, (one, other) in enumerate(zip(left, right, strict=False)):  # type: ignore[call-overload]
        if peek.exactly(one, str, int, float, bool) and peek.exactly(other, str, int, float, bool) and one != other:
            return [Fact(f"first difference at position {i}: {probe.show(one)} and {probe.show(other)}")]
    return [Fact(f"lengths {len(left)} and {len(right)}")] if len(left) != len(right) else []  # type: ignore[arg-type]
