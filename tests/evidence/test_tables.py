"""Joining, reshaping, dates."""

from __future__ import annotations

from collections.abc import Callable

import pytest

CASES = [
    (
        "pandas",
        "import pandas as pd\ndata = pd.DataFrame({'k': ['x'], 'name_count': [3]})\nnc = pd.Series([1], index=['x'], name='name_count')\ndata.join(nc, on='k')",
        "joining",
        [
            ("data", "left: DataFrame 1x2; columns: 'k', 'name_count'"),
            ("nc", "columns: 'name_count'"),
            (None, "in both: 'name_count'"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\na = pd.DataFrame({'id': [1, 2]})\nb = pd.DataFrame({'id': ['1', '2'], 'v': [1, 2]})\na.merge(b, on='id')",
        "joining",
        [("a['id']", "int64; e.g. 1, 2"), ("b['id']", "e.g. '1', '2'")],
    ),
    (
        "pandas",
        "import pandas as pd\nt = pd.DataFrame({'d': [1, 1], 'k': ['a', 'a'], 'v': [1, 2]})\nt.pivot(index='d', columns='k', values='v')",
        "duplicates",
        [("t", "1 combinations of d, k have several rows (duplicates): (1, 'a') 2 rows")],
    ),
    (
        "pandas",
        "import pandas as pd\nt = pd.DataFrame({'v': [1, 2]}, index=[1, 1])\nt.reindex([1, 2])",
        "duplicates",
        [("t", "DataFrame 2x1; 2 index labels, 1 distinct; 1 2 times")],
    ),
    (
        "pandas",
        "import pandas as pd\na, b = pd.Timestamp('2020-01-01'), pd.Timestamp('2020-01-01', tz='UTC')\na < b",
        "moments",
        [("a", "no time zone"), ("b", "time zone UTC")],
    ),
    (
        "",
        "from datetime import datetime, timezone\na, b = datetime(2020, 1, 1), datetime(2020, 1, 1, tzinfo=timezone.utc)\na - b",
        "moments",
        [("a", "no time zone"), ("b", "time zone UTC")],
    ),
    (
        "pandas seaborn",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\nimport seaborn as sns\nsns.scatterplot(data=df, x='region', y='emissions')",
        "plotted",
        [("df", "x='region' is no column; nearest 'Region' (differs in case)")],
    ),
    (
        "pandas",
        "import pandas as pd\nt = pd.DataFrame({'d': [1, 1], 'k': ['a', 'a'], 'what': ['x', 'y'], 'v': [1, 2]})\nt.pivot(index='d', columns='k', values='v')",
        "duplicates",
        [("t", "columns left out of the pivot: 'what'")],
    ),
    (
        "statsmodels pandas",
        "import pandas as pd\nimport statsmodels.formula.api as smf\nhouses = pd.DataFrame({'price': [1.0, 2.0, 4.0], 'garagecars': [1, 2, 3]})\nsmf.ols('price ~ garage_cars', data=houses)",
        "plotted",
        [("houses", "no column 'garage_cars'; nearest 'garagecars'")],
    ),
]


@pytest.mark.parametrize(
    ("needs", "source", "collector", "wanted"), CASES, ids=[case[1].strip().splitlines()[-1].strip()[:60] for case in CASES]
)
def test_facts(
    needs: str, source: str, collector: str, wanted: list[tuple[str | None, str]], crash: Callable, check: Callable
) -> None:
    """Both sides, keys, duplicates, time zones."""
    for module in needs.split():
        pytest.importorskip(module)
    check(crash(source), wanted, collector)
