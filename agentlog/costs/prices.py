"""What a model call cost, each by itself: from the user's own table, else from a maintained price package, never guessed.

AGENTLOG_PRICES names a JSON file; prices are per million tokens, names may be patterns, the longest match counts:

    {"currency": "USD",
     "models": {"my-model-*": {"input": 2.0, "output": 8.0, "cache_read": 0.5, "cache_write": 2.5,
                               "above": {"200000": {"input": 4.0, "output": 12.0, "cache_read": 1.0, "cache_write": 5.0}}}}}

`above`: prices of a whole call whose input (cached tokens included) has more tokens than that. Where the file does not
know a model, genai-prices is asked if it is installed (`pip install 'agentlog[cost]'`); it knows USD only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from agentlog.errors import UsageError
from agentlog.ids import parse_timestamp

VARIABLE = "AGENTLOG_PRICES"
MILLION = 1_000_000
_NAMES = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True, slots=True)
class Priced:
    """`cost` in `currency`, and who said so: "recorded", "file" or "genai-prices"; None where nobody knows, and why."""

    cost: float | None
    currency: str = "USD"
    source: str | None = None
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Prices per million tokens, and those of longer calls: (least input tokens exceeded, prices), longest first."""

    prices: Mapping[str, float]
    above: tuple[tuple[int, Mapping[str, float]], ...] = ()

    def of(self, tokens: Mapping[str, int]) -> tuple[float | None, str | None]:
        """(cost, None) of a call, or (None, the kind of tokens that has no price)."""
        counts = split(tokens)
        long = tokens.get("input", 0)
        prices = next((prices for least, prices in self.above if long > least), self.prices)
        missing = next((kind for kind, count in counts.items() if count and kind not in prices), None)
        if missing is not None:
            return None, missing
        return sum(count * prices.get(kind, 0.0) for kind, count in counts.items()) / MILLION, None


@dataclass(frozen=True, slots=True)
class Prices:
    """The user's table: name or pattern -> rate."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    currency: str = "USD"

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Prices:
        """The table in the file `path`. Raises UsageError in one line."""
        try:
            data = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
            rates = {str(name): _rate(row) for name, row in data["models"].items()}
            return cls(rates, str(data.get("currency", "USD")))
        except OSError as error:
            raise UsageError(f"cannot read the prices in {path}: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} is no price table ({error}); see docs/cost.md") from None

    def price(self, model: str | None, provider: str | None, tokens: Mapping[str, int], time: str | None = None) -> Priced:
        """What a call of `model` with these tokens (`SpanEnded.tokens`) cost; `time`: when (`ids.timestamp`)."""
        if not model:
            return Priced(None, self.currency, unknown="the call names no model")
        rate = self._rate(model, provider)
        if rate is None:
            return _from_package(model, provider, tokens, time)
        cost, missing = rate.of(tokens)
        if missing is not None:
            return Priced(None, self.currency, unknown=f"the price table has no {missing} price for {model}")
        return Priced(cost, self.currency, "file")

    def _rate(self, model: str, provider: str | None) -> Rate | None:
        names = [model, f"{provider}/{model}"] if provider else [model]
        for name in names:
            if name in self.rates:
                return self.rates[name]
        matching = [pattern for pattern in self.rates for name in names if fnmatchcase(name, pattern)]
        return self.rates[max(matching, key=len)] if matching else None


def split(tokens: Mapping[str, int]) -> dict[str, int]:
    """Tokens by what they are billed as: input without what the cache took. (Input smaller than that is without it already.)"""
    read, write, given = tokens.get("cache_read", 0), tokens.get("cache_write", 0), tokens.get("input", 0)
    plain = given - read - write if given >= read + write else given
    return {"input": plain, "output": tokens.get("output", 0), "cache_read": read, "cache_write": write}


def prices() -> Prices:
    """The table that the environment names; an empty one where it names none. Raises UsageError."""
    path = os.environ.get(VARIABLE)
    if not path:
        return Prices()
    try:
        changed = Path(path).expanduser().stat().st_mtime_ns
    except OSError as error:
        raise UsageError(f"cannot read the prices in {path} ({VARIABLE}): {error.strerror or error}") from None
    return _loaded(path, changed)


@lru_cache(maxsize=4)
def _loaded(path: str, changed: int) -> Prices:
    return Prices.load(path)


def _rate(row: Mapping[str, Any]) -> Rate:
    above = [(int(least), _numbers(prices)) for least, prices in (row.get("above") or {}).items()]
    return Rate(_numbers(row), tuple(sorted(above, key=lambda pair: -pair[0])))


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    found = {name: float(row[name]) for name in _NAMES if name in row}
    if not found or any(price < 0 for price in found.values()):
        raise ValueError(f"a model needs one of the prices {', '.join(_NAMES)}, none below 0")
    return found


def _from_package(model: str, provider: str | None, tokens: Mapping[str, int], time: str | None) -> Priced:
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return Priced(None, unknown=f"no price for {model}: name a table in {VARIABLE}, or pip install 'agentlog[cost]'")
    counts = split(tokens)
    usage = Usage(
        input_tokens=counts["input"] + counts["cache_read"] + counts["cache_write"],
        output_tokens=counts["output"],
        cache_read_tokens=counts["cache_read"] or None,
        cache_write_tokens=counts["cache_write"] or None,
    )
    moment = parse_timestamp(time) if time else None
    for asked in dict.fromkeys((provider, None)):
        try:
            found = calc_price(usage, model, provider_id=asked, genai_request_timestamp=moment)
            return Priced(float(found.total_price), "USD", "genai-prices")
        except (LookupError, ValueError):
            continue
    return Priced(None, unknown=f"no price for {model}: neither {VARIABLE} nor genai-prices knows it")
