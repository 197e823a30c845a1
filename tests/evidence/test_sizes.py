"""Sizes that do not fit."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "numpy",
        "import numpy as np\na = np.zeros((3, 4))\nb = np.zeros(3)\nc = a @ b",
        "sizes",
        [("a", "ndarray 3x4 float64"), ("b", "ndarray (3,) float64")],
    ),
    (
        "numpy",
        "import numpy as np\na = np.zeros((3, 4))\nb = np.zeros((5, 1, 2))\nc = a + b",
        "sizes",
        [("a", "ndarray 3x4"), ("b", "ndarray 5x1x2")],
    ),
    (
        "numpy",
        "import numpy as np\nparts = [np.zeros((2, 3)), np.zeros((2, 4))]\nnp.concatenate(parts)",
        "sizes",
        [("parts", "list of 2")],
    ),
    (
        "numpy",
        "import numpy as np\nrows = [[1, 2], [3], [4, 5]]\nnp.array(rows)",
        "sizes",
        [("rows", "2 parts have length 2, 1 do not: [1] has 1")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\nnew = [1, 2]\ndf['b'] = new",
        "sizes",
        [("new", "list of 2"), ("df", "assigned into: DataFrame 3x3")],
    ),
    (
        "pandas",
        "import pandas as pd\nx, y = [1, 2, 3], [1]\npd.DataFrame({'a': x, 'b': y})",
        "sizes",
        [("x", "list of 3"), ("y", "list of 1"), ("...", "['b'] has 1")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.columns = ['a', 'b']",
        "sizes",
        [("df", "DataFrame 3x3")],
    ),
    (
        "numpy",
        "import numpy as np\nflat = np.zeros(10)\nflat.reshape(3, 4)",
        "sizes",
        [("flat", "ndarray (10,) float64")],
    ),
    (
        "sklearn numpy",
        "from sklearn.linear_model import LinearRegression\nimport numpy as np\nX, y = np.zeros((10, 2)), np.zeros(9)\nLinearRegression().fit(X, y)",
        "sizes",
        [("X", "ndarray 10x2"), ("y", "ndarray (9,)")],
    ),
    (
        "pandas",
        "import pandas as pd\ny, p = pd.DataFrame({'a': [1, 2]}), pd.DataFrame({'b': [1, 2]})\npd.DataFrame({'actual': y.values, 'pred': p.values})",
        "sizes",
        [("...", "'pred'")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Both sides by name with their shapes."""
    finds(case)
