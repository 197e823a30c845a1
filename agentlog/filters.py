"""Which executions and events are meant: by status, time, cell, text, agent, tag."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from agentlog.errors import UsageError
from agentlog.events import FAILED

UNITS = {
    "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400,
    "w": 604800, "week": 604800, "month": 30 * 86400, "year": 365 * 86400,
}  # fmt: skip
STATUSES = ("running", "ok", "error", "error_shown", "interrupted", "timed_out", "not_run", "died")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+?)s?(?:\s+ago)?\Z")
_FORMS = ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list; what is None does not matter.

    status   one of events.Status, or "failed" for all that went wrong
    since    moments as the text of `ids.timestamp` (see `moment`); since is included, until is not
    cell     a cell id (or the start of one), or In[n] as "14"
    text     in source, outputs or messages; upper and lower case are the same
    agent    of the session
    tag      of the execution or of its session; an outcome ("failure") is a tag too
    limit    the latest so many
    """

    status: str | None = None
    since: str | None = None
    until: str | None = None
    cell: str | None = None
    text: str | None = None
    agent: str | None = None
    tag: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in (*STATUSES, "failed"):
            raise UsageError(f"unknown status {self.status!r}; one of failed, {', '.join(STATUSES)}")


def moment(text: str, now: datetime | None = None) -> str:
    """`text` ("2 days", "90 min", "today", "yesterday", ISO 8601; local time where it names no zone) as a timestamp in UTC."""
    now = now or datetime.now(timezone.utc)
    words = text.strip().lower()
    day = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": day, "yesterday": day - timedelta(days=1)}
    found = named.get(words) or _before(words, now) or _parse(text.strip())
    if found is None:
        raise UsageError(f"cannot read the time {text!r}; write it like '2 days', '90 min', 'yesterday' or 2026-11-21T14:30")
    return found.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _before(words: str, now: datetime) -> datetime | None:
    match = _SPAN.match(words)
    if match is None or match[2] not in UNITS:
        return None
    try:
        return now - timedelta(seconds=float(match[1]) * UNITS[match[2]])
    except OverflowError:
        return None


def _parse(text: str) -> datetime | None:
    plain = text.replace(" ", "T", 1)
    zone = timezone.utc if plain.endswith(("Z", "z")) else None
    match = re.search(r"([+-])(\d\d):?(\d\d)\Z", plain[10:])
    if match:
        sign = -1 if match[1] == "-" else 1
        zone = timezone(sign * timedelta(hours=int(match[2]), minutes=int(match[3])))
        plain = plain[: len(plain) - len(match[0])]
    for form in _FORMS:
        try:
            found = datetime.strptime(plain.rstrip("Zz"), form)
        except ValueError:
            continue
        return found.replace(tzinfo=zone) if zone else found.astimezone()
    return None


@dataclass(slots=True)
class Where:
    """Conditions of an SQL WHERE, with their parameters."""

    terms: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, term: str, *values: Any) -> None:
        """One more condition."""
        self.terms.append(term)
        self.values.extend(values)

    def __str__(self) -> str:
        return " AND ".join(self.terms) or "1 = 1"


def add_execution_terms(where: Where, wanted: Filter) -> None:
    """The conditions of `wanted` on `executions e JOIN sessions s`, but for text and for what only the reader can tell
    ("died" of a running one)."""
    if wanted.status in ("failed", "died"):
        possible = sorted({*FAILED, "running"}) if wanted.status == "failed" else ["died", "running"]
        where.add(f"e.status IN ({', '.join('?' * len(possible))})", *possible)
    elif wanted.status is not None:
        where.add("e.status = ?", wanted.status)
    if wanted.since is not None:
        where.add("e.started >= ?", wanted.since)
    if wanted.until is not None:
        where.add("e.started < ?", wanted.until)
    if wanted.cell is not None:
        number = re.fullmatch(r"(?:In)?\[?(\d+)\]?", wanted.cell)
        where.add("(e.cell_id LIKE ? ESCAPE '\\' OR e.count = ?)", like(wanted.cell) + "%", int(number[1]) if number else -1)
    if wanted.agent is not None:
        where.add("s.agent = ?", wanted.agent)
    if wanted.tag is not None:
        where.add(
            "EXISTS (SELECT 1 FROM tags t WHERE t.tag = ? AND t.session = e.session AND t.execution IN (0, e.number))", wanted.tag
        )


def like(text: str) -> str:
    """`text` as a LIKE pattern that means itself (ESCAPE a backslash)."""
    return re.sub(r"([\\%_])", r"\\\1", text)
