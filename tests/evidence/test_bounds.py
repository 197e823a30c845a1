"""Indexes beyond the end."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "numpy pandas",
        "import numpy as np, pandas as pd\nax = np.arange(6)\ndf = pd.DataFrame(np.zeros((5, 8)), columns=list('abcdefgh'))\nfor i, col in enumerate(list(df.columns.values)):\n    axes_box = ax[i]",
        "index_out_of_range",
        [("ax", "ndarray (6,) int64, valid 0..5; index i = 6 is out of range"), (None, "i = 6, col = 'g'; df is DataFrame 5x8")],
    ),
    (
        "numpy",
        "import numpy as np\naxs = np.zeros((2, 5))\ncol = 6\nfor j in range(col):\n    axs[0, j] = j",
        "index_out_of_range",
        [
            ("axs", "ndarray 2x5 float64; index (0, j) = (0, 5): axis 1 has 5, asked for 5"),
            (None, "the loop `for j in range(col)`: j = 5; col is int 6"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\nn = 3\ndf.iloc[n]",
        "index_out_of_range",
        [("df", "DataFrame 3x3; .iloc index n = 3: axis 0 has 3, asked for 3")],
    ),
    (
        "",
        "def second(parts, k):\n    return parts[k + 1]\nsecond('a,b'.split(','), 1)",
        "index_out_of_range",
        [("parts", "list of 2, valid 0..1; index k + 1 = 2 is out of range")],
    ),
    (
        "",
        "rows = []\nrows.pop()",
        "index_out_of_range",
        [("rows", "empty list")],
    ),
    (
        "numpy",
        "import numpy as np\na = np.zeros(3)\na[0, 1]",
        "index_out_of_range",
        [("a", "2 indices for 1 dimension")],
    ),
    (
        "numpy",
        "import numpy as np\naxes, cols = np.zeros((2, 2)), ['a', 'b', 'c']\ni = 2\naxes[i, 0], cols[i]",
        "index_out_of_range",
        [("axes", "axis 0 has 2, asked for 2")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Length, index and the loop around it."""
    finds(case)
