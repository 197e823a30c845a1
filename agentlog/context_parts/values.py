"""What the names hold: those of the failing code first, then those they came from, then what else is there."""

from __future__ import annotations

import re
from dataclasses import replace

from agentlog.ancestry import ancestors
from agentlog.blame import blame
from agentlog.events import Failure, Frame, Value
from agentlog.outline import Item, Section, deepening, section
from agentlog.situation import Situation
from agentlog.tabletext import columns_by_type, nulls_text
from agentlog.valuetext import brief, depths

_WORD = re.compile(r"[^\W\d]\w*")
_WORKERS = frozenset(
    {
        "Thread",
        "Process",
        "Timer",
        "Lock",
        "RLock",
        "ThreadPoolExecutor",
        "ProcessPoolExecutor",
        "Pool",
        "Span",
        "module",
        "Logger",
        "TaskGroup",
        "Condition",
        "Semaphore",
        "Barrier",
    }
)
"""Types whose insides tell nothing about data."""
_NO_DATA = frozenset({"SystemExit", "SyntaxError", "IndentationError", "TabError", "UsageError"})
"""Failures that no data of the session led to: only what their own line names is told."""
_UNRELATED = 0.2
"""What a name that nothing points to is worth. A table is worth more: it may be what a name that is missing should have been made of."""
_CODE = frozenset(
    {"module", "function", "builtin_function_or_method", "type", "ABCMeta", "method", "EnumMeta", "EnumType", "KerasLazyLoader"}
)


def sections(case: Situation) -> list[Section]:
    """The section `values`, best first; each name once, the innermost frame's before the outer ones'."""
    failure = case.root
    found: dict[str, tuple[float, Value]] = {}
    relevance = _Relevance(case, failure) if failure is not None else None
    if failure is not None and relevance is not None:
        _of_operands(failure, found)
        for depth, frame in enumerate(reversed(case.way)):
            _of_frame(relevance, frame, depth, found)
    if failure is not None and relevance is not None and failure.type in _NO_DATA:
        found = {name: kept for name, kept in found.items() if name in relevance.line | relevance.evidence}
    else:
        _of_namespace(case, relevance, found)
    words = said_words(case)
    ranked = sorted(found.items(), key=lambda pair: -pair[1][0])
    first, same = _first_of_kind(ranked), _same_objects(case, list(dict(ranked)))
    items = [
        _second(case, name, worth, value, same[name]) if name in same else _item(case, name, worth, value, words, first.get(name))
        for name, (worth, value) in ranked
    ]
    return [section("values", items)]


def _same_objects(case: Situation, ranked: list[str]) -> dict[str, str]:
    """Name -> the more relevant name of the very same object, which is told in full."""
    others: dict[str, str] = {}
    inner: set[str] = set()
    for frame in reversed(case.way):
        others |= {name: other for name, other in frame.same.items() if name not in inner}
        inner |= set(frame.locals)
    first: dict[str, str] = {}
    firsts = {name: first.setdefault(others.get(name, name), name) for name in ranked}
    return {name: told for name, told in firsts.items() if told != name}


def _first_of_kind(ranked: list[tuple[str, tuple[float, Value]]]) -> dict[str, str]:
    """Name of a frame -> the more relevant frame that has the same columns: they are told once."""
    found: dict[tuple[tuple[str, str], ...], str] = {}
    columns = {name: tuple((column.name, column.dtype) for column in value.columns) for name, (_, value) in ranked}
    firsts = {name: found.setdefault(key, name) for name, key in columns.items() if len(key) > 3}
    return {name: first for name, first in firsts.items() if first != name}


class _Relevance:
    """How much a name matters: what the evidence is about, the line, what those were made from, the cell, the rest."""

    def __init__(self, case: Situation, failure: Failure) -> None:
        inner = case.innermost
        self.case = case
        self.evidence = {name for e in failure.evidence for name in (*e.names, *(fact.about for fact in e.facts if fact.about))}
        self.line = set(
            _WORD.findall(f"{inner.source or ''} {failure.expression.text if failure.expression else ''}" if inner else "")
        )
        self.cell = set(_WORD.findall(case.execution.source)) if case.execution else set()
        found = blame(case)
        self.blamed = set(_WORD.findall(found.reason)) if found is not None and not found.here else set()
        self.near = _near(failure, case)
        self.ancestors = set(ancestors(case, [name for name in case.values if name in self.line]))

    def of(self, name: str, value: Value) -> float:
        if value.type in _CODE:
            return 0.4 if name in self.line or name in self.evidence else _UNRELATED
        known = (
            (self.near, 3.0),
            (self.evidence, 3.0),
            (self.blamed, 2.8),
            (self.line, 2.5),
            (self.ancestors, 2.0),
            (self.cell, 1.5),
        )
        worth = next((worth for names, worth in known if name in names), 0.0)
        return (worth or _unrelated(value)) * (1.3 if value.columns else 1.0)


def _near(failure: Failure, case: Situation) -> set[str]:
    """Of a name that is not bound: the names it is called after (`X_train` of `X_train_scaled`) or that are called after it, and what
    would make it by its type (a `StandardScaler`)."""
    found = re.search(r"name '(\w+)' is not defined", failure.message)
    missing = found[1].split("_") if found else []
    parts = {name: name.split("_") for name in case.values} if len(missing) > 1 else {}
    stems = [part[:4].lower() for part in missing if len(part) > 2]
    types = {name: case.values[name].value.type.lower() for name in parts if case.values[name].value is not None}  # type: ignore[union-attr]
    makers = {name for name, kind in types.items() if any(stem in kind for stem in stems)}
    return makers | {name for name, own in parts.items() if own == missing[: len(own)] or missing == own[: len(missing)]}


def _unrelated(value: Value) -> float:
    return 4 * _UNRELATED if value.columns else 2 * _UNRELATED if value.shape is not None else _UNRELATED


def said_words(case: Situation) -> frozenset[str]:
    """Words of the failing cell, of the message and of what the evidence is about."""
    failure = case.root
    source = case.execution.source if case.execution else ""
    about = " ".join(fact.about for one in failure.evidence for fact in one.facts if fact.about) if failure else ""
    said = f"{failure.message} {failure.cause.message if failure.cause else ''}" if failure else ""
    return frozenset(_WORD.findall(f"{source} {said} {about}"))


def _of_operands(failure: Failure, found: dict[str, tuple[float, Value]]) -> None:
    operands = failure.expression.operands if failure.expression else ()
    for rank, operand in enumerate(one for one in operands if one.text.isidentifier()):
        found[operand.text] = ((7.0 if operand.value.columns else 4.0) / (1 + 0.05 * rank), operand.value)


def _of_frame(relevance: _Relevance, frame: Frame, depth: int, found: dict[str, tuple[float, Value]]) -> None:
    """Locals in the order the recorder ranked them, weighed by relevance, less the further out the frame is."""
    module_level = frame.function.startswith("<")
    for rank, (name, local) in enumerate(frame.locals.items()):
        value = relevance.case.seen(name, local) if module_level else local
        worth = relevance.of(name, value) / (1 + 0.05 * rank) / (1 + 0.5 * depth)
        if name not in found:
            found[name] = (worth, value)
        elif depth == 0:
            found[name] = (max(worth, found[name][0]), _richer(found[name][1], value))


def _richer(one: Value, other: Value) -> Value:
    """Of two descriptions of one object the one that tells more."""

    def told(value: Value) -> int:
        return len(value.columns) + len(value.head) + len(value.items) + len(value.entries) + len(value.attributes)

    return other if told(other) > told(one) else one


def _of_namespace(case: Situation, relevance: _Relevance | None, found: dict[str, tuple[float, Value]]) -> None:
    """Names that earlier cells left and no frame described."""
    for name, version in case.values.items():
        value = version.value
        if name not in found and value is not None and value.type not in _CODE:
            found[name] = ((relevance.of(name, value) if relevance else _unrelated(value)) * 0.6, value)


def _second(case: Situation, name: str, worth: float, value: Value, told: str) -> Item:
    """A name of an object that another name tells in full: what it is, and who made it so."""
    text = f"{told} (same object), {brief(value)}"
    made = case.made_by(name) if worth > 0.6 else ""
    return deepening(worth, [(text, 0.8), *([(_with_origin(text, made), 0.85)] if made else [])], name=name)


def _settled(case: Situation, value: Value) -> Value:
    """Without `fitted`, where it failed in the `fit` of such an object: what it holds by then says nothing."""
    frames = case.root.frames if case.root is not None and "fitted" in value.facts else ()
    fits = (frame for frame in frames if re.search(r"\.(?:partial_)?fit(?:_|$)", frame.function) and frame.arguments)
    if any((owner := frame.arguments.get("self")) is not None and owner.type == value.type for frame in fits):
        return replace(value, facts={key: fact for key, fact in value.facts.items() if key != "fitted"})
    return value


def _item(case: Situation, name: str, worth: float, value: Value, words: frozenset[str], like: str | None) -> Item:
    """The value's own depths; who made it stands from the second depth on, of a small value in a variant of its own."""
    value = _settled(case, value)
    found = list(depths(value, words))
    if value.type in _WORKERS:
        found = found[:1]
    if like is not None:
        same = f"{found[0][0]}, columns as {like}"
        named = [column for column in value.columns if column.name in words][:4]
        known = f" ({columns_by_type(named, words, 4)})" if named else ""
        found = [found[0], (same + nulls_text(value.columns), 0.8), (same + known + nulls_text(value.columns), 0.83)]
    made = case.made_by(name) if worth > 0.6 else ""
    if made:
        text, share = found[0]
        found = [found[0], *((_with_origin(deeper, made), s) for deeper, s in found[1:] or [(text, share + 0.1)])]
    return deepening(worth, found, name=name)


def _with_origin(text: str, made: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([f"{first} ({made})", *rest])
