"""Modules and names that cannot be imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CASES = [
    (
        "sklearn",
        "import sklern",
        "failed_import",
        [("sklern", "nearest 'sklearn' (similar)")],
    ),
    (
        "sklearn",
        "from sklearn.metrics import accuracy_scor",
        "failed_import",
        [("sklearn.metrics", "has no 'accuracy_scor'; nearest 'accuracy_score' (similar)")],
    ),
    (
        "",
        "from collections import Mapping",
        "failed_import",
        [(None, "collections.Mapping: gone since Python 3.10, its notes name collections.abc.Mapping")],
    ),
    (
        "",
        "import cv2_missing.thing",
        "failed_import",
        [("cv2_missing", "no module 'cv2_missing'")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Nearest names, versions, what a release removed."""
    finds(case)


def test_the_libraries_are_sought_behind_many_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash: Callable, check: Callable
) -> None:
    """A program that inserts its own folders into sys.path puts them before those of the libraries."""
    pytest.importorskip("sklearn")
    for number in range(40):
        monkeypatch.syspath_prepend(str(tmp_path / str(number)))
    check(crash("import sklern"), [("sklern", "nearest 'sklearn' (similar)")], "failed_import")
