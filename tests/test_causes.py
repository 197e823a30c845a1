"""Notebook causes: what is asserted is right in every scripted session; how many of the true ones are found is said too."""

from __future__ import annotations

import sys
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


USES = {
    "through the module": ("import zz_prices", "zz_prices.total(1, 2)"),
    "by name": ("from zz_prices import total", "total(1, 2)"),
    "inside it": ("import zz_prices", "zz_prices.outer()"),
    "an import": ("import zz_prices", "from zz_prices import fresh"),
    "an attribute": ("import zz_prices as prices", "prices.fresh(3)"),
}


@pytest.mark.parametrize("used", USES)
def test_a_module_edited_after_its_import_is_named(used: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it has part in the failure; with the cell that imported it, and what to do."""
    script, causes = edited_module(*USES[used], tmp_path, monkeypatch)
    assert (causes[0].kind, causes[0].names, causes[0].execution) == ("stale import", ("zz_prices",), script.executions[0])
    assert str(causes[0]).startswith(
        "the file of zz_prices was edited after In[1] imported it: the code of then still runs; importlib.reload"
    )


@pytest.mark.parametrize(
    "crash",
    ["import importlib; importlib.reload(zz_prices); zz_prices.total(1)", "{}['zz']", "1 / 0"],
    ids=["reloaded", "a key", "no part"],
)
def test_an_edited_module_that_has_no_part_in_it_is_not(crash: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that was loaded anew."""
    _, causes = edited_module("import zz_prices", crash, tmp_path, monkeypatch)
    assert all(cause.kind != "stale import" for cause in causes), causes


def edited_module(importing: str, crash: str, folder: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """(script, causes) of a session that imports a module, whose file is edited before the cell `crash`."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "zz_prices", raising=False)
    file = folder / "zz_prices.py"
    file.write_text("def total(price):\n    return price\n\n\ndef outer():\n    return total(1, 2)\n")
    script = Script(new_store())
    script.run(importing)
    file.write_text(
        "def total(price, tax):\n    return price + tax\n\n\ndef outer():\n    return total(1, 2)\n\n\ndef fresh(x):\n    return x\n"
    )
    script.run(crash)
    causes = find(script.store, script.last(), failure_in(script.store, script.executions[-1]))
    script.close()
    sys.modules.pop("zz_prices", None)
    return script, causes
