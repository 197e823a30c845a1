"""Errors inside functions that something else called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

CASES = [
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'v': ['1', '2', 'x3']})\ndef conv(t): return int(t) * 2\ndf['v'].apply(conv)",
        "element",
        [
            (None, "conv was called by pandas Series.apply with t = 'x3'"),
            ("df['v']", "'x3' is element 2 of Series (3,)"),
            ("df['v']", "3 texts, 1 of them not numbers; not numbers: 'x3'"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'v': [1, 0], 'w': [2, 0]})\ndf.apply(lambda r: 1 // int(r['v']), axis=1)",
        "element",
        [(None, "with r = row 1 ('v': 0, 'w': 0)"), ("df", "row 1 of 2, label 1")],
    ),
    (
        "",
        "vals = ['1', 'x']\nfor v in vals:\n    int(v)",
        "iteration",
        [(None, "the loop `for v in vals`: v = 'x' is element 1 of list of 2")],
    ),
    (
        "",
        "texts = {'a.txt': 'of the', 'b.txt': 'red fox'}\nwords = {'a.txt': [], 'b.txt': ['fox']}\nfor name, found in words.items():\n    1 / len(found)",
        "iteration",
        [(None, "name = 'a.txt', found = empty list"), ("texts", "['a.txt'] holds 'of the'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'v': ['a', 'c']})\nknown = {'a': 1, 'b': 2}\ndf['v'] = df['v'].apply(lambda t: known[t])",
        "missing_key",
        [("known", "no key 'c'"), ("known", "2 keys: 'a', 'b'")],
    ),
    (
        "",
        "import concurrent.futures as cf\ndef work(x): return 10 // x\nwith cf.ThreadPoolExecutor(1) as pool:\n    list(pool.map(work, [1, 2, 0]))",
        "element",
        [(None, "work was called by concurrent"), (None, "with x = 0")],
    ),
    (
        "",
        "try:\n    {}['a']\nexcept KeyError as e:\n    raise RuntimeError('could not load') from e",
        "chain",
        [(None, "2 exceptions in the chain; it began with KeyError: a in <module>, line 2")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Which element, at which position; where a chain began."""
    finds(case)


def test_a_chain_of_one_message_is_told_once(crash: Callable, facts: Callable) -> None:
    """A library that raises the error of another as one of its own, of the same name and text, adds nothing."""
    pytest.importorskip("requests")
    source = (
        "import requests\nr = requests.Response()\nr.status_code, r.url, r._content = 200, 'http://host/x', b'{oops'\nr.json()"
    )
    assert not facts(crash(source), "chain")
