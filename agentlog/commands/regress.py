"""Are later runs worse than good ones? Errors, outcomes, durations, tokens, decisions and outputs, by a rule for noise.

  regress --set stable --runs 10       let "stable" stand for the last ten good runs like the latest
  regress --baseline stable            the runs since then against it

Exit codes: 0 nothing is worse (or no verdict is possible yet, which is said), 1 something is, 2 it could not be compared.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from agentlog.amounts import at_least
from agentlog.desk import Desk
from agentlog.ids import short
from agentlog.runs.baselines import NAME, Comparison, compare, store_baseline
from agentlog.tables import Text

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sessions", nargs="*", metavar="SESSION", help="runs (default: all like the baseline's since it was set)")
    parser.add_argument("--baseline", default=NAME, metavar="NAME", help=f"compare with this one (default: {NAME})")
    parser.add_argument("--set", metavar="NAME", help="set the baseline NAME instead of comparing")
    parser.add_argument("--runs", type=at_least(1), default=1, metavar="N", help="with --set: the latest good N like it")
    parser.add_argument("--all", action="store_true", help="show the figures that are not worse, too")
    parser.add_argument("--markdown", action="store_true", help="a report for people and pull requests")


def run(args: argparse.Namespace, desk: Desk) -> object:
    """The comparison, or what the baseline now stands for."""
    chosen = args.sessions if len(args.sessions) > 1 else args.sessions[0] if args.sessions else None
    if args.set:
        return Baseline(**store_baseline(desk.store, args.set, chosen, args.runs))
    found = compare(desk.store, args.baseline, chosen, everything=args.all)
    return Report(found) if args.markdown else found


@dataclass(frozen=True, repr=False)
class Baseline(Text):
    """What a name stands for."""

    name: str
    sessions: list[str]

    def __str__(self) -> str:
        count = len(self.sessions)
        return f"baseline {self.name!r}: {count} run{'s' if count != 1 else ''} ({', '.join(map(short, self.sessions))})"

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "sessions": self.sessions}


@dataclass(frozen=True, repr=False)
class Report(Text):
    """A comparison as markdown."""

    comparison: Comparison

    @property
    def exit_code(self) -> int:
        return self.comparison.exit_code

    def __str__(self) -> str:
        return self.comparison.markdown()

    def as_json(self) -> dict[str, Any]:
        return self.comparison.as_json()
