"""Lineage: who made and changed a name, from which versions of what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("IPython")

from scripted import close_stores, lineage_of, write_notebook

from agentlog.lineage import Edge


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()


def labels(steps: list) -> list[str]:  # type: ignore[type-arg]
    return [f"{step.execution.label} {step.change.kind}" for step in steps]


def test_the_chain_of_a_name() -> None:
    """From the cell that bound it; a rebinding from itself continues the chain, one from elsewhere begins another."""
    lineage, script = lineage_of("xs = [1]", "xs.append(2)", "xs = xs + [3]", "ys = xs", "xs = [0]", "xs.append(1)")
    assert labels(lineage.chain("xs", script.executions[3])) == ["In[1] made", "In[2] mutated", "In[3] rebound"]
    assert labels(lineage.chain("xs")) == ["In[5] rebound", "In[6] mutated"]
    assert lineage.writer("xs", script.executions[2]).label == "In[2]"  # type: ignore[union-attr]
    assert lineage.writer("nothing") is None


def test_sources_are_those_that_ran() -> None:
    """Each execution keeps its own text, whatever became of its cell."""
    lineage, _ = lineage_of(("a", "x = 1"), ("a", "x = 2"))
    assert [step.execution.source for step in lineage.steps("x")] == ["x = 1", "x = 2"]


def test_edges_carry_versions_and_functions_charge_their_caller() -> None:
    """Who read what as whom had left it; what a function reads is read by the cell that calls it."""
    lineage, script = lineage_of("rate = 2", "def f(v): return v * rate", "rate = 3", "y = f(1)")
    one, two, three, four = script.executions
    assert set(lineage.edges()) >= {Edge(three, four, "rate"), Edge(two, four, "f")}
    assert lineage.inputs(four) == {"f": two, "rate": three}
    assert Edge(one, two, "rate") not in set(lineage.edges())


def test_a_schema_timeline() -> None:
    """What the name was, where that changed."""
    lineage, _ = lineage_of("v = [1]", "v.append(2)", "v[0] = 1", "v = 'text'")
    assert [(e.label, value.type, value.length) for e, value in lineage.timeline("v") if value] == [
        ("In[1]", "list", 1), ("In[2]", "list", 2), ("In[4]", "str", 4)
    ]  # fmt: skip


def test_text_of_cells_that_were_not_run(tmp_path: Path) -> None:
    """From the notebook file; none where there is no file."""
    path = write_notebook(tmp_path / "n.ipynb", [("a", "x = 1"), ("b", "y = 2")])
    lineage, _ = lineage_of(("a", "x = 1"), notebook=path)
    assert [cell.source for cell in lineage.unrun()] == ["y = 2"]
    nothing, _ = lineage_of("x = 1")
    assert nothing.unrun() == []
