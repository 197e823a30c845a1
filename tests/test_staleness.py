"""Staleness: which names are not what their cells would make them now, and which cells go on where they left off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("IPython")

from scripted import close_stores, lineage_of, write_notebook
from stale_sessions import STALE_SESSIONS, StaleSession

from agentlog.staleness import not_idempotent, stale


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("session", STALE_SESSIONS, ids=lambda session: session[0].replace(" ", "_"))
def test_what_is_stale_and_what_is_not(session: StaleSession, capsys: pytest.CaptureFixture[str]) -> None:
    """A name whose inputs are others now is stale; none else is called so."""
    _, cells, wanted, fresh = session
    for library in ("numpy", "pandas", "sklearn", "matplotlib"):
        if f"import {library}" in cells[0] or f"from {library}" in cells[0]:
            pytest.importorskip(library)
    lineage, _ = lineage_of(*cells)
    assert {name for name in (*wanted.split(), *fresh.split()) if stale(lineage, name)} == set(wanted.split())


def test_stale_because_an_input_changed() -> None:
    """And not, where the input was bound to an equal value again."""
    lineage, _ = lineage_of("base = [1, 2]", "double = [b * 2 for b in base]", "base.append(3)")
    assert [(s.kind, s.other.label) for s in stale(lineage, "double") if s.other] == [("inputs", "In[3]")]
    fresh, _ = lineage_of("base = 5000", "double = base * 2", "base = 5000")
    assert stale(fresh, "double") == []


def test_stale_because_the_cell_was_edited_or_deleted(tmp_path: Path) -> None:
    """By the notebook file, where it knows the session's cells; an edited cell that ran again is seen without it."""
    path = write_notebook(tmp_path / "n.ipynb", [("a", "x = 2"), ("c", "z = 3")])
    lineage, _ = lineage_of(("a", "x = 1"), ("b", "y = 1"), ("c", "z = 3"), notebook=path)
    assert [s.kind for s in stale(lineage, "x")] == ["edited"]
    assert [s.kind for s in stale(lineage, "y")] == ["deleted"]
    assert stale(lineage, "z") == []
    again, _ = lineage_of(("a", "x = 1\nonly = 1"), ("a", "x = 2"))
    assert [s.kind for s in stale(again, "only")] == ["edited"]


def test_position_alone_is_never_a_reason(tmp_path: Path) -> None:
    """A cell that stands below its reader, run first, leaves nothing stale."""
    path = write_notebook(tmp_path / "n.ipynb", [("read", "y = x"), ("made", "x = 1")])
    lineage, _ = lineage_of(("made", "x = 1"), ("read", "y = x"), notebook=path)
    assert stale(lineage, "x") == stale(lineage, "y") == []


def test_stale_because_a_cell_below_changed_it(tmp_path: Path) -> None:
    """A reader further up got another value than the cell above it makes: position and a different value together."""
    path = write_notebook(tmp_path / "n.ipynb", [("made", "x = [1]"), ("read", "y = x[0]"), ("below", "x.append(2)")])
    lineage, _ = lineage_of(("made", "x = [1]"), ("below", "x.append(2)"), ("read", "y = x[0]"), notebook=path)
    assert [(s.kind, s.execution.label, s.other.label) for s in stale(lineage, "x") if s.other] == [("below", "In[2]", "In[3]")]


def test_a_cell_that_is_not_idempotent() -> None:
    """It ran twice and changed what its first run had left."""
    lineage, script = lineage_of(("a", "n = 1"), ("b", "n += 1"), ("b", "n += 1"), ("c", "k = 5"), ("c", "k = 5"))
    steps = not_idempotent(lineage, lineage.by_id[script.executions[2]])
    assert [(step.change.name, step.change.kind) for step in steps] == [("n", "rebound")]
    assert not_idempotent(lineage, lineage.by_id[script.executions[4]]) == []
