"""Assertions that did not hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

CASES = [
    (
        "",
        "a, b = [1, 2, 3], [1, 2, 4]\nassert a == b, 'x'",
        "assertion",
        [("a", "is list of 3: 1, 2, 3"), ("b", "is list of 3: 1, 2, 4"), (None, "first difference at position 2: 3 and 4")],
    ),
    (
        "numpy",
        "import numpy as np\nX = np.zeros((2, 3))\nassert X.shape[1] == 4",
        "assertion",
        [("X.shape[1]", "is int 3"), (None, "asserted: X.shape[1] == 4")],
    ),
]


@pytest.mark.parametrize(
    ("needs", "source", "collector", "wanted"), CASES, ids=[case[1].strip().splitlines()[-1].strip()[:60] for case in CASES]
)
def test_facts(
    needs: str, source: str, collector: str, wanted: list[tuple[str | None, str]], crash: Callable, check: Callable
) -> None:
    """Both sides."""
    for module in needs.split():
        pytest.importorskip(module)
    check(crash(source), wanted, collector)
