"""Statistics: figures of hand-made runs, intervals against known values, trends, comparisons of like with like."""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parent / "exports"))
from samples import Samples, call, failure

from agentlog import cli
from agentlog.events import OutcomeTagged
from agentlog.ids import timestamp
from agentlog.runs import stats

DAY = 86_400


@pytest.mark.parametrize(("ok", "count"), [(0, 1), (1, 1), (3, 10), (47, 50), (500, 1000), (0, 30)])
def test_wilson_is_what_scipy_says(ok: int, count: int) -> None:
    """The interval agrees with an independent implementation."""
    expected = binomtest(ok, count).proportion_ci(method="wilson")
    assert stats.wilson(ok, count) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_newcombe_is_what_his_paper_says() -> None:
    """Method 10 of Newcombe (1998) for 56/70 against 48/80: 0.2000 (0.0524 to 0.3339)."""
    assert stats.difference(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert stats.difference(1, 1, 0, 0) is None


def test_the_medians_interval_holds_the_median_as_often_as_it_says() -> None:
    """Of 400 samples of 30 from a skewed distribution at least 92 % hold the true median."""
    chance = random.Random(7)
    held = 0
    for _ in range(400):
        low, high = stats.median_interval([chance.expovariate(1) for _ in range(30)]) or (9, 9)
        held += low <= math.log(2) <= high
    assert 0.92 <= held / 400 <= 0.99
    assert stats.median_interval([1, 2, 3]) is None


@pytest.fixture
def made(store_folder: Path) -> Iterator[Samples]:
    """Two models on three tasks, one of them run by one model only; this week and the week before."""
    samples = Samples(store_folder)
    now = time.time()
    for days_ago, model, task, good, bad in (
        (1, "a", "load", 9, 1), (1, "b", "load", 4, 6), (2, "a", "plot", 10, 0), (2, "b", "plot", 9, 1), (3, "b", "hard", 0, 10),
        (9, "a", "load", 5, 5),
    ):  # fmt: skip
        samples.begin(agent="coder", task=task, time=timestamp(now - days_ago * DAY))
        samples.add(replace(call(model, 100, 10, 0.5 if model == "a" else None), time=timestamp(now - days_ago * DAY)))
        for number in range(good + bad):
            when = timestamp(now - days_ago * DAY + number)
            samples.cell(number, "x", error=failure() if number < bad else None, ms=100.0 * (number + 1), started=when)
        samples.add(OutcomeTagged(outcome="success" if bad < good else "failure", tags=(f"config:{model}-fast",)))
        samples.end()
    yield samples
    samples.close()


def _stats(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert cli.main(["stats", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["groups"]  # type: ignore[no-any-return]


def test_the_period_against_the_one_before(made: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs, success and its change; tokens and cost; nothing of the week before is counted in."""
    (found,) = _stats(capsys).values()
    assert (found["runs"], found["ok"], found["success"]) == (50, 32, 0.64)
    assert found["success_interval"] == pytest.approx([0.5014, 0.7586], abs=1e-4)
    before = found["before"]
    assert isinstance(before, dict)
    assert (before["runs"], before["success"]) == (10, 0.5)
    assert found["change"][0] == pytest.approx(0.14)  # type: ignore[index]
    assert found["peak_hours_utc"]


def test_models_compared_on_the_same_tasks(made: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    """With --same the task that only one model ran does not count; the difference has an interval."""
    groups = _stats(capsys, "--by", "model")
    assert {name: (one["runs"], one["success"]) for name, one in groups.items()} == {"a": (20, 0.95), "b": (30, 0.4333)}
    assert (groups["a"]["cost"], groups["b"]["unpriced_calls"]) == (1.0, 3)
    same = _stats(capsys, "--by", "model", "--same")
    assert {name: (one["runs"], one["success"]) for name, one in same.items()} == {"a": (20, 0.95), "b": (20, 0.65)}
    difference = next(one["difference"] for one in same.values() if one["difference"])
    assert abs(difference[0]) == pytest.approx(0.3)  # type: ignore[index]
    assert _stats(capsys, "--by", "config", "--same").keys() == {"a-fast", "b-fast"}


def test_sessions_as_runs_and_everything(made: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    """A tagged session counts as tagged; 'all' has no trend."""
    groups = _stats(capsys, "--by", "task", "--of", "sessions", "--since", "all")
    assert {name: (one["runs"], one["ok"]) for name, one in groups.items()} == {"load": (3, 1), "plot": (2, 2), "hard": (1, 0)}
    assert all(one["before"] is None for one in groups.values())


def test_an_objective(made: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    """Only runs that went well within the time count."""
    (found,) = _stats(capsys, "--objective", "500 ms").values()
    assert found["within_objective"] == pytest.approx((4 + 0 + 5 + 4 + 0) / 50)
    assert cli.main(["stats", "--objective", "soon"]) == 2


def test_the_table_is_for_people(made: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    """Groups with their figures, the largest first; what may be chance is marked."""
    assert cli.main(["stats", "--by", "model", "--objective", "1 s"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:3] == ["b", "30", "43.3%"]
    assert lines[3].split()[:3] == ["a", "20", "95.0%"]
    assert "+51.7" in lines[3]
    assert "peak hours" in lines[4]
    assert cli.main(["stats", "--since", "2020-01-01", "--until", "2020-01-02"]) == 0
    assert "no runs in this period" in capsys.readouterr().out
