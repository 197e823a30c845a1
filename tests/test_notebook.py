"""Notebook files: read with one-line errors, written whole, parameters as papermill has them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest
from notebook_files import notebook, write

from agentlog.errors import NotFound, UsageError
from agentlog_ipy.notebook import code_cells, inject, parse_parameter, read_notebook, tags, write_notebook
from agentlog_ipy.whole_files import write_text


def test_a_missing_notebook_names_one_that_is_near(tmp_path: Path) -> None:
    """One line with a suggestion."""
    write(tmp_path / "analysis.ipynb", "1")
    with pytest.raises(NotFound, match=r"no notebook .*analyss.ipynb; did you mean .*analysis.ipynb"):
        read_notebook(tmp_path / "analyss.ipynb")
    with pytest.raises(NotFound, match="there is no folder"):
        read_notebook(tmp_path / "nowhere" / "x.ipynb")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no JSON"),
        ("not json", "no JSON"),
        ("[]", "JSON without cells"),
        ('{"a": 1}', "JSON without cells"),
        ('{"cells": [{"cell_type": "nosuch", "source": ""}]}', "not a valid notebook"),
        ('{"cells": 5}', "not a valid notebook"),
        ("\xff\xfe", "cannot be read|no JSON"),
    ],
)
def test_what_is_no_notebook_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    """With the reason."""
    path = tmp_path / "x.ipynb"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=reason) as caught:
        read_notebook(path)
    assert "\n" not in str(caught.value)


def test_old_and_careless_notebooks_are_completed(tmp_path: Path) -> None:
    """Missing ids, metadata, outputs and split sources; the same ids each time."""
    path = tmp_path / "x.ipynb"
    cells = [{"cell_type": "code", "source": ["a = 1\n", "b"]}, {"cell_type": "markdown", "source": "text", "metadata": {}}]
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 2, "metadata": {}}))
    first, second = read_notebook(path), read_notebook(path)
    assert first.cells[0].source == "a = 1\nb"
    assert [cell.id for cell in first.cells] == [cell.id for cell in second.cells]
    nbformat.validate(first)


def test_a_version_3_notebook_is_converted(tmp_path: Path) -> None:
    """As nbclient does."""
    path = tmp_path / "x.ipynb"
    nbformat.write(nbformat.convert(notebook("1 + 1"), 3), str(path), version=3)
    assert [cell.source for _, cell in code_cells(read_notebook(path))] == ["1 + 1"]


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    """What cannot be written leaves the old file, and no fragment beside it; the mode stays."""
    path = tmp_path / "x.ipynb"
    write_notebook(notebook("old"), path)
    path.chmod(0o640)
    broken = notebook("new")
    broken.cells[0].metadata["object"] = object()
    with pytest.raises(TypeError):
        write_notebook(broken, path)
    assert read_notebook(path).cells[0].source == "old"
    write_notebook(notebook("new"), path)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["x.ipynb"]


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    """As the umask says, not that of a temporary file."""
    mask = os.umask(0o022)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "cells",
    [
        (("n = 1", "parameters"), "n"),
        ("before", ("n = 1", "parameters"), "n"),
        ("n", "m"),
        (("n = 1", "parameters"), ("n = 2", "injected-parameters"), "n"),
        ("x", ("n = 2", "injected-parameters"), "n"),
    ],
)
def test_parameters_go_where_papermill_puts_them(cells: tuple[object, ...]) -> None:
    """After the tagged cell, in place of those of an earlier run, else at the top."""
    parameterize_notebook = pytest.importorskip("papermill.parameterize").parameterize_notebook
    ours = inject(notebook(*cells), {"n": 5})  # type: ignore[arg-type]
    theirs = parameterize_notebook(notebook(*cells, papermill={}), {"n": 5})  # type: ignore[arg-type]
    assert [cell.source.strip() for cell in ours.cells] == [cell.source.strip() for cell in theirs.cells]
    assert [("injected-parameters" in tags(cell)) for cell in ours.cells] == [
        ("injected-parameters" in tags(cell)) for cell in theirs.cells
    ]


def test_other_languages_and_bad_names_are_refused() -> None:
    """Rather than written wrongly."""
    with pytest.raises(UsageError, match="this one is in bash"):
        inject(notebook("echo", kernelspec={"name": "bash", "display_name": "Bash", "language": "bash"}), {"n": 1})
    with pytest.raises(UsageError, match="not a name"):
        inject(notebook("1"), {"a-b": 1})
    with pytest.raises(UsageError, match="'class' is not a name"):
        inject(notebook("1"), {"class": 1})


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e999", '[1, {"low": -Infinity}, NaN]', "(1, 'x', None)", "{'a': [True]}"])
def test_a_parameter_is_the_same_in_the_notebook(text: str) -> None:
    """Also the numbers for which Python has no literal."""
    name, value = parse_parameter(f"n={text}")
    names: dict[str, object] = {}
    exec(inject(notebook("1"), {name: value}).cells[0].source, names)
    assert repr(names["n"]) == repr(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=3", 3),
        ("n=0.5", 0.5),
        ("n=text", "text"),
        ("n=[1, 2]", [1, 2]),
        ("n=true", True),
        ("n=None", None),
        ("n='3'", "3"),
        ("n=", ""),
        ("n=a=b", "a=b"),
    ],
)
def test_parameters_on_the_command_line(text: str, value: object) -> None:
    """Python or JSON where it is one of them, else text."""
    assert parse_parameter(text) == ("n", value)


@pytest.mark.parametrize("text", ["n", "=3", "a b=3", "1n=2"])
def test_a_parameter_needs_a_name_and_a_value(text: str) -> None:
    """One line."""
    with pytest.raises(UsageError, match="name=value"):
        parse_parameter(text)
