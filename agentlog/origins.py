"""Where a value came from: the earlier moments at which an equal one was seen, from the first to the failure.

What is followed are the values of the failing expression, then those of the failing line. Two values are equal when
their descriptions are, also deep inside what a tool returned or an agent handed over. Values that are everywhere
(None, True, small numbers, short text) count only under the same name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentlog.events import DecisionMade, ErrorRaised, Event, Failure, Logged, MessageSaid, SpanEnded, Value, plain

Token = tuple[str, str]
"""(kind of value, its canonical text)."""

_WORD = re.compile(r"[^\W\d]\w*")
_CODE = frozenset({"module", "function", "type", "builtin_function_or_method", "method"})
MOST_CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class Sighting:
    """An equal value in an event. `how`: "returned" | "given to" | "handed over" | "said" | "noted" | "decided"; `path`: where inside."""

    event: Event
    how: str
    path: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The failing value `name`, and where it was seen before, in order; the first is where it entered."""

    name: str
    value: Value
    sightings: tuple[Sighting, ...]


def origins(error: ErrorRaised, events: Sequence[Event], most: int = 3) -> list[Origin]:
    """The failing values of `error` that were seen before, the most telling first."""
    failure = _root(error.failure)
    before = [event for event in events if event.id < error.id and event is not error]
    found: list[Origin] = []
    for name, value in _candidates(failure):
        seen = tuple(_sightings(name, value, before))
        if seen and not any(one.sightings == seen for one in found):
            found.append(Origin(name, value, seen))
        if len(found) >= most:
            break
    return found


def _root(failure: Failure) -> Failure:
    while failure.cause is not None and any(frame.kind in ("cell", "user") for frame in failure.cause.frames):
        failure = failure.cause
    return failure


def _candidates(failure: Failure) -> list[tuple[str, Value]]:
    """(text, value) of the failing expression's parts, then of the failing line and the evidence; those the message names first."""
    found: dict[str, Value] = {}
    for operand in failure.expression.operands if failure.expression else ():
        found[operand.text] = operand.value
    last = next((frame for frame in reversed(failure.frames) if frame.kind in ("cell", "user")), None)
    if last is not None:
        words = [*_WORD.findall(last.source or ""), *(name for one in failure.evidence for name in one.names)]
        for word in words:
            if word in last.locals:
                found.setdefault(word, last.locals[word])
    data = [(name, value) for name, value in found.items() if value.type not in _CODE]
    return sorted(data, key=lambda pair: not _in_message(pair[1], failure.message))[:MOST_CANDIDATES]


def _in_message(value: Value, message: str) -> bool:
    """Does the exception itself speak of the value?"""
    token = _token(value)
    return token is not None and _telling(token) and _said(token, message)


def _sightings(name: str, value: Value, events: Sequence[Event]) -> Iterator[Sighting]:
    token = _token(value)
    if token is None:
        return
    telling, last = _telling(token), (_WORD.findall(name) or [""])[-1]
    for event in events:
        for how, path, other in _values(event):
            inner = next(
                (where for where, one in _parts(path, other) if one == token and (telling or _leaf(where) == last)), None
            )
            if inner is not None:
                yield Sighting(event, how, inner)
                break
        else:
            if telling and isinstance(event, MessageSaid) and _said(token, event.text):
                yield Sighting(event, "said", "")


def _values(event: Event) -> Iterator[tuple[str, str, Value]]:
    """(how, name, value) of everything an event carries: what came out before what went in."""
    if isinstance(event, SpanEnded):
        if event.result is not None:
            yield "returned", "", event.result
        yield from _named("given to", event.arguments)
        yield from _named("noted", event.data)
    elif isinstance(event, MessageSaid):
        yield from _named("handed over" if event.role == "handover" else "said", event.data)
    elif isinstance(event, (Logged, DecisionMade)):
        yield from _named("noted" if isinstance(event, Logged) else "decided", event.data)


def _named(how: str, values: Mapping[str, Value]) -> Iterator[tuple[str, str, Value]]:
    return ((how, name, value) for name, value in values.items())


def _parts(path: str, value: Value, depth: int = 6) -> Iterator[tuple[str, Token]]:
    """(path, token) of a value and everything described inside it."""
    token = _token(value)
    if token is not None:
        yield path, token
    if depth:
        inside = [*((f"{path}[{name!r}]" if path else f"[{name!r}]", one) for name, one in value.entries.items())]
        inside += [(f"{path}.{name}", one) for name, one in value.attributes.items()]
        inside += [(f"{path}[{number}]", one) for number, one in enumerate(value.items)]
        for where, one in inside:
            yield from _parts(where, one, depth - 1)


def _token(value: Value) -> Token | None:
    """What makes it equal to another: type and value of a scalar, the whole description of anything else."""
    if value.cut is not None and value.cut.startswith("not looked at"):
        return None
    if value.value is not None or value.type == "NoneType":
        return ("str" if isinstance(value.value, str) else "scalar", str(value.value))
    if value.length == 0 or (value.shape is not None and 0 in value.shape):
        return None
    data = {key: one for key, one in plain(value).items() if key not in ("f", "cut", "mod")}
    return ("whole", json.dumps(data, sort_keys=True, default=str)) if len(data) > 1 else None


def _telling(token: Token) -> bool:
    """Would two equal ones hardly be a coincidence?"""
    kind, text = token
    if kind == "whole":
        return True
    if kind == "str":
        return len(text) >= 4
    if text in ("None", "True", "False"):
        return False
    return len(text.strip("-0.")) >= 3 or ("." in text and text.strip("-0.") != "")


def _leaf(path: str) -> str:
    words = _WORD.findall(path)
    return words[-1] if words else ""


def _said(token: Token, text: str) -> bool:
    return token[0] != "whole" and re.search(rf"(?<![\w.]){re.escape(token[1])}(?![\w])", text) is not None
