"""Real crashes of small cells, and the facts the collectors find in them."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from agentlog.events import Fact, Failure
from agentlog.frames import failure_of
from agentlog.settings import Limits
from agentlog.stack import CellSource

PATIENT = Limits(describe_ms=20_000, evidence_ms=20_000)
"""Time that only matters when something hangs: these tests are about facts, not about speed."""


def run_cell(source: str, history: tuple[str, ...] = (), **names: Any) -> Failure:
    """`source` run as a cell after the cells of `history`; how it failed. Fails the test where it does not crash."""
    world: dict[str, Any] = {"__name__": "__main__", "In": ["", *history, source], **names}
    for number, cell in enumerate(history, 1):
        exec(compile(cell, f"<cell {number}>", "exec"), world)
    here = CellSource("run1", len(history) + 1, source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(source, "<the cell>", "exec"), world)
    except BaseException as error:
        return failure_of(error, cell_of=lambda name: here if name == "<the cell>" else None, namespace=world, limits=PATIENT)
    finally:
        for value in world.values():
            if isinstance(value, sqlite3.Connection):
                value.close()
    raise AssertionError(f"did not crash: {source}")


def facts_of(failure: Failure, collector: str | None = None) -> list[Fact]:
    return [fact for item in failure.evidence if collector in (None, item.collector) for fact in item.facts]


def expect(failure: Failure, wanted: list[tuple[str | None, str]], collector: str | None = None) -> None:
    """Each wanted (about, part of the text) is among the facts; "..." as about matches any."""
    facts = facts_of(failure, collector)
    for about, text in wanted:
        hits = [fact for fact in facts if text in fact.text and about in ("...", fact.about)]
        assert hits, f"no fact ({about}, {text!r}) in:\n" + "\n".join(f"  [{fact.about}] {fact.text}" for fact in facts)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a `case` is run for each of its module's CASES: (libraries it needs, cell, collector, wanted facts)."""
    if "case" in metafunc.fixturenames:
        cases = metafunc.module.CASES
        metafunc.parametrize("case", cases, ids=[source.strip().splitlines()[-1].strip()[:60] for _, source, _, _ in cases])


@pytest.fixture
def finds() -> Callable[[tuple[str, str, str, list[tuple[str | None, str]]]], None]:
    """Checks that the facts of a case are found."""

    def check_case(case: tuple[str, str, str, list[tuple[str | None, str]]]) -> None:
        needs, source, collector, wanted = case
        for module in needs.split():
            pytest.importorskip(module)
        expect(run_cell(source), wanted, collector)

    return check_case


@pytest.fixture
def crash() -> Callable[..., Failure]:
    return run_cell


@pytest.fixture
def check() -> Callable[..., None]:
    return expect


@pytest.fixture
def facts() -> Callable[..., list[Fact]]:
    return facts_of
