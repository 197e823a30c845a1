"""The tutorial notebooks run, and show what is printed in them.

`python tests/test_notebooks.py` runs them all and writes their outputs into the files, after a deliberate change.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
TUTORIALS = ("agent_drives_a_kernel", "analysing_sessions", "finding_a_bug", "notebooks_in_ci", "what_changed")
_VARIES = (
    (re.compile(r"\b\d+(\.\d+)?(e-\d+)? ?(s|ms|min)\b"), "TIME"),
    (re.compile(r"(?<=\bdiff )\S+ \w{6}\b|(?<=-> )\S+ \w{6}\b|\(\w{6}\)"), "ID"),
    (re.compile(r"git .*|- git .*"), "GIT"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "DATE"),
    (re.compile(r"/tmp/\S+"), "PATH"),
)


def executed(name: str, place: Path) -> Any:
    """The notebook `name`, run from top to bottom in a copy of the folder below `place`: outside any git repository."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    here = place / "notebooks"
    shutil.copytree(FOLDER, here)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "AGENTLOG_DIR": str(place / "store"), "PATH": path}
    environment.pop("AGENTLOG", None)
    client = nbclient.NotebookClient(notebook, timeout=150, kernel_name="python3", resources={"metadata": {"path": str(here)}})
    client.execute(env=environment)
    return notebook


def shown(notebook: Any) -> list[str]:
    """What each code cell shows, with what differs from run to run taken out."""
    return ["".join(_text(output) for output in cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def _text(output: Any) -> str:
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}\n"
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    for pattern, put in _VARIES:
        text = pattern.sub(put, text)
    return re.sub(r"[ \t]+", " ", text)


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_shows_what_is_printed_in_it(name: str, tmp_path: Path) -> None:
    """Run in a fresh kernel, every cell shows what the notebook's readers see."""
    pytest.importorskip("pandas", minversion="3", reason="the printed outputs are those of pandas 3")
    nbformat = pytest.importorskip("nbformat")
    printed = shown(nbformat.read(FOLDER / f"{name}.ipynb", as_version=4))
    for number, (now, then) in enumerate(zip(shown(executed(name, tmp_path)), printed, strict=True)):
        assert now == then, f"code cell {number} of {name}"


def rewrite() -> None:
    """Run every tutorial and keep its outputs, as text only and without what is private to this machine."""
    import nbformat

    for name in TUTORIALS:
        with tempfile.TemporaryDirectory() as place:
            notebook = executed(name, Path(place))
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            for output in cell.get("outputs", []):
                output.get("data", {}).pop("text/html", None)
                if "text" in output:
                    output["text"] = re.sub(r"/tmp/\S+", "/tmp/…", output["text"])
                if output.output_type == "error":
                    output["traceback"] = [
                        re.sub(r"(/[^\s:]+)?/(site-packages|lib/python[\d.]+)/", ".../", line) for line in output["traceback"]
                    ]
        nbformat.write(notebook, FOLDER / f"{name}.ipynb")


if __name__ == "__main__":
    rewrite()
