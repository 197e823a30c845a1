"""Assertions that did not hold."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "",
        "a, b = [1, 2, 3], [1, 2, 4]\nassert a == b, 'x'",
        "assertion",
        [("a", "is list of 3: 1, 2, 3"), ("b", "is list of 3: 1, 2, 4"), (None, "first difference at position 2: 3 and 4")],
    ),
    (
        "",
        "lst, vals = [1, 2, 3], ['a']\nassert sum(lst) == len(vals) * 2",
        "assertion",
        [("sum(lst)", "is int 6"), ("len(vals) * 2", "is int 2")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\nassert df['a'].sum() == 4",
        "assertion",
        [("df['a'].sum()", "is int64 3")],
    ),
    (
        "numpy",
        "import numpy as np\nX = np.zeros((2, 3))\nassert X.shape[1] == 4",
        "assertion",
        [("X.shape[1]", "is int 3"), (None, "asserted: X.shape[1] == 4")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Both sides."""
    finds(case)
