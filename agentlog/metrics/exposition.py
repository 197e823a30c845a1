"""Metrics as Prometheus reads them: counters, gauges and histograms with labels, in the text format 0.0.4."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_SERIES = 200
"""Label values of one metric; what comes after is counted as "other": nothing a program says may flood the server."""
OTHER = "other"
Labels = tuple[str, ...]


@dataclass(slots=True)
class Metric:
    """One metric: label values -> number; of a histogram: label values -> [count of each bucket..., sum]."""

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    series: dict[Labels, Any] = field(default_factory=dict)

    def add(self, *labels: object, by: float = 1) -> None:
        """Count `by` more."""
        key = self._key(labels)
        self.series[key] = self.series.get(key, 0) + by

    def set(self, *labels: object, to: float) -> None:
        """The number is `to` now."""
        self.series[self._key(labels)] = to

    def observe(self, value: float, *labels: object) -> None:
        """One more value of a histogram."""
        key = self._key(labels)
        row = self.series.setdefault(key, [0] * (len(self.buckets) + 1) + [0.0])
        row[bisect_left(self.buckets, value)] += 1
        row[-1] += value

    def lines(self) -> Iterable[str]:
        """The metric as text."""
        yield f"# HELP {self.name} {_help(self.help)}"
        yield f"# TYPE {self.name} {self.kind}"
        for key, value in sorted(self.series.items()):
            if self.kind == "histogram":
                yield from self._histogram(key, value)
            else:
                yield f"{self.name}{_labels(self.labels, key)} {_number(value)}"

    def as_json(self) -> list[list[Any]]:
        """The series, to be kept; `restore` reads it."""
        return [[list(key), value] for key, value in self.series.items()]

    def restore(self, kept: object) -> None:
        """Go on from what `as_json` gave; anything else is ignored."""
        width = len(self.buckets) + 2 if self.kind == "histogram" else None
        for pair in kept if isinstance(kept, list) else ():
            key, value = pair
            if len(key) == len(self.labels) and (width is None or len(value) == width):
                self.series[tuple(map(str, key))] = value

    def _key(self, labels: Sequence[object]) -> Labels:
        key = tuple("" if label is None else str(label)[:200] for label in labels)
        if key in self.series or len(self.series) < MOST_SERIES:
            return key
        return (OTHER,) * len(key)

    def _histogram(self, key: Labels, row: list[float]) -> Iterable[str]:
        names, total = (*self.labels, "le"), 0.0
        for bound, count in zip((*self.buckets, float("inf")), row, strict=False):
            total += count
            yield f"{self.name}_bucket{_labels(names, (*key, _number(bound)))} {_number(total)}"
        yield f"{self.name}_sum{_labels(self.labels, key)} {_number(row[-1])}"
        yield f"{self.name}_count{_labels(self.labels, key)} {_number(total)}"


def expose(metrics: Iterable[Metric]) -> str:
    """All metrics as one text. Those without a series only say that they exist."""
    return "\n".join(line for metric in metrics for line in metric.lines()) + "\n"


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    told: Mapping[str, str] = dict(zip(names, values, strict=True))
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in told.items()) + "}" if told else ""


def _escaped(value: str) -> str:
    text = value.encode("utf-8", "replace").decode()
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
