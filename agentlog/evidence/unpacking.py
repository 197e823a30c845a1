"""Unpacking into the wrong number of names: what was there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any

from agentlog.evaluate import DICTS, UNKNOWN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector


@collector("ValueError", "TypeError", pattern=r"values to unpack|cannot unpack")
def unpacking(failing: Failing) -> list[Fact]:
    """How many names stand on the left, and how many values the right side has; in a loop which element is the odd one."""
    assigns = [node for node in failing.nodes(ast.Assign) if isinstance(node, ast.Assign)]
    facts = [
        _assigned(failing, node.targets[0], node.value) for node in assigns if isinstance(node.targets[0], (ast.Tuple, ast.List))
    ]
    if facts:
        return facts
    loops = [(target, iterated) for target, iterated in failing.loops() if isinstance(target, ast.Tuple)]
    return [fact for target, iterated in loops for fact in _looped(failing, target, iterated)]


def _assigned(failing: Failing, target: ast.Tuple | ast.List, right: ast.expr) -> Fact:
    text, value = ast.unparse(right)[:100], failing.resolve(right)
    names = f"{len(target.elts)} names on the left ({ast.unparse(target)})"
    if value is UNKNOWN:
        told = re.search(r"\((expected .*)\)", failing.message)
        return Fact(f"{names}; {told.group(1) if told else 'the right side is a call'}", about=text)
    return Fact(f"{names}; {probe.say(value)}: {_members(value)}", about=text)


def _members(value: Any) -> str:
    if type(value) in DICTS:
        return f"a dict unpacks into its keys: {probe.some(list(value), 8)}"
    if probe.is_frame(value):
        return f"a DataFrame unpacks into its column labels: {probe.some(probe.columns_of(value), 8)}"
    return probe.some(probe.items_of(value, 20), 8) if type(value) is not str else f"{len(value)} characters"


def _looped(failing: Failing, target: ast.Tuple, iterated: ast.expr) -> list[Fact]:
    """The element of the iterated thing whose length is not the number of names."""
    value: Any = failing.resolve(iterated)
    text, wanted = ast.unparse(iterated)[:100], len(target.elts)
    names = f"{wanted} names in `for {ast.unparse(target)}`"
    if value is UNKNOWN:
        return [Fact(names, about=text)]
    if type(value) in DICTS:
        return [Fact(f"{names}; iterating a dict gives its keys only: {probe.some(list(value), 5)}", about=text)]
    if probe.is_frame(value):
        return [
            Fact(f"{names}; iterating a DataFrame gives its column labels: {probe.some(probe.columns_of(value), 8)}", about=text)
        ]
    items = probe.items_of(value)
    lengths = [probe.length_of(item) for item in items]
    odd = [i for i, length in enumerate(lengths) if length != wanted]
    if not odd:
        return [Fact(f"{names}; {probe.say(value)}", about=text)]
    usual = Counter(lengths).most_common(1)[0][0]
    return [
        Fact(
            f"{names}; element {odd[0]} is {probe.say(items[odd[0]])}: {_members(items[odd[0]])}; most elements have {usual}",
            about=text,
        )
    ]
