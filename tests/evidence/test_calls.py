"""Calls that do not fit."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "",
        "def f(a, b=2, *, key=None): pass\nf(1, 2, 3)",
        "wrong_call",
        [("f", "signature: f(a, b=2, *, key=None)"), ("f", "called with 3 positional (1, 2, 3)")],
    ),
    (
        "",
        "def f(a, b=2, *, key=None): pass\nf(1, kye=3)",
        "wrong_call",
        [("f", "no parameter 'kye'; nearest 'key' (similar)")],
    ),
    (
        "sklearn",
        "from sklearn.preprocessing import OneHotEncoder\nOneHotEncoder(spars=False)",
        "wrong_call",
        [
            ("OneHotEncoder", "no parameter 'spars'; nearest 'sparse_output'"),
            ("OneHotEncoder", "called with 0 positional, keywords spars"),
        ],
    ),
    (
        "",
        "class Shop:\n    def open(self, hour): pass\nshop = Shop()\nshop.open()",
        "wrong_call",
        [("shop.open", "signature: open(self, hour)"), ("shop.open", "called with 0 positional")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})\ndef f(x, y): return x + y\ndf['a'].apply(f)",
        "wrong_call",
        [("f", "signature: f(x, y); it was called by a library")],
    ),
    (
        "matplotlib",
        "import matplotlib\nmatplotlib.use('Agg')\nfrom matplotlib.lines import Line2D\nline = Line2D([0], [0])\nline.set(colour='red')",
        "wrong_call",
        [("line.set", "called with 0 positional, keywords colour")],
    ),
    (
        "matplotlib",
        "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nplt.plot([1, 2], [1, 2], colour='red')",
        "wrong_call",
        [(None, "Line2D has no property 'colour'; nearest 'color' (similar)")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """The real signature, what was passed, the nearest parameter."""
    finds(case)
