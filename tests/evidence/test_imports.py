"""Modules and names that cannot be imported."""

from __future__ import annotations

from collections.abc import Callable

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


@pytest.mark.parametrize(
    ("needs", "source", "collector", "wanted"), CASES, ids=[case[1].strip().splitlines()[-1].strip()[:60] for case in CASES]
)
def test_facts(
    needs: str, source: str, collector: str, wanted: list[tuple[str | None, str]], crash: Callable, check: Callable
) -> None:
    """Nearest names, versions, what a release removed."""
    for module in needs.split():
        pytest.importorskip(module)
    check(crash(source), wanted, collector)
