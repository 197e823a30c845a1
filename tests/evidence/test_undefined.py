"""Names that nothing bound."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndef fit(a, b): pass\nfit(X, y)\nprint(z)",
        "undefined_name",
        [("X", "not defined"), (None, "also not defined and read by this cell: y, z")],
    ),
    (
        "",
        "def tax(x):\n    return x * rate + base\ndef price(x):\n    return tax(x) + offset\nprice(3) + shipping",
        "undefined_name",
        [
            ("rate", "not defined"),
            (None, "also not defined and read by this cell: shipping"),
            (None, "also not defined and read by the functions it failed in: offset, base"),
        ],
    ),
    (
        "",
        "def decompose(data):\n    multiplicative_model = 3\n    return multiplicative_model\nmultiplicative_model",
        "undefined_name",
        [("decompose", "multiplicative_model is a local variable of function decompose")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\nemissions",
        "undefined_name",
        [("df", "'emissions' is a column of it (DataFrame 3x3)")],
    ),
    (
        "numpy",
        "import numpy\nnp.zeros(3)",
        "undefined_name",
        [("np", "module numpy is loaded, here under the name numpy")],
    ),
    (
        "",
        "x_train = [1, 2]\nlen(x_tran)",
        "undefined_name",
        [("x_tran", "nearest: x_train (similar; list of 2)")],
    ),
    (
        "",
        "pritn(3)",
        "undefined_name",
        [("pritn", "nearest: print (similar; function print)")],
    ),
    (
        "",
        "count = 0\ndef bump():\n    count += 1\nbump()",
        "undefined_name",
        [("count", "line 3 `count += 1` makes it a local of bump"), ("count", "a global of this name exists: int 0")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Price': [1, 2]})\ndf.query('price > 1')",
        "undefined_name",
        [("df", "no column 'price'; nearest 'Price' (differs in case); columns: 'Price'")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Nearest names, others unbound in the cell, who has it as a local."""
    finds(case)
