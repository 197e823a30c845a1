"""Unpacking into the wrong number of names."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "",
        "right = [1, 2, 3]\na, b = right",
        "unpacking",
        [("right", "2 names on the left ((a, b)); list of 3: 1, 2, 3")],
    ),
    (
        "",
        "pairs = [(1, 2), (3, 4, 5), (1, 2)]\nfor a, b in pairs: pass",
        "unpacking",
        [("pairs", "2 names in `for (a, b)`; element 1 is tuple of 3: 3, 4, 5; most elements have 2")],
    ),
    (
        "",
        "d = {'abc': 1, 'x': 2}\nfor k, v in d: pass",
        "unpacking",
        [("d", "iterating a dict gives its keys only: 'abc', 'x'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\nfor i, row in df: pass",
        "unpacking",
        [("df", "iterating a DataFrame gives its column labels: 'Region', 'emissions', 'baseYear'")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """How many names, how many values, which element."""
    finds(case)
