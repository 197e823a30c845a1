"""Whether later runs are worse: exact tests, one threshold a report, no verdict on few samples; and the whole way by real runs."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import agentlog
from agentlog.cli import main
from agentlog.errors import NotFound
from agentlog.events import (
    DecisionMade,
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    MessageSaid,
    OutcomeTagged,
    SessionEnded,
    SessionStarted,
    SpanEnded,
    StreamWritten,
)
from agentlog.runs.baselines import compare, figures_between, outcomes, store_baseline
from agentlog.runs.figures import Run, figures_of
from agentlog.runs.regression import ALPHA, Figure, fisher, judge, mann_whitney, permutation, shift, threshold
from agentlog.store import Store


def test_the_exact_tests() -> None:
    """Values that can be counted by hand: one division of 252 is as extreme, ties halve nothing, equal samples show nothing."""
    assert mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(1 / 252)
    assert mann_whitney([1, 1, 1], [1, 1, 1]) == 1.0
    assert mann_whitney([6, 7, 8], [1, 2, 3]) == 1.0
    assert fisher(0, 5, 5, 5) == pytest.approx((1 / 252, 1 / 252))
    assert fisher(0, 5, 2, 5)[0] == pytest.approx(2 / 9)
    assert permutation(["a"] * 5, ["b"] * 5) == pytest.approx(2 / 252)
    assert permutation(["a", "b"], ["b", "a"]) == 1.0
    assert shift([10, 10, 20], [15, 15, 15]) == pytest.approx(0.5)


def test_many_samples_by_the_normal_approximation() -> None:
    """It agrees with the exact count where both can be had."""
    chance = random.Random(7)
    a, b = [chance.gauss(0, 1) for _ in range(20)], [chance.gauss(0.4, 1) for _ in range(20)]
    assert mann_whitney([*a, -9.0], [*b, -8.0]) == pytest.approx(mann_whitney(a, b), abs=0.03)
    assert mann_whitney(list(range(100)), list(range(50, 150))) < 1e-6


def test_few_samples_get_no_verdict_and_take_no_threshold_from_others() -> None:
    """One run shows nothing; figures that can never reach the threshold do not make it harder for the others."""
    assert [figure.verdict for figure in judge([Figure("x", "number", (1.0,), (99.0,))])] == ["no verdict"]
    assert [figure.verdict for figure in judge([Figure("x", "number", (1.0, 1.1, 1.2), (99.0, 98.0))])] == ["no verdict"]
    assert threshold([0.004, 1.0, 1.0, 0.1]) == ALPHA
    assert threshold([0.004] * 10) == pytest.approx(0.005)
    slow = Figure("x", "number", (10.0, 11.0, 10.5, 9.8, 10.1), (20.0, 21.0, 19.0, 22.0, 20.5))
    assert judge([slow, Figure("y", "number", (1.0,), (2.0,))])[0].verdict == "worse"


def test_a_difference_must_matter() -> None:
    """Sure but small is no regression; faster is none; a choice that moved has changed, not worsened."""
    small = Figure("x", "number", tuple(map(float, range(100, 110))), tuple(map(float, range(110, 120))))
    faster = Figure("x", "number", (20.0, 21.0, 19.0, 22.0, 20.5), (10.0, 11.0, 10.5, 9.8, 10.1))
    other = Figure("x", "choice", ("a",) * 6, ("b",) * 6)
    assert [judge([figure])[0].verdict for figure in (small, faster, other)] == ["same", "same", "changed"]
    assert "below 20%" in judge([small])[0].why


def test_false_alarms_and_power_are_what_the_docs_say() -> None:
    """A hundred simulated reports: at most alpha of them may alarm without a change (with room for chance); a doubling is found."""
    from regression_simulation import reports, slower

    alarms = sum(map(bool, reports((5, 5), 0.3, None, 100, 11)))
    found = sum("time of tool t2" in one for one in reports((5, 5), 0.1, slower(2.0), 60, 12))
    assert alarms <= 12  # 5 expected at most: more than 12 has a chance of one in a thousand
    assert found >= 50


# --- the figures of a run ---------------------------------------------------------------------------------------------


def test_what_a_run_says() -> None:
    """Durations, tokens, facts and choices from the events of a run and of the agents it started."""
    store = Store.in_memory()
    store.add(SessionStarted(session="r1", id="r1", time="2026-11-21T10:00:00.000000Z", argv=("app.py",)))
    store.add(SessionStarted(session="t1", id="t1", parent="r1", agent="coder", life="task"))
    store.add(SpanEnded(session="t1", what="tool", name="fetch", ms=30.0, ok=False))
    store.add(SpanEnded(session="t1", what="tool", name="fetch", ms=10.0))
    store.add(SpanEnded(session="t1", what="llm", name="m", model="m", ms=5.0, tokens={"input": 7, "output": 2}, cost=0.5))
    store.add(DecisionMade(session="t1", question="which", choice="b"))
    store.add(MessageSaid(session="t1", role="agent", text="done at 10:00"))
    store.add(OutcomeTagged(session="t1", outcome="failure"))
    store.add(ErrorRaised(session="t1", failure=Failure("KeyError", "'x'", hash="h")))
    store.add(ExecutionStarted(session="r1", execution="e1", source="f()\n"))
    store.add(StreamWritten(session="r1", execution="e1", text="object at 0x7f0011\n"))
    store.add(ExecutionEnded(session="r1", execution="e1", status="ok", ms=12.0))
    store.add(SessionEnded(session="r1", how="failed", time="2026-11-21T10:00:02.000000Z"))
    run = figures_of(store, store.session("r1"))
    label = next(name for name in run.numbers if name.startswith("time of cell")).removeprefix("time of ")
    assert run.numbers == {
        "duration of the run": 2000.0, "time of tool fetch": 20.0, "time of llm m": 5.0, f"time of {label}": 12.0,
        "prompt tokens": 7, "completion tokens": 2, "model calls": 1, "cost": 0.5,
    }  # fmt: skip
    assert {name for name, true in run.facts.items() if true} == {
        "run failed",
        "error KeyError: 'x' [h]",
        "tool fetch failed",
        "outcome was a failure",
    }
    assert run.choices == {"decision which": "b", "last answer": "done at 10:00", f"output of {label}": "object at 0x#"}


def test_a_fact_that_a_run_does_not_mention_is_false() -> None:
    """An error kind that never occurred before has its zeros."""
    figures = figures_between([Run("a")] * 3, [Run("b", facts={"error X": True})] * 2)
    assert [(figure.name, figure.baseline, figure.current) for figure in figures] == [("error X", (False,) * 3, (True,) * 2)]


# --- the whole way ------------------------------------------------------------------------------------------------------

PROGRAM = """
import agentlog, sys, time
agentlog.enable()
with agentlog.tool_call("work"):
    time.sleep(float(open("pause").read()))
if open("mood").read() == "bad":
    raise KeyError("price")
"""


def test_real_runs_that_become_worse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Six good runs, six that crash: exit code 1 and the error named; six more good ones: exit code 0. One run: no verdict."""
    folder = tmp_path / "st"
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "pause").write_text("0.002")

    def runs(mood: str, count: int) -> None:
        (tmp_path / "mood").write_text(mood)
        for _ in range(count):
            subprocess.run(
                [sys.executable, "app.py"],
                cwd=tmp_path,
                capture_output=True,
                timeout=120,
                env={**os.environ, "AGENTLOG_DIR": str(folder)},
            )

    place = ["--store", str(folder)]
    runs("good", 6)
    assert main(["regress", *place]) == 2
    assert "no baseline 'stable'" in capsys.readouterr().err
    assert main(["regress", "--set", "stable", "--runs", "6", *place]) == 0
    assert "6 runs" in capsys.readouterr().out
    assert main(["regress", "--baseline", "stable", *place]) == 0
    assert "no run like the baseline's" in capsys.readouterr().out
    runs("bad", 1)
    assert main(["regress", *place]) == 0
    assert "No verdict" in capsys.readouterr().out
    runs("bad", 5)
    assert main(["regress", "--json", *place]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {one["figure"].split(":")[0] for one in found["worse"]} >= {"run failed", "error KeyError"}
    assert main(["regress", "--markdown", *place]) == 1
    assert capsys.readouterr().out.startswith("# Regression: baseline stable")


def test_the_functions_never_raise(store_folder: Path) -> None:
    """Without a store, without a baseline: the same keys, and the reason."""
    assert agentlog.set_baseline("x") == {"name": "x", "sessions": []}
    assert agentlog.detect_regression("x")["regression"] is False
    assert agentlog.compare_to_baseline("x")["figures"] == {}
    assert "No baseline 'x'" in agentlog.generate_regression_report("x")
    assert agentlog.get_outcome_stats() == {
        "success": 0,
        "failure": 0,
        "partial": 0,
        "total": 0,
        "success_rate": None,
        "mean_confidence": None,
    }


def test_a_baseline_takes_good_runs_like_it() -> None:
    """Failed runs and other programs are left out; several ids are taken as they are; an unknown name is explained."""
    store = Store.in_memory()
    for identifier, program, how in (
        ("a1", "app.py", "exit"),
        ("a2", "app.py", "failed"),
        ("a3", "other.py", "exit"),
        ("a4", "app.py", "exit"),
    ):
        store.add(SessionStarted(session=identifier, id=identifier, argv=(program,)))
        store.add(SessionEnded(session=identifier, how=how))
    assert store_baseline(store, "s", "a4", runs=5)["sessions"] == ["a1", "a4"]
    assert store_baseline(store, "t", ["a3", "a2"])["sessions"] == ["a2", "a3"]
    with pytest.raises(NotFound, match="known: s, t"):
        compare(store, "u")


def test_outcomes_are_counted_by_agent() -> None:
    """Also those tagged from elsewhere; the rate and the mean confidence."""
    store = Store.in_memory()
    for identifier, agent in (("s1", "coder"), ("s2", "tester")):
        store.add(SessionStarted(session=identifier, id=identifier, agent=agent, life="task"))
    store.add(OutcomeTagged(session="s1", outcome="success", confidence=0.8))
    store.add(OutcomeTagged(session="s1", outcome="failure", confidence=0.6, subject="s2"))
    found = outcomes(store)
    assert (found["success"], found["failure"], found["success_rate"], found["mean_confidence"]) == (
        1,
        1,
        0.5,
        pytest.approx(0.7),
    )
    assert found["by_agent"]["tester"]["failure"] == 1
    assert outcomes(store, "s2")["total"] == 1
