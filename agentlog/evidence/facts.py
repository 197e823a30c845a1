"""The forms of fact that many collectors state, each with what it is worth (`Fact.kind`)."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing


def described(value: object, about: str | None, detail: tuple[str, ...] = ()) -> Fact:
    """What a value is, and no more."""
    return Fact(probe.say(value), about=about, detail=detail, kind="describes")


def tabled(table: Any, about: str | None, side: str = "") -> Fact:
    """What columns a table has, and no more."""
    said = f"{side}{probe.say(table)}; columns: {probe.some(probe.columns_of(table), 60)}"
    return Fact(said, about=about, kind="describes")


def subject(failing: Failing, node: ast.expr, value: object) -> tuple[str, str]:
    """(what a fact on `node` is about, what that is in words): of `df['price']` the table, and `column 'price' (float64)`."""
    if isinstance(node, ast.Subscript) and probe.is_series(value) and probe.is_frame(failing.resolve(node.value)):
        return ast.unparse(node.value), f"column {probe.show(failing.resolve(node.slice))} ({probe.dtype_of(value)})"
    return ast.unparse(node)[:100], probe.say(value)


def absent(what: str, wanted: object, present: Iterable[object], about: str | None, *, there: str = "") -> Fact:
    """`no column 'Region'; nearest 'region' (differs in case)`; `there`: what there is instead."""
    near = probe.nearest_text(wanted, present)
    said = "; ".join(filter(None, [f"no {what} {probe.show(wanted)}", near, there]))
    return Fact(said, about=about, kind="points" if near else "answers")
