"""Types that do not go together."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "",
        "n = 3\nprint('total: ' + n)",
        "operand_types",
        [("n", "right side is int 3"), (None, "left side is str 'total: '")],
    ),
    (
        "",
        "total = None\ntotal += 5",
        "operand_types",
        [("total", "left side is None")],
    ),
    (
        "",
        "def price(): return '9'\nn = 3\nprice() - n",
        "operand_types",
        [("price()", "left side is of type str"), ("n", "right side is int 3")],
    ),
    (
        "",
        "vals = [3, 'a', None]\nsorted(vals)",
        "operand_types",
        [("vals", "elements: 1 int, 1 str, 1 NoneType, the first NoneType at position 2")],
    ),
    (
        "",
        "vals = [3.5, 4.0, 'Unknown', 2.0]\nmax(vals)",
        "operand_types",
        [("vals", "elements: 3 float, 1 str, the first str at position 2: 'Unknown'")],
    ),
    (
        "",
        "list = [1, 2]\nx = list('abc')",
        "operand_types",
        [("list", "hides the builtin of this name: it is list of 2")],
    ),
    (
        "",
        "import datetime\ndatetime(2020, 1, 1)",
        "operand_types",
        [("datetime", "is module datetime, which holds datetime")],
    ),
    (
        "",
        "d, k = {}, [1, 2]\nd[k] = 3",
        "unhashable",
        [("k", "is list of 2")],
    ),
    (
        "numpy",
        "import json, numpy as np\nout = {'a': {'b': [1, np.int64(3)]}}\njson.dumps(out)",
        "unserialisable",
        [("out['a']['b'][1]", "is int64 3 of numpy")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Both sides with type and value."""
    finds(case)
