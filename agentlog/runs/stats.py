"""How runs went: success, latency, tokens and cost, by whatever they are grouped by, with the uncertainty of each figure.

A run is an execution of a cell, or a whole session (`of`). Rates carry the Wilson interval, medians the interval of the
order statistics, means their standard error: all at 95 %, without an assumption about the distribution of the figures.
Costs are those that were recorded with the model calls; calls without one are counted as unpriced, never guessed.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Literal

from agentlog.events import OutcomeTagged, SpanEnded
from agentlog.exports.selection import Selection
from agentlog.ids import parse_timestamp
from agentlog.past import Session

Z = 1.959964
"""Standard deviations of a 95 % interval."""
NONE = "(none)"
Dimension = Literal["model", "agent", "task", "notebook", "project", "config"]
DIMENSIONS: tuple[Dimension, ...] = ("model", "agent", "task", "notebook", "project", "config")
Unit = Literal["executions", "sessions"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a session is grouped by. `config`: its tag "config:NAME", else Python version and git branch;
    `model`: the one its model calls used most; `outcome`: what it was tagged with."""

    agent: str = NONE
    task: str = NONE
    notebook: str = NONE
    project: str = NONE
    config: str = NONE
    model: str = NONE
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run: when it started (timestamp), whether it went well, how long it took (None: unknown), and what it was of."""

    started: str
    ok: bool
    ms: float | None
    session: str
    subject: Subject


@dataclass(frozen=True, slots=True)
class Call:
    """One model call: tokens in (cached ones included) and out, cost in the currency it was recorded in."""

    started: str
    session: str
    model: str
    ms: float
    tokens_in: int
    tokens_out: int
    cost: float | None
    subject: Subject


@dataclass(slots=True)
class Tally:
    """Figures of a group of runs and of the model calls made in them."""

    runs: int = 0
    ok: int = 0
    within: int = 0
    """runs that went well within the objective"""
    durations: array[float] = field(default_factory=lambda: array("d"))
    calls: int = 0
    unpriced: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)
    """cost by session"""
    sessions: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    hours: Counter[int] = field(default_factory=Counter)
    """runs by hour of the day, UTC"""

    def add(self, run: Run, objective_ms: float | None = None) -> None:
        """One more run."""
        self.runs += 1
        self.ok += run.ok
        self.within += run.ok and run.ms is not None and (objective_ms is None or run.ms <= objective_ms)
        self.sessions.add(run.session)
        self.tasks.add(run.subject.task)
        if run.ms is not None:
            self.durations.append(run.ms)
        if run.started[11:13].isdigit():
            self.hours[int(run.started[11:13])] += 1

    def add_call(self, call: Call) -> None:
        """One more model call."""
        self.calls += 1
        self.tokens_in += call.tokens_in
        self.tokens_out += call.tokens_out
        self.unpriced += call.cost is None
        self.cost += call.cost or 0.0
        self.costs[call.session] = self.costs.get(call.session, 0.0) + (call.cost or 0.0)

    @property
    def rate(self) -> float | None:
        """Share of runs that went well."""
        return self.ok / self.runs if self.runs else None

    def as_json(self) -> dict[str, Any]:
        """The figures, rounded; intervals as [low, high]."""
        median, middle = quantile(self.durations, 0.5), median_interval(self.durations)
        per_session = [self.costs.get(session, 0.0) for session in self.sessions]
        return {
            "runs": self.runs, "ok": self.ok, "sessions": len(self.sessions), "success": _rounded(self.rate),
            "success_interval": _pair(wilson(self.ok, self.runs)), "p50_ms": _rounded(median, 1), "p50_interval": _pair(middle, 1),
            "p95_ms": _rounded(quantile(self.durations, 0.95), 1), "within_objective": _rounded(self.within / self.runs if self.runs else None),
            "within_interval": _pair(wilson(self.within, self.runs)), "calls": self.calls, "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out, "cost": round(self.cost, 6), "unpriced_calls": self.unpriced,
            "cost_a_session": _rounded(mean(per_session), 6), "cost_a_session_error": _rounded(standard_error(per_session), 6),
            "peak_hours_utc": [hour for hour, _ in sorted(self.hours.most_common(3))],
        }  # fmt: skip


# --- reading ----------------------------------------------------------------------------------------------------------


def subjects(selection: Selection) -> dict[str, Subject]:
    """Session id -> what it is grouped by."""
    found = {session.id: _subject(session) for session in selection.sessions()}
    models: dict[str, Counter[str]] = {}
    for record in selection.store.records(session=selection.session, kinds={SpanEnded.kind, OutcomeTagged.kind}):
        session = str(record.get("subject") or record.get("s"))
        if record.get("e") == SpanEnded.kind and record.get("what") == "llm":
            models.setdefault(session, Counter())[str(record.get("model") or record.get("name") or NONE)] += 1
        elif record.get("e") == OutcomeTagged.kind and session in found and not record.get("x"):
            config = next((str(tag)[7:] for tag in record.get("tags") or () if str(tag).startswith("config:")), None)
            found[session] = replace(
                found[session], outcome=str(record.get("outcome", "success")), config=config or found[session].config
            )
    return {
        session: replace(subject, model=models[session].most_common(1)[0][0]) if session in models else subject
        for session, subject in found.items()
    }


def runs(selection: Selection, known: dict[str, Subject], of: Unit = "executions") -> Iterator[Run]:
    """The runs of a selection that have ended, in order within each session.

    A session went well if it was tagged so; where it was not tagged, if no cell of it failed and it did not die.
    """
    if of == "sessions":
        yield from filter(None, (_session_run(session, known.get(session.id, Subject())) for session in selection.sessions()))
        return
    for session, one in selection.executions():
        if one.status not in ("running", "not_run"):
            subject = known.get(session.id, Subject())
            yield Run(one.started or "", not one.failed, one.ms if one.status != "died" else None, session.id, subject)


def calls(selection: Selection, known: dict[str, Subject]) -> Iterator[Call]:
    """The model calls of a selection."""
    for record in selection.records({SpanEnded.kind}):
        if record.get("what") == "llm":
            tokens, session = record.get("tokens") or {}, str(record.get("s"))
            cost = record.get("cost")
            yield Call(
                str(record.get("t", "")), session, str(record.get("model") or record.get("name") or NONE), float(record.get("ms") or 0),
                int(tokens.get("input") or 0), int(tokens.get("output") or 0), None if cost is None else float(cost),
                known.get(session, Subject()),
            )  # fmt: skip


def tally(
    found: Iterable[Run], made: Iterable[Call] = (), *, by: Callable[[Run | Call], str], objective_ms: float | None = None
) -> dict[str, Tally]:
    """Group -> its figures."""
    groups: dict[str, Tally] = {}
    for run in found:
        groups.setdefault(by(run), Tally()).add(run, objective_ms)
    for call in made:
        groups.setdefault(by(call), Tally()).add_call(call)
    return groups


def common_tasks(found: Iterable[Run], by: Callable[[Run | Call], str]) -> set[str]:
    """Tasks that every group has run."""
    tasks: dict[str, set[str]] = {}
    for run in found:
        tasks.setdefault(by(run), set()).add(run.subject.task)
    return set.intersection(*tasks.values()) if tasks else set()


def by_dimension(dimension: Dimension) -> Callable[[Run | Call], str]:
    """The group of a run or call: what its session says; of a call by model, its own model."""
    if dimension == "model":
        return lambda one: one.model if isinstance(one, Call) else one.subject.model
    return lambda one: str(getattr(one.subject, dimension))


def by_week(one: Run | Call) -> str:
    """The ISO week, "2026-W47"."""
    year, week, _ = _moment(one.started).isocalendar()
    return f"{year}-W{week:02}"


def by_month(one: Run | Call) -> str:
    """The month, "2026-11"."""
    return one.started[:7]


def _moment(text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError:
        return datetime.fromtimestamp(0, timezone.utc)


def _subject(session: Session) -> Subject:
    branch = session.git.get("branch")
    config = " ".join(filter(None, (f"Python {session.python}" if session.python else "", str(branch or ""))))
    return Subject(session.agent or NONE, session.task or NONE, session.notebook or NONE, _last_part(session.cwd), config or NONE)


def _last_part(path: str | None) -> str:
    return (path or "").replace("\\", "/").rstrip("/").rsplit("/", 1)[-1] or NONE


def _session_run(session: Session, subject: Subject) -> Run | None:
    if session.how == "running" or not session.started:
        return None
    ok = subject.outcome == "success" if subject.outcome else not (session.failures or session.how in ("died", "failed"))
    ms = (_moment(session.ended) - _moment(session.started)).total_seconds() * 1000 if session.ended else None
    return Run(session.started, ok, ms, session.id, subject)


# --- figures ------------------------------------------------------------------------------------------------------------


def wilson(successes: int, count: int) -> tuple[float, float] | None:
    """The Wilson score interval of a rate at 95 %; None of nothing."""
    if not count:
        return None
    rate, square = successes / count, Z * Z / count
    middle = (rate + square / 2) / (1 + square)
    half = Z * math.sqrt(rate * (1 - rate) / count + square / (4 * count)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(ok: int, count: int, other_ok: int, other_count: int) -> tuple[float, float, float] | None:
    """(difference of two rates, low, high) at 95 %, after Newcombe's hybrid of the two Wilson intervals."""
    one, other = wilson(ok, count), wilson(other_ok, other_count)
    if one is None or other is None:
        return None
    rate, other_rate = ok / count, other_ok / other_count
    low = math.hypot(rate - one[0], other[1] - other_rate)
    high = math.hypot(one[1] - rate, other_rate - other[0])
    return rate - other_rate, rate - other_rate - low, rate - other_rate + high


def quantile(values: Iterable[float], share: float) -> float | None:
    """The quantile, between the two nearest values; None of nothing."""
    found = sorted(values)
    if not found:
        return None
    place = share * (len(found) - 1)
    below = int(place)
    above = min(below + 1, len(found) - 1)
    return found[below] + (found[above] - found[below]) * (place - below)


def median_interval(values: Iterable[float]) -> tuple[float, float] | None:
    """The interval of the median at 95 %, by order statistics; None of fewer than six values, which cannot give one."""
    found = sorted(values)
    if len(found) < 6:
        return None
    half = Z * math.sqrt(len(found)) / 2
    low, high = math.floor(len(found) / 2 - half), math.ceil(len(found) / 2 + half)
    return found[max(low, 0)], found[min(high, len(found) - 1)]


def mean(values: list[float]) -> float | None:
    """The mean; None of nothing."""
    return sum(values) / len(values) if values else None


def standard_error(values: list[float]) -> float | None:
    """The standard error of the mean; None of fewer than two values."""
    if len(values) < 2:
        return None
    middle = sum(values) / len(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1) / len(values))


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def _pair(pair: tuple[float, float] | None, digits: int = 4) -> list[float] | None:
    return None if pair is None else [round(pair[0], digits), round(pair[1], digits)]
