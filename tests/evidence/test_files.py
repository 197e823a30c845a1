"""Files that cannot be opened or read: the folder, the nearest names, the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a data folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("a,b\n1,2\n")
    (tmp_path / "data" / "bad.csv").write_text("a,b\n1,2\n3,4,5\n")
    (tmp_path / "data" / "empty.csv").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_that_does_not_exist(folder: Path, crash: Callable, check: Callable) -> None:
    """Where it was looked for, what is in the folder, which name comes near."""
    failure = crash("open('data/tran.csv')")
    check(failure, [
        ("data/tran.csv", f"resolved to {folder}/data/tran.csv; working directory {folder}"),
        ("data/tran.csv", "'tran.csv' is not in it; nearest 'train.csv' (similar)"),
        (f"{folder}/data", "bad.csv, empty.csv, train.csv"),
    ], "file_trouble")  # fmt: skip


def test_a_file_that_lies_elsewhere(folder: Path, crash: Callable, check: Callable) -> None:
    """The same name below the working directory is found."""
    check(crash("open('train.csv')"), [("train.csv", "a file of this name is at data/train.csv")], "file_trouble")
    check(crash("open('input/train.csv')"), [("input/train.csv", f"{folder} exists, 'input' is not in it")], "file_trouble")


def test_a_working_directory_that_a_cell_changed(folder: Path, crash: Callable, check: Callable) -> None:
    """Relative paths are counted from there: the cell is named."""
    failure = crash("open('train.csv')", history=("import os", "os.chdir('data')", "os.chdir('..')"))
    check(failure, [(None, "the working directory was changed by In[3] `os.chdir('..')`")], "file_trouble")


def test_a_folder_opened_as_a_file(folder: Path, crash: Callable, check: Callable) -> None:
    check(crash("open('data')"), [("data", "exists: a folder"), ("...", "train.csv")], "file_trouble")


def test_a_home_that_is_not_expanded(folder: Path, crash: Callable, check: Callable) -> None:
    check(crash("open('~/nothing/x.csv')"), [("~/nothing/x.csv", "begins with ~, which open() takes literally")], "file_trouble")


def test_pandas_names_the_line_of_the_file(folder: Path, crash: Callable, check: Callable) -> None:
    """The line that did not parse, and how its separators differ from the first."""
    pytest.importorskip("pandas")
    failure = crash("import pandas as pd\npath = 'data/bad.csv'\npd.read_csv(path)")
    check(failure, [("data/bad.csv", "line 3: '3,4,5'"), (None, "',' 1 in line 1, 2 in line 3")], "file_text")
    check(
        crash("import pandas as pd\npd.read_csv('data/empty.csv')"),
        [("data/empty.csv", "the file is empty (0 bytes)")],
        "file_text",
    )


def test_a_module_hidden_by_a_file_of_the_users(
    folder: Path, crash: Callable, check: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local `statistics.py` where the standard one was meant."""
    import sys

    (folder / "statistics.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(folder))
    before = sys.modules.pop("statistics", None)
    try:
        failure = crash("import statistics\nstatistics.mean([1])")
    finally:
        sys.modules.pop("statistics", None)
        if before is not None:
            sys.modules["statistics"] = before
    check(
        failure,
        [("statistics", f"module statistics is the file {folder}/statistics.py: it hides the module")],
        "missing_attribute",
    )
