"""Tokens and cost of model calls, by model, agent, session and day. Each call is priced by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agentlog.asking import asked
from agentlog.costs.prices import Priced, Prices, prices
from agentlog.events import ErrorRaised, OutcomeTagged, SpanEnded

if TYPE_CHECKING:
    from agentlog.store import Store

_KINDS = ("input", "output", "cache_read", "cache_write", "reasoning")


@dataclass(slots=True)
class Sum:
    """Model calls added up. `cost` is of the priced ones only; `unpriced` says which models have no price, and how many calls."""

    calls: int = 0
    failed: int = 0
    ms: float = 0.0
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    cost: dict[str, float] = field(default_factory=dict)
    unpriced: dict[str, int] = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)

    def add(self, call: SpanEnded, priced: Priced) -> None:
        """One more call."""
        self.calls += 1
        self.failed += not call.ok
        self.ms += call.ms
        for kind, count in call.tokens.items():
            self.tokens[kind] = self.tokens.get(kind, 0) + count
        if priced.cost is not None:
            self.cost[priced.currency] = self.cost.get(priced.currency, 0.0) + priced.cost
        else:
            name = call.model or "(no model named)"
            self.unpriced[name] = self.unpriced.get(name, 0) + 1
            self.reasons.add(priced.unknown or "no price")

    def as_json(self) -> dict[str, Any]:
        """{"calls", "failed", "ms", "prompt_tokens", "completion_tokens", "total_tokens", "cache_read", ..., "cost", "unpriced_calls"}."""
        tokens = {
            f"{kind}_tokens" if kind in ("cache_read", "cache_write", "reasoning") else kind: n for kind, n in self.tokens.items()
        }
        prompt, completion = tokens.pop("input"), tokens.pop("output")
        found: dict[str, Any] = {
            "calls": self.calls, "failed": self.failed, "ms": round(self.ms, 3), "prompt_tokens": prompt,
            "completion_tokens": completion, "total_tokens": prompt + completion, **tokens,
            "cost": {currency: round(cost, 8) for currency, cost in self.cost.items()}, "unpriced_calls": sum(self.unpriced.values()),
        }  # fmt: skip
        if self.unpriced:
            found["unpriced"] = dict(self.unpriced)
            found["unpriced_because"] = sorted(self.reasons)
        return found


def token_summary(session_id: str | None = None) -> dict[str, Any]:
    """Model calls of `session_id` (an id or the end of one; None: the whole store): {"total", "by_model", "by_agent", "by_session", "by_day"}.

    Days are UTC. Costs are by currency; calls whose price nobody knows are counted and named, not guessed.
    """
    found: dict[str, Any] | None = asked(lambda store: of_calls(store, session_id), None)
    return found if found is not None else _as_json(defaultdict(lambda: defaultdict(Sum)), Sum())


def summary(session_id: str | None = None) -> dict[str, Any]:
    """Counts: sessions, executions and how they ended, errors, tool and model calls, outcomes, with the tokens and their cost."""
    found: dict[str, Any] | None = asked(lambda store: _counts(store, session_id), None)
    return found if found is not None else {"sessions": 0, "executions": 0, "errors": 0}


def of_calls(store: Store, session: str | None = None, table: Prices | None = None) -> dict[str, Any]:
    """`token_summary` of one store. Raises NotFound, UsageError."""
    rates = table if table is not None else prices()
    one = store.session(session).id if session is not None else None
    agents = {known.id: known.agent or "(none)" for known in store.sessions()}
    groups: dict[str, dict[str, Sum]] = defaultdict(lambda: defaultdict(Sum))
    total = Sum()
    for call in calls(store, one):
        priced = price_of(call, rates)
        keys = {
            "model": call.model or "(none)",
            "agent": agents.get(call.session, "(none)"),
            "session": call.session,
            "day": call.time[:10],
        }
        for group, key in keys.items():
            groups[group][key].add(call, priced)
        total.add(call, priced)
    return _as_json(groups, total)


def calls(store: Store, session: str | None = None, after: str | None = None) -> Iterator[SpanEnded]:
    """Model calls in order."""
    for event in store.events(session=session, kinds={SpanEnded.kind}, after=after):
        if isinstance(event, SpanEnded) and event.what == "llm":
            yield event


def price_of(call: SpanEnded, table: Prices) -> Priced:
    """What was recorded with the call, else what the table or the package says."""
    if call.cost is not None:
        return Priced(call.cost, table.currency, "recorded")
    return table.price(call.model, call.provider, call.tokens, call.time or None)


# --- within ---------------------------------------------------------------------------------------------------------


def _as_json(groups: dict[str, dict[str, Sum]], total: Sum) -> dict[str, Any]:
    found: dict[str, Any] = {"total": total.as_json()}
    for group in ("model", "agent", "session", "day"):
        found[f"by_{group}"] = {key: one.as_json() for key, one in groups[group].items()}
    return found


def _counts(store: Store, session: str | None) -> dict[str, Any]:
    sessions = [store.session(session)] if session is not None else store.sessions()
    one = sessions[0].id if session is not None else None
    runs = store.executions(one)
    spans = [event for event in store.events(session=one, kinds={SpanEnded.kind}) if isinstance(event, SpanEnded)]
    outcomes = (
        event.outcome for event in store.events(session=one, kinds={OutcomeTagged.kind}) if isinstance(event, OutcomeTagged)
    )
    errors = (event.failure.type for event in store.errors(one) if isinstance(event, ErrorRaised))
    by_error = _tally(errors)
    return {
        "sessions": len(sessions), "executions": len(runs), "by_status": _tally(run.status for run in runs),
        "errors": sum(by_error.values()), "by_error": by_error, "calls": _tally(span.what for span in spans),
        "outcomes": _tally(outcomes), "tokens": of_calls(store, session)["total"],
    }  # fmt: skip


def _tally(words: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts
