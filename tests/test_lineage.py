"""Lineage: who made and changed a name, from which versions of what, and what is stale by now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("IPython")

from scripted import Script, close_stores, new_store, write_notebook
from stale_sessions import STALE_SESSIONS, StaleSession

from agentlog.lineage import Edge, Lineage


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()


def lineage_of(*cells: str | tuple[str, str], notebook: Path | None = None) -> tuple[Lineage, Script]:
    script = Script(new_store(), notebook=str(notebook) if notebook else None)
    for cell in cells:
        script.run(*(cell,) if isinstance(cell, str) else (cell[1], cell[0]))
    return Lineage.of(script.store, script.session), script


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


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("session", STALE_SESSIONS, ids=lambda session: session[0].replace(" ", "_"))
def test_what_is_stale_and_what_is_not(session: StaleSession, capsys: pytest.CaptureFixture[str]) -> None:
    """A name whose inputs are others now is stale; none else is called so."""
    _, cells, stale, fresh = session
    for library in ("numpy", "pandas", "sklearn", "matplotlib"):
        if f"import {library}" in cells[0] or f"from {library}" in cells[0]:
            pytest.importorskip(library)
    lineage, _ = lineage_of(*cells)
    assert {name for name in (*stale.split(), *fresh.split()) if lineage.stale(name)} == set(stale.split())


def test_stale_because_an_input_changed() -> None:
    """And not, where the input was bound to an equal value again."""
    lineage, _ = lineage_of("base = [1, 2]", "double = [b * 2 for b in base]", "base.append(3)")
    assert [(s.kind, s.other.label) for s in lineage.stale("double") if s.other] == [("inputs", "In[3]")]
    fresh, _ = lineage_of("base = 5000", "double = base * 2", "base = 5000")
    assert fresh.stale("double") == []


def test_stale_because_the_cell_was_edited_or_deleted(tmp_path: Path) -> None:
    """By the notebook file, where it knows the session's cells; an edited cell that ran again is seen without it."""
    path = write_notebook(tmp_path / "n.ipynb", [("a", "x = 2"), ("c", "z = 3")])
    lineage, _ = lineage_of(("a", "x = 1"), ("b", "y = 1"), ("c", "z = 3"), notebook=path)
    assert [s.kind for s in lineage.stale("x")] == ["edited"]
    assert [s.kind for s in lineage.stale("y")] == ["deleted"]
    assert lineage.stale("z") == []
    again, _ = lineage_of(("a", "x = 1\nonly = 1"), ("a", "x = 2"))
    assert [s.kind for s in again.stale("only")] == ["edited"]


def test_position_alone_is_never_a_reason(tmp_path: Path) -> None:
    """A cell that stands below its reader, run first, leaves nothing stale."""
    path = write_notebook(tmp_path / "n.ipynb", [("read", "y = x"), ("made", "x = 1")])
    lineage, _ = lineage_of(("made", "x = 1"), ("read", "y = x"), notebook=path)
    assert lineage.stale("x") == lineage.stale("y") == []


def test_stale_because_a_cell_below_changed_it(tmp_path: Path) -> None:
    """A reader further up got another value than the cell above it makes: position and a different value together."""
    path = write_notebook(tmp_path / "n.ipynb", [("made", "x = [1]"), ("read", "y = x[0]"), ("below", "x.append(2)")])
    lineage, _ = lineage_of(("made", "x = [1]"), ("below", "x.append(2)"), ("read", "y = x[0]"), notebook=path)
    assert [(s.kind, s.execution.label, s.other.label) for s in lineage.stale("x") if s.other] == [("below", "In[2]", "In[3]")]


def test_a_cell_that_is_not_idempotent() -> None:
    """It ran twice and changed what its first run had left."""
    lineage, script = lineage_of(("a", "n = 1"), ("b", "n += 1"), ("b", "n += 1"), ("c", "k = 5"), ("c", "k = 5"))
    steps = lineage.not_idempotent(lineage.by_id[script.executions[2]])
    assert [(step.change.name, step.change.kind) for step in steps] == [("n", "rebound")]
    assert lineage.not_idempotent(lineage.by_id[script.executions[4]]) == []


def test_text_of_cells_that_were_not_run(tmp_path: Path) -> None:
    """From the notebook file; none where there is no file."""
    path = write_notebook(tmp_path / "n.ipynb", [("a", "x = 1"), ("b", "y = 2")])
    lineage, _ = lineage_of(("a", "x = 1"), notebook=path)
    assert [cell.source for cell in lineage.unrun()] == ["y = 2"]
    nothing, _ = lineage_of("x = 1")
    assert nothing.unrun() == []
