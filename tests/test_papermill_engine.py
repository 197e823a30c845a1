"""papermill with our engine: its semantics, our kernel, and the context of a failure in its log."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

papermill = pytest.importorskip("papermill")

from notebook_files import read, shown, write  # noqa: E402
from papermill.engines import papermill_engines  # noqa: E402
from papermill.exceptions import PapermillExecutionError  # noqa: E402

from agentlog.store import Store  # noqa: E402
from agentlog_ipy.papermill_engine import AgentlogEngine  # noqa: E402


@pytest.fixture(autouse=True)
def _engine() -> None:
    papermill_engines.register("agentlog", AgentlogEngine)


def _execute(path: Path, out: Path, **options: object) -> None:
    papermill.execute_notebook(path, out, engine_name="agentlog", progress_bar=False, cwd=path.parent, **options)


def test_parameters_outputs_and_metadata_are_papermill_s(tmp_path: Path, store_folder: Path) -> None:
    """And the cells are in the store, with the notebook's path."""
    path = write(tmp_path / "in.ipynb", ("n = 1", "parameters"), "print(n)", "n + 1")
    _execute(path, tmp_path / "out.ipynb", parameters={"n": 7}, store=store_folder)
    out = read(tmp_path / "out.ipynb")
    assert [shown(cell) for cell in out.cells] == ["", "", "7\n", "8"]
    assert {cell.metadata.papermill.status for cell in out.cells} == {"completed"}
    store = Store.open(store_folder)
    try:
        assert {execution.notebook for execution in store.executions(store.session().id)} == {str(path)}
    finally:
        store.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_failure_is_papermill_s_with_our_context_in_the_log(
    tmp_path: Path, store_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """PapermillExecutionError as always."""
    path = write(tmp_path / "in.ipynb", "prices = {'apple': 3}", "prices['aple']", "print('never')")
    with caplog.at_level(logging.ERROR, logger="papermill"), pytest.raises(PapermillExecutionError, match="aple"):
        _execute(path, tmp_path / "out.ipynb", store=store_folder)
    assert "apple" in caplog.text
    statuses = [cell.metadata.papermill.status for cell in read(tmp_path / "out.ipynb").cells if cell.source.startswith("pri")]
    assert statuses == ["completed", "failed", "pending"]
