"""Values that cannot be used."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "pandas sklearn",
        "import pandas as pd\nfrom sklearn.linear_model import LinearRegression\nX = pd.DataFrame({'a': [1, 2, 3], 'street': ['9 St', 'x', 'y'], 'c': [1.0, None, 2.0]})\nLinearRegression().fit(X, [1, 2, 3])",
        "unusable_content",
        [
            ("X", "1 of 3 columns are not numbers: street"),
            ("X", "'9 St' is in column 'street'"),
            ("X", "missing values in 1 of 3 columns, of 3 rows: c 1"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ngame_df = pd.DataFrame({'released': ['2010-01-02', None, '2011-01-01']})\ngame_df['released'].apply(lambda x: str(x).split('-')[0]).astype('int')",
        "unusable_content",
        [
            ("game_df['released']", "1 of 3 missing (NaN or None)"),
            ("game_df['released']", "not numbers: '2010-01-02', '2011-01-01'"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ns = pd.Series(['1', '2', '46.0'])\nfor v in s:\n    int(v)",
        "unusable_content",
        [("v", "int() was given str '46.0': a decimal number as text"), ("s", "'46.0' 1 times of 3, first at position 2")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'a': [1.0, None, float('inf')]})\ndf['a'].astype(int)",
        "unusable_content",
        [("df['a']", "1 of 3 missing (NaN or None); 1 infinite; finite values e.g. 1.0")],
    ),
    (
        "pandas",
        "import pandas as pd\nco2 = pd.Series([316.1, None, 317.3])\nco2.astype(int)",
        "unusable_content",
        [("co2", "1 of 3 missing (NaN or None); present values e.g. 316.1, 317.3")],
    ),
    (
        "numpy sklearn",
        "import numpy as np\nfrom sklearn.linear_model import LinearRegression\nX = np.array([[1, np.nan], [np.inf, 2]])\nLinearRegression().fit(X, [1, 2])",
        "unusable_content",
        [("X", "ndarray 2x2 float64; 1 of 4 missing (NaN or None); 1 infinite")],
    ),
    (
        "pandas",
        "import pandas as pd\ns = pd.Series([1, 2])\ns.str.lower()",
        "unusable_content",
        [("s", "Series (2,) int64; e.g. 1, 2")],
    ),
    (
        "",
        "text = '1,234'\nint(text)",
        "unusable_content",
        [("text", "int() was given str '1,234': with a thousands separator")],
    ),
    (
        "",
        "word = ''\nfloat(word)",
        "unusable_content",
        [("word", "an empty text")],
    ),
    (
        "sklearn pandas",
        "import pandas as pd\nfrom sklearn.linear_model import LinearRegression\nX = pd.DataFrame({'a': [1.0, float('inf')], 'b': [1.0, 2.0]})\nLinearRegression().fit(X, [1, 2])",
        "unusable_content",
        [("X", "infinite values in 1 of 2 columns: a 1")],
    ),
    (
        "statsmodels pandas",
        "import pandas as pd\nimport statsmodels.api as sm\nX = pd.DataFrame({'n': [1, 2, 3], 'yes': [True, False, True]})\ny = pd.Series([1.0, 2.0, 3.0])\nsm.OLS(y, X)",
        "unusable_content",
        [("X", "1 of 2 columns are bool beside numbers, objects to numpy: yes; int64: n")],
    ),
    (
        "torch pandas",
        "import pandas as pd\nimport torch\nX = pd.DataFrame({'n': [1, 2], 'yes': [True, False]})\ntorch.tensor(X.values)",
        "unusable_content",
        [("X", "1 of 2 columns are bool beside numbers, objects to numpy: yes; int64: n")],
    ),
    (
        "pandas torch",
        "import pandas as pd\nimport torch\nbills = pd.DataFrame({'due': [1, 2], 'paid': ['9.5', 'x']})\nX = bills.values\npart = X[:1]\ntorch.tensor(part)",
        "unusable_content",
        [("bills", "1 of 2 columns are not numbers: paid")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """Which column, how many, samples."""
    finds(case)
