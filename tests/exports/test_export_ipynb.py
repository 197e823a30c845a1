"""The rebuilt notebook, validated by nbformat."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import nbformat
from samples import LONG, ODD, PNG, Samples

from agentlog import cli
from agentlog.events import ExecutionStarted, ProcessDied
from agentlog.exports import ipynb
from agentlog.exports.selection import Selection
from agentlog.ids import new_id


def _read(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_cells_and_outputs_as_a_front_end_would_show_them(selection: Selection, made: Samples, tmp_path: Path) -> None:
    """Streams that follow each other are one, updates replace, clears clear, images and cut output come from their blobs."""
    assert ipynb.write(replace(selection, session=made.events[0].session), tmp_path / "n.ipynb") == 6
    cells = _read(tmp_path / "n.ipynb").cells
    assert [cell.source for cell in cells] == ["df = load()", "df['price']", "plot()", "noise()", "long()", "never()"]
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4, 5, None]
    assert [(out.name, out.text) for out in cells[0].outputs] == [("stdout", "one\ntwo\n"), ("stderr", "warn\n")]
    error = cells[1].outputs[0]
    assert (error.ename, error.evalue) == ("KeyError", "'price'")
    assert "  In[2], line 1, in <module>" in error.traceback
    assert error.traceback[-1] == "KeyError: 'price'"
    first, figure, result = cells[2].outputs
    assert first.data["text/plain"] == "second"
    assert base64.b64decode(figure.data["image/png"]) == PNG
    assert (result.output_type, result.execution_count, result.data["application/json"]) == ("execute_result", 3, {"a": 1})
    assert [out.text for out in cells[3].outputs] == ["stays\n"]
    assert cells[4].outputs[0].text == LONG
    assert cells[5].metadata.agentlog == {"status": "not_run", "reason": "an earlier cell failed"}


def test_odd_text_makes_a_valid_notebook(selection: Selection, made: Samples, tmp_path: Path) -> None:
    """Control characters and half characters neither break the file nor the schema."""
    ipynb.write(replace(selection, session=made.session), tmp_path / "n.ipynb")
    assert _read(tmp_path / "n.ipynb").cells[9].source == ODD[2]


def test_a_cell_that_took_the_kernel_with_it(made: Samples, tmp_path: Path) -> None:
    """It ends with an error output that says how the kernel died."""
    made.begin()
    execution = new_id()
    made.add(ExecutionStarted(execution=execution, number=1, count=1, source="crash()"))
    made.add(ProcessDied(signal="SIGSEGV (segmentation fault)", exit_code=-11))
    assert cli.main(["export", str(tmp_path / "n.ipynb")]) == 0
    (output,) = _read(tmp_path / "n.ipynb").cells[0].outputs
    assert (output.ename, output.evalue) == ("DeadKernel", "died: SIGSEGV (segmentation fault)")
