"""How often the regression rule is wrong: simulated runs without any change, and with one true change.

python benchmarks/regression.py [--repeat 400]

Each run has twelve figures: six durations and two token counts with log-normal noise, a failure, an error, a decision
and an output. A false alarm is any figure of a report called worse or changed where nothing changed; power is how often
the one figure that did change is called so.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator

from agentlog.runs.baselines import figures_between
from agentlog.runs.figures import Run
from agentlog.runs.regression import ALPHA, judge

Change = Callable[[Run, random.Random], None]


def run(chance: random.Random, noise: float) -> Run:
    """One run without a change; `noise`: the standard deviation of the logarithm of its numbers."""
    numbers = {f"time of tool t{n}": 10.0 * (n + 1) * chance.lognormvariate(0, noise) for n in range(6)}
    numbers |= {f"{kind} tokens": round(2000 * chance.lognormvariate(0, noise)) for kind in ("prompt", "completion")}
    facts = {"run failed": chance.random() < 0.05, "error KeyError": chance.random() < 0.1}
    choices = {"decision path": "a" if chance.random() < 0.8 else chance.choice("bc"), "output of cell": "same"}
    return Run("s", numbers, facts, choices)


def slower(factor: float) -> Change:
    def change(one: Run, chance: random.Random) -> None:
        one.numbers["time of tool t2"] *= factor

    return change


def fails(rate: float) -> Change:
    def change(one: Run, chance: random.Random) -> None:
        one.facts["run failed"] = chance.random() < rate

    return change


def other_output(one: Run, chance: random.Random) -> None:
    one.choices["output of cell"] = "another"


CHANGES: dict[str, tuple[str, Change]] = {
    "a tool takes 1.2 times as long": ("time of tool t2", slower(1.2)),
    "a tool takes 1.5 times as long": ("time of tool t2", slower(1.5)),
    "a tool takes twice as long": ("time of tool t2", slower(2.0)),
    "runs fail, 5 % before, 50 % now": ("run failed", fails(0.5)),
    "runs fail, 5 % before, all now": ("run failed", fails(1.0)),
    "an output is another": ("output of cell", other_output),
}


def reports(sizes: tuple[int, int], noise: float, change: Change | None, repeat: int, seed: int) -> Iterator[set[str]]:
    """The figures of each simulated report that are called worse or changed."""
    chance = random.Random(seed)
    for _ in range(repeat):
        before, now = ([run(chance, noise) for _ in range(size)] for size in sizes)
        for one in now if change is not None else ():
            change(one, chance)
        yield {figure.name for figure in judge(figures_between(before, now)) if figure.verdict in ("worse", "changed")}


def measure(repeat: int, sizes: list[tuple[int, int]], noises: list[float]) -> Iterator[tuple[str, str, float, float]]:
    """(sizes, what, noise, share of reports)."""
    for size in sizes:
        label = f"{size[0]} + {size[1]}"
        for noise in noises:
            found = list(reports(size, noise, None, repeat, 1))
            yield label, "false alarm, nothing changed", noise, sum(map(bool, found)) / repeat
            for what, (name, change) in CHANGES.items():
                yield label, f"found: {what}", noise, sum(name in one for one in reports(size, noise, change, repeat, 2)) / repeat


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=400)
    args = parser.parse_args()
    print(f"runs (baseline + current), noise (sd of the logarithm), share of {args.repeat} reports; alpha = {ALPHA}")
    for label, what, noise, share in measure(args.repeat, [(1, 1), (3, 3), (5, 5), (10, 5), (10, 10), (20, 20)], [0.1, 0.3]):
        print(f"{label:>8}  {noise:.1f}  {what:46} {share:6.1%}")


if __name__ == "__main__":
    main()
