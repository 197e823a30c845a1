"""How runs went, against the period before: success, latency, tokens, cost; by model, agent, task, notebook, project, config.

    agentlog stats                                  the last 7 days against the 7 before
    agentlog stats --by model --of sessions         which model does better, with the uncertainty of each figure
    agentlog stats --by config --same               only tasks that every group has run: like with like
    agentlog stats --objective '30 s'               share of runs that went well within 30 s

A run is an execution of a cell, or with `--of sessions` a session (good if tagged so; untagged: no cell failed and it did
not die). `config` is the tag "config:NAME" of a session, else its Python and git branch. Intervals are at 95 %: Wilson's for
rates, Newcombe's for their difference, order statistics for the median. A difference whose interval holds 0 is marked ~.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.exports.selection import Selection, within
from agentlog.filters import Filter, moment
from agentlog.ids import parse_timestamp
from agentlog.runs import stats
from agentlog.tables import Line, Text, duration, in_terminal, paint, table, width

JSON = True
PERIOD = "7 days"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", choices=stats.DIMENSIONS, help="compare groups")
    parser.add_argument("--of", choices=("executions", "sessions"), default="executions", help="what a run is")
    parser.add_argument("--since", metavar="WHEN", help=f"since then (default '{PERIOD}'); 'all': everything, without a trend")
    parser.add_argument("--until", type=moment, metavar="WHEN", help="before then (default: now)")
    parser.add_argument(
        "--objective", type=_milliseconds, metavar="TIME", help="count runs that went well within it: '30 s', '500 ms'"
    )
    parser.add_argument("--same", action="store_true", help="with --by: only tasks that every group has run")
    parser.add_argument("--agent", help="of this agent")
    parser.add_argument("--tag", help="tagged so")


def run(args: argparse.Namespace, desk: Desk) -> Statistics:
    """The figures."""
    until = args.until or moment("now")
    since = None if args.since == "all" else moment(args.since or PERIOD)
    selection = Selection(desk.store, None, Filter(agent=args.agent, tag=args.tag))
    whole = within(selection, since, until if since else args.until)
    known = stats.subjects(selection)
    now = _tallies(whole, known, args)
    if since is None:
        return Statistics(now, {}, args.by, args.of, None, until, args.objective)
    before = moment_before(since, until)
    return Statistics(
        now, _tallies(within(selection, before, since), known, args), args.by, args.of, since, until, args.objective
    )


def moment_before(since: str, until: str) -> str:
    """The start of the period of the same length that ended at `since`."""
    start = parse_timestamp(since) - (parse_timestamp(until) - parse_timestamp(since))
    return start.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _tallies(selection: Selection, known: dict[str, stats.Subject], args: argparse.Namespace) -> dict[str, stats.Tally]:
    def by(one: stats.Run | stats.Call) -> str:
        return stats.by_dimension(args.by)(one) if args.by else "all"

    runs = list(stats.runs(selection, known, args.of))
    calls = list(stats.calls(selection, known))
    if args.same and args.by:
        same = stats.common_tasks(runs, by)
        runs = [one for one in runs if one.subject.task in same]
        calls = [one for one in calls if one.subject.task in same]
    return stats.tally(runs, calls, by=by, objective_ms=args.objective)


@dataclass(frozen=True, repr=False)
class Statistics(Text):
    """Figures by group, of a period and of the one before it."""

    now: dict[str, stats.Tally]
    before: dict[str, stats.Tally]
    by: str | None
    of: str
    since: str | None
    until: str
    objective: float | None = None

    def __str__(self) -> str:
        if not self.now:
            return "no runs in this period"
        colour = in_terminal()
        groups = sorted(self.now.items(), key=lambda item: (-item[1].runs, item[0]))
        in_time = ("in time",) if self.objective else ()
        first = ("" if self.by is None else self.by, "runs", "success (95 %)", "trend", "median", "95 %")
        head = (*first, *in_time, "tokens in/out", "cost", "differs")
        lines = [Line(head, ("dim",) * len(head))]
        lines += [Line(self._cells(name, one, groups[0][1]), ("bold",)) for name, one in groups]
        return "\n".join([paint(self._title(), "bold", colour), table(lines, width() + 40, colour), *self._below(groups)])

    def as_json(self) -> dict[str, Any]:
        """{"since", "until", "by", "of", "objective_ms", "groups": {name: {figures..., "before", "change", "difference"}}}."""
        largest = max(self.now.values(), key=lambda one: one.runs, default=None)
        groups = {
            name: {
                **one.as_json(), "before": self.before[name].as_json() if name in self.before else None,
                "change": _difference(one, self.before.get(name)), "difference": None if one is largest else _difference(one, largest),
            }
            for name, one in self.now.items()
        }  # fmt: skip
        told = {"since": self.since, "until": self.until, "by": self.by, "of": self.of, "objective_ms": self.objective}
        return {**told, "groups": groups}

    def _title(self) -> str:
        since, until = ((text or "")[:16].replace("T", " ") for text in (self.since, self.until))
        return f"{self.of}: " + (f"{since} to {until} UTC, against the period before" if since else "everything")

    def _cells(self, name: str, one: stats.Tally, largest: stats.Tally) -> tuple[str, ...]:
        rate = f"{_share(one.rate)} {_between(stats.wilson(one.ok, one.runs))}"
        in_time = f"{_share(one.within / one.runs if one.runs else None)} {_between(stats.wilson(one.within, one.runs))}"
        cost = f"{one.cost:.4f}".rstrip("0").rstrip(".") if one.calls > one.unpriced else ""
        unpriced = f" +{one.unpriced} unpriced" if one.unpriced else ""
        return (
            name if self.by else "", f"{one.runs:,}", rate, _points(_difference(one, self.before.get(name))),
            duration(stats.quantile(one.durations, 0.5)), duration(stats.quantile(one.durations, 0.95)),
            *((in_time,) if self.objective else ()), f"{one.tokens_in:,}/{one.tokens_out:,}" if one.calls else "", cost + unpriced,
            "" if one is largest else _points(_difference(one, largest)),
        )  # fmt: skip

    def _below(self, groups: list[tuple[str, stats.Tally]]) -> list[str]:
        hours = sum((one.hours for _, one in groups), start=type(groups[0][1].hours)())
        lines = []
        if hours:
            now = datetime.now().astimezone()
            named = ", ".join(
                f"{now.astimezone(timezone.utc).replace(hour=hour, minute=0).astimezone():%H:%M} ({count:,})"
                for hour, count in hours.most_common(3)
            )
            lines.append(f"peak hours (local, of beginning): {named}")
        if self.by and len(groups) > 1:
            lines.append(f"differs: success against {groups[0][0]}, in percentage points; ~ where it may be chance")
        return lines


def _difference(one: stats.Tally, other: stats.Tally | None) -> list[float] | None:
    found = stats.difference(one.ok, one.runs, other.ok, other.runs) if other is not None else None
    return None if found is None else [round(figure, 4) for figure in found]


def _share(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.1%}"


def _between(pair: tuple[float, float] | None) -> str:
    return "" if pair is None else f"({pair[0]:.0%}–{pair[1]:.0%})"


def _points(found: list[float] | None) -> str:
    if found is None:
        return ""
    return f"{'~' if found[1] <= 0 <= found[2] else ''}{found[0] * 100:+.1f}"


def _milliseconds(text: str) -> float:
    words = text.strip().lower()
    if words.endswith("ms"):
        words, factor = words[:-2], 1.0
    else:
        words, factor = words.removesuffix("s").strip(), 1000.0
    if words.endswith("min"):
        words, factor = words.removesuffix("min"), 60_000.0
    try:
        return float(words) * factor
    except ValueError:
        raise UsageError(f"cannot read the time {text!r}; write it like '30 s', '500 ms' or '2 min'") from None
