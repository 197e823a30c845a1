"""Nothing where something was expected."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "pandas sklearn",
        "import numpy as np, pandas as pd\nfrom sklearn.model_selection import train_test_split\ndf = pd.DataFrame({'month': [1, 8], 'n': [3, 4]})\nab = df[df['month'] == '8']\nx = np.array(ab.loc[:, 'n']).reshape(-1, 1)\ntrain_test_split(x, test_size=0.2)",
        "nothing_there",
        [
            ("x", "is ndarray 0x1 int64 empty; last assigned by line 5"),
            ("ab", "DataFrame 0x2 empty"),
            ("df", "column 'month' (int64), compared with str '8', nearest 8 (is an int, not a str); 2 distinct values: 1, 8"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf = df.dropna(inplace=True)\ndf.head()",
        "nothing_there",
        [("df", "is None; last assigned by line 3 `df = df.dropna(inplace=True)`")],
    ),
    (
        "",
        "names = {}\nmax(names)",
        "nothing_there",
        [("names", "is empty dict")],
    ),
    (
        "",
        "def fill(table):\n    table['a'] = 1\nd = fill({})\nd['a']",
        "nothing_there",
        [("d", "is None; last assigned by line 3 `d = fill({})`; fill has no return with a value")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'a': [2, 1]})\ns = df.sort_values('a', inplace=True)\ns['a']",
        "nothing_there",
        [("s", "inplace=True changes the object and returns None")],
    ),
    (
        "",
        "pairs = zip('ab', [1, 2])\nn = len(list(pairs))\nmax(pairs)",
        "read_before",
        [("pairs", "is a zip: it gives its elements once; before this, line 2 `n = len(list(pairs))` used it up")],
    ),
    ("", "gen = (n for n in [1])\nlist(gen)\nmax(gen)", "read_before", [("gen", "and has given them all")]),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """None and empty tables, followed back to what emptied them."""
    finds(case)
