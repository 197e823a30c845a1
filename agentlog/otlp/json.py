"""The JSON form of OTLP: attributes, moments, ids.

Ids are hexadecimal, whole numbers of 64 bits are decimal strings, enumerations are numbers, keys are in lowerCamelCase.
All ids come from ours by a hash, so that sending the same twice makes nothing twice where the other side looks at ids.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from agentlog.ids import parse_timestamp

Json = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True, slots=True)
class Parent:
    """A trace that was going on already, and the span in it that things hang under."""

    trace: str
    span: str


def traceparent(text: str | None) -> Parent | None:
    """The W3C trace context in `text`; None where it is not a valid one."""
    found = _TRACEPARENT.fullmatch((text or "").strip().lower())
    if found is None or found[1] == "ff" or (found[1] == "00" and found[4]):
        return None
    return Parent(found[2], found[3]) if found[2].strip("0") and found[3].strip("0") else None


def trace_id(session: str) -> str:
    """The trace that begins with our session `session`."""
    return hashlib.sha256(f"agentlog trace {session}".encode()).hexdigest()[:32]


def span_id(identifier: str) -> str:
    """The span of the session, execution or span whose id of ours is `identifier`."""
    return hashlib.sha256(f"agentlog span {identifier}".encode()).hexdigest()[:16]


def attributes(values: Mapping[str, object]) -> list[Json]:
    """Attributes in order; those that are None are left out."""
    return [{"key": key, "value": any_value(value)} for key, value in values.items() if value is not None]


def any_value(value: object) -> Json:
    """AnyValue of a text, number, truth value, list or mapping; of anything else its text."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if -(2**63) <= value < 2**63 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value} if value - value == 0 else {"stringValue": str(value)}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": [{"key": str(key), "value": any_value(item)} for key, item in value.items()]}}
    return {"stringValue": clean(str(value))}


def clean(text: str) -> str:
    """`text` as UTF-8 can carry it."""
    return text.encode("utf-8", "replace").decode()


def nanoseconds(time: str | None, *, less_ms: float = 0.0) -> str:
    """The moment `time` (as `ids.timestamp` writes it), or so many milliseconds before it; "0" for None."""
    if not time:
        return "0"
    moment = parse_timestamp(time) - timedelta(milliseconds=less_ms)
    return str((moment - _EPOCH) // timedelta(microseconds=1) * 1000)
