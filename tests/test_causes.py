"""Notebook causes: what is asserted is right in every scripted session; how many of the true ones are found is said too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlog.causes import NOTHING, find

pytest.importorskip("IPython")
pytest.importorskip("pandas")

from notebook_scenarios import SCENARIOS, Scenario
from scripted import Script, close_stores, failure_in, new_store, write_notebook


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()


def play(scenario: Scenario, folder: Path):  # type: ignore[no-untyped-def]
    """(script, causes) after the scenario's last cell failed."""
    store = new_store()
    path = str(write_notebook(folder / "n.ipynb", list(scenario.notebook))) if scenario.notebook else str(folder / "none.ipynb")
    if scenario.earlier:
        before = Script(store, notebook=path)
        for cell_id, source in scenario.earlier:
            before.run(source, cell_id)
        before.close()
    script = Script(store, notebook=path)
    for cell_id, source in scenario.runs:
        script.run(source, cell_id)
    causes = find(store, script.last(), failure_in(store, script.executions[-1]))
    script.close()
    return script, causes


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title.replace(" ", "_"))
def test_the_first_cause_is_the_true_one(scenario: Scenario, tmp_path: Path) -> None:
    """Kind, culprit and the cells to run are those written down by hand."""
    script, causes = play(scenario, tmp_path)
    first = causes[0]
    assert first.kind == scenario.cause, [str(cause) for cause in causes]
    culprit = script.executions[scenario.culprit - 1] if scenario.culprit else None
    if scenario.cause not in ("restart",):
        assert first.execution == culprit, str(first)
    if scenario.mend is not None:
        assert tuple(run.line for run in first.cells) == scenario.mend
    if scenario.about is not None:
        assert scenario.about in first.names


def test_there_are_enough_scenarios_of_both_kinds() -> None:
    """At least forty, and enough ordinary crashes among them to make a false alarm likely."""
    assert len(SCENARIOS) >= 40
    assert sum(scenario.cause == "none" for scenario in SCENARIOS) >= 10


def test_nothing_found_is_said_in_words(tmp_path: Path) -> None:
    """The line that tells an agent not to look for reasons in the notebook."""
    plain = next(scenario for scenario in SCENARIOS if scenario.title == "division by zero")
    _, causes = play(plain, tmp_path)
    assert [str(cause) for cause in causes] == [NOTHING]
