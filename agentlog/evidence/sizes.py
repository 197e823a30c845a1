"""Sizes that do not fit: both sides by name, with shapes, and where they come apart."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN, subscript
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import described
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector

PATTERN = (
    r"shape|broadcast|length|dimension|\bsize|mismatch|align|concatenat|inconsistent numbers|must match|same number|inhomogeneous|reshape|"
    r"2D array|1d array|element with a sequence|n_samples|\bndim|columns passed|Columns must be|number of (?:rows|samples|features|levels|columns|elements)"
    r"|incompatible|ambiguous"
)


@collector(
    "ValueError",
    "AssertionError",
    "RuntimeError",
    "InvalidArgumentError",
    "LinAlgError",
    "TypeError",
    "InvalidIndexError",
    pattern=PATTERN,
)
def sizes(failing: Failing) -> Evidence | None:
    """The size of everything sized that the failing line works on, then of what reached the library."""
    facts: list[Fact] = []
    seen: dict[int, str] = {}
    for text, value in failing.data():
        if _sized(value) and id(value) not in seen:
            seen[id(value)] = text
            facts.append(described(value, text, detail=_entries(value)))
    facts += _literals(failing)
    facts += [
        Fact(f"argument {name}: {probe.say(value)}", about=failing.called(name))
        for name, value in _arguments(failing)
        if _sized(value) and id(value) not in seen and not _told(failing.called(name), seen)
    ]
    facts += [fact for _, value in [*failing.data(), *_arguments(failing)] for fact in _ragged(value, seen.get(id(value)))][:3]
    facts += _assigned(failing)
    return Evidence("sizes", tuple(facts[:14])) if facts else None


def _told(text: str | None, seen: dict[int, str]) -> bool:
    """Is the argument one of the operands, or written out on the line?"""
    return text is not None and (text in seen.values() or text[:1] in "[{(")


def _sized(value: object) -> bool:
    if probe.is_tensor(value):
        return False  # tensors have a collector of their own
    if probe.shape_of(value) is not None:
        return probe.shape_of(value) != ()
    return probe.length_of(value) is not None and not peek.exactly(value, str, bytes)


def _arguments(failing: Failing) -> list[tuple[str, object]]:
    """What the user handed over, starred arguments opened."""
    out: list[tuple[str, object]] = []
    for name, value in failing.handed():
        if type(value) is tuple and len(value) < 8 and not all(type(part) is int for part in value):
            out += [(f"{name}[{i}]", part) for i, part in enumerate(value)]
        elif name != "self" and not (peek.exactly(value, dict, tuple) and not value) and not _numbers(value):
            out.append((name, value))
    return out


def _numbers(value: object) -> bool:
    """A shape, a place, a pair of limits: not data."""
    return type(value) is tuple and len(value) < 8 and all(peek.exactly(part, int, float) for part in value)


def _entries(value: Any) -> tuple[str, ...]:
    """Of a dict of columns or a short list of arrays: the size of each."""
    if type(value) is dict and value:
        return tuple(f"[{probe.show(key)}] {probe.say(part)}" for key, part in list(value.items())[:12])
    if peek.exactly(value, list, tuple) and 0 < len(value) <= 12 and any(_sized(part) for part in value):
        return tuple(f"[{i}] {probe.say(part)}" for i, part in enumerate(value))
    return ()


def _ragged(value: Any, about: str | None) -> list[Fact]:
    """Lists in a list, or columns in a dict, whose lengths differ."""
    parts = (
        list(value.items())[:2000]
        if type(value) is dict
        else list(enumerate(value[:20_000]))
        if peek.exactly(value, list, tuple)
        else []
    )
    lengths = [(key, probe.length_of(part)) for key, part in parts if type(part) is not str]
    counted = Counter(length for _, length in lengths if length is not None)
    if len(counted) < 2:
        return []
    usual = counted.most_common(1)[0][0]
    odd = [f"[{probe.show(key)}] has {length}" for key, length in lengths if length != usual and length is not None]
    return [Fact(f"{counted[usual]} parts have length {usual}, {len(odd)} do not: {', '.join(odd[:6])}", about=about)]


def _literals(failing: Failing) -> list[Fact]:
    """Lists written out on the line: how many elements they have."""
    facts = []
    for node in failing.nodes(ast.List, ast.Dict):
        if isinstance(node, ast.List) and len(node.elts) > 1 and not all(isinstance(part, ast.Name) for part in node.elts):
            facts.append(Fact(f"list of {len(node.elts)} written here", about=ast.unparse(node)[:60], kind="describes"))
        elif isinstance(node, ast.Dict):
            facts += _entry_sizes(failing, node)
    return facts[:6]


def _entry_sizes(failing: Failing, node: ast.Dict) -> list[Fact]:
    pairs = [
        (ast.unparse(key), failing.resolve(value)) for key, value in zip(node.keys, node.values, strict=False) if key is not None
    ]
    return [Fact(f"{key}: {probe.say(value)}", about=None) for key, value in pairs if value is not UNKNOWN and _sized(value)]


def _assigned(failing: Failing) -> list[Fact]:
    """Where the statement assigns into something: what that holds now."""
    facts = []
    for node in failing.nodes(ast.Assign, ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]
        for target in targets:
            if isinstance(target, (ast.Subscript, ast.Attribute)):
                owner = failing.resolve(target.value)
                if owner is not UNKNOWN and _sized(owner):
                    facts.append(
                        Fact(
                            f"assigned into: {probe.say(owner)}{_columns(failing, target, owner)}",
                            about=ast.unparse(target.value),
                        )
                    )
    return facts


def _columns(failing: Failing, target: ast.expr, owner: object) -> str:
    if not isinstance(target, ast.Subscript) or not probe.is_frame(owner):
        return ""
    key = failing.resolve(target.slice)
    if type(key) is list:
        return f", {len(key)} columns named"
    current = subscript(owner, key) if key is not UNKNOWN else UNKNOWN
    return "" if current is UNKNOWN else f", the column is {probe.say(current)}"
