"""The rule that says whether runs have become worse: exact tests over runs, one threshold for all figures of a report.

A figure has one sample a run. Numbers (durations, tokens) are compared by the Mann-Whitney test, one-sided; yes-or-no
facts (a run failed, an error occurred) by Fisher's, one-sided; choices (decisions, outputs) by a permutation test of the
distance between their distributions. All are exact, so small samples need no assumption about noise.

`ALPHA` is the chance of any false alarm in a whole report: it is divided among the figures that could reach it at all
(Tarone), and figures with too few samples get no verdict. A difference must also matter: `LEAST_RATIO` for the typical
shift of numbers, `LEAST_RATE` for facts and choices.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median
from typing import Literal

ALPHA = 0.05
"""Chance of a false alarm in a report, over all its figures."""
LEAST_RATIO = 0.2
"""A number must typically be larger by this share of the baseline's median."""
LEAST_RATE = 0.2
"""A fact must be more frequent, a distribution of choices differ, by this much (0 to 1)."""
PERMUTATIONS = 5_000
"""Beyond this many ways to divide the samples, as many are drawn (with a fixed seed) instead of counted."""
NORMAL_FROM = 40
"""Samples of both sides from which the Mann-Whitney test uses the normal approximation with ties."""

Kind = Literal["number", "fact", "choice"]
Verdict = Literal["worse", "changed", "same", "no verdict"]
Sample = float | bool | str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure compared. `p`: chance of such a difference between equal runs; `least`: the smallest p these samples can reach;
    `effect`: relative shift of a number, difference of rates, distance of distributions; `why`: in words."""

    name: str
    kind: Kind
    baseline: tuple[Sample, ...]
    current: tuple[Sample, ...]
    p: float = 1.0
    least: float = 1.0
    effect: float = 0.0
    verdict: Verdict = "no verdict"
    why: str = ""
    unit: str = ""


def judge(figures: Iterable[Figure], alpha: float = ALPHA) -> list[Figure]:
    """The figures with their verdicts, the worst first."""
    tested = [_tested(figure) for figure in figures]
    share = threshold([figure.least for figure in tested], alpha)
    judged = [_judged(figure, share) for figure in tested]
    order = {"worse": 0, "changed": 1, "same": 2, "no verdict": 3}
    return sorted(judged, key=lambda figure: (order[figure.verdict], figure.p, figure.name))


def threshold(least: Sequence[float], alpha: float = ALPHA) -> float:
    """What p each figure must reach, so that the chance of any false alarm is `alpha`. `least`: smallest p each can reach (Tarone)."""
    for number in range(1, len(least) + 1):
        if sum(one <= alpha / number for one in least) <= number:
            return alpha / number
    return alpha


def _tested(figure: Figure) -> Figure:
    a, b = figure.baseline, figure.current
    if len(a) < 2 or len(b) < 2:
        return figure
    if figure.kind == "number":
        one, other = [float(x) for x in a], [float(x) for x in b]
        return replace(figure, p=mann_whitney(one, other), least=1 / math.comb(len(a) + len(b), len(b)), effect=shift(one, other))
    if figure.kind == "fact":
        bad = (sum(map(bool, a)), sum(map(bool, b)))
        p, least = fisher(bad[0], len(a), bad[1], len(b))
        return replace(figure, p=p, least=least, effect=bad[1] / len(b) - bad[0] / len(a))
    p = permutation([str(x) for x in a], [str(x) for x in b])
    sides = 2 if len(a) == len(b) else 1
    return replace(
        figure, p=p, least=sides / math.comb(len(a) + len(b), len(b)), effect=distance(Counter(map(str, a)), Counter(map(str, b)))
    )


def _judged(figure: Figure, share: float) -> Figure:
    if figure.least > share:
        runs = f"{len(figure.baseline)} baseline and {len(figure.current)} current runs"
        return replace(figure, verdict="no verdict", why=f"{runs} cannot show a difference at p <= {share:.3g}")
    least = LEAST_RATIO if figure.kind == "number" else LEAST_RATE
    if figure.p > share:
        return replace(figure, verdict="same", why=f"p = {figure.p:.3g}, needed {share:.3g}")
    if figure.effect < least:
        return replace(
            figure, verdict="same", why=f"p = {figure.p:.3g}, but a difference of {figure.effect:.0%} is below {least:.0%}"
        )
    return replace(
        figure, verdict="changed" if figure.kind == "choice" else "worse", why=f"p = {figure.p:.3g}, needed {share:.3g}"
    )


# --- the tests ------------------------------------------------------------------------------------------------------


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """The chance that samples like `b` rank as high or higher among both if they are like `a`. Exact, ties by their mean rank."""
    ranks = _double_ranks([*a, *b])
    seen = sum(ranks[len(a) :])
    if len(ranks) > NORMAL_FROM:
        return _normal_p(ranks, len(b), seen)
    ways: list[Counter[int]] = [Counter() for _ in range(len(b) + 1)]
    ways[0][0] = 1
    for rank in ranks:
        for taken in range(len(b) - 1, -1, -1):
            for total, count in ways[taken].items():
                ways[taken + 1][total + rank] += count
    above = sum(count for total, count in ways[len(b)].items() if total >= seen)
    return above / math.comb(len(ranks), len(b))


def fisher(bad_a: int, a: int, bad_b: int, b: int) -> tuple[float, float]:
    """(p, smallest p possible) for `bad_b` of `b` against `bad_a` of `a`: as many or more among `b` by chance."""
    bad, everything = bad_a + bad_b, math.comb(a + b, b)

    def chance(k: int) -> float:
        return math.comb(bad, k) * math.comb(a + b - bad, b - k) / everything

    most = min(bad, b)
    return min(1.0, sum(chance(k) for k in range(bad_b, most + 1))), chance(most)


def permutation(a: Sequence[str], b: Sequence[str]) -> float:
    """The chance that dividing all samples anew separates the choices at least as far."""
    both, size = [*a, *b], len(b)
    seen = distance(Counter(a), Counter(b)) - 1e-9
    total = Counter(both)

    def far(picked: Iterable[int]) -> bool:
        other = Counter(both[number] for number in picked)
        return distance(total - other, other) >= seen

    ways = math.comb(len(both), size)
    if ways <= PERMUTATIONS:
        return sum(far(picked) for picked in combinations(range(len(both)), size)) / ways
    chance = random.Random(20_01)
    hits = sum(far(chance.sample(range(len(both)), size)) for _ in range(PERMUTATIONS))
    return (hits + 1) / (PERMUTATIONS + 1)


def distance(a: Mapping[str, int], b: Mapping[str, int]) -> float:
    """Half the sum of differences of shares: 0 the same distribution, 1 nothing in common."""
    size_a, size_b = sum(a.values()) or 1, sum(b.values()) or 1
    return sum(abs(a.get(key, 0) / size_a - b.get(key, 0) / size_b) for key in {*a, *b}) / 2


def shift(a: Sequence[float], b: Sequence[float]) -> float:
    """How much larger `b` typically is (median of all pairs' differences), as a share of the median of `a`."""
    moved = median(y - x for x in a for y in b)
    base = abs(median(a))
    return moved / base if base else (math.inf if moved > 0 else 0.0)


def _double_ranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each value, whole numbers also for ties."""
    order = sorted(values)
    first: dict[float, int] = {}
    for place, value in enumerate(order):
        first.setdefault(value, place)
    counts = Counter(order)
    return [2 * first[value] + counts[value] + 1 for value in values]


def _normal_p(ranks: Sequence[int], size: int, seen: int) -> float:
    """Normal approximation with the variance of the tied ranks and a continuity correction."""
    count = len(ranks)
    mean = sum(ranks) / count
    spread = sum((rank - mean) ** 2 for rank in ranks) / count
    variance = size * (count - size) / (count - 1) * spread
    if variance <= 0:
        return 1.0
    z = (seen - size * mean - 1) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2)) / 2
