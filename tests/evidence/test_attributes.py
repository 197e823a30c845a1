"""Attributes that are not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

CASES = [
    (
        "numpy",
        "import numpy as np\nX_train = np.zeros((160, 12))\nX_train.join(3)",
        "missing_attribute",
        [("X_train", "is ndarray 160x12 float64: it has no 'join'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.region",
        "missing_attribute",
        [("df", "no column 'region'; nearest 'Region' (differs in case); 3 columns: 'Region', 'emissions', 'baseYear'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.append({'a': 1})",
        "missing_attribute",
        [(None, "pandas.DataFrame.append: gone since pandas 2.0, its notes name pandas.concat; installed: ")],
    ),
    (
        "pandas",
        "import pandas as pd\ndata1 = pd.Categorical([1, 2, 3], categories=range(7), ordered=True)\ndata1.cat.rename_categories(['Monday'])",
        "missing_attribute",
        [("data1", "is Categorical (3,) category: it has no 'cat'"), (None, "pandas.Categorical never had cat")],
    ),
    (
        "pandas",
        "import pandas as pd\ns = pd.Series(['a'])\ns.lower()",
        "missing_attribute",
        [("s", "Series has .str.lower")],
    ),
    (
        "numpy",
        "import numpy as np\nnp.float(3)",
        "missing_attribute",
        [(None, "numpy.float: gone since NumPy 1.24, its notes name float; installed: ")],
    ),
    (
        "",
        "class Order:\n    def __init__(self): self.total = 5\no = Order()\no.totl",
        "missing_attribute",
        [("o", "is Order: it has no 'totl'; nearest 'total' (similar)"), ("o", "its attributes: total")],
    ),
    (
        "",
        "import re\nm = re.match('a', 'b')\nm.group(1)",
        "missing_attribute",
        [("m", "is None: it has no 'group'")],
    ),
    (
        "",
        "import re\nm = re.match('a', 'b')\nm.group(1)",
        "nothing_there",
        [("m", "is None; last assigned by line 2 `m = re.match('a', 'b')`")],
    ),
    (
        "",
        "x = ['a']\nx.upper()",
        "missing_attribute",
        [("x", "its elements (str) have 'upper'")],
    ),
    (
        "pandas sklearn",
        "import pandas as pd\nfrom sklearn.feature_extraction.text import CountVectorizer\n"
        "df = pd.DataFrame({'text': ['a', 3.5, 'b']})\nCountVectorizer().fit_transform(df['text'])",
        "missing_attribute",
        [(None, "is float 3.5: it has no 'lower'"), ("df['text']", "3.5 is element 1 of Series (3,) object, label 1")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """What the object is, what comes nearest, what removed it."""
    finds(case)


def test_a_version_is_told_once(crash: Callable, facts: Callable) -> None:
    """With what a library removed stands the version that is installed: no second fact says it again."""
    numpy = pytest.importorskip("numpy")
    told = [fact.text for fact in facts(crash("import numpy as np\nnp.float(3)")) if numpy.__version__ in fact.text]
    assert len(told) == 1 or numpy.__version__ < "1.24"
