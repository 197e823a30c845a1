"""Missing keys, columns, labels and groups."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.groupby('Region').get_group('A').sort_values(by='%percent emission')",
        "missing_key",
        [
            ("df.groupby('Region').get_group('A')", "no column '%percent emission'; nearest 'emissions' (similar)"),
            ("...", "DataFrame 1x3; columns: 'Region', 'emissions', 'baseYear'"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf['region']",
        "missing_key",
        [
            ("df", "no column 'region'; nearest 'Region' (differs in case)"),
            ("df", "DataFrame 3x3; columns: 'Region', 'emissions', 'baseYear'"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf[['region', 'nope']]",
        "missing_key",
        [("df", "no column 'region'; nearest 'Region'"), ("df", "no column 'nope'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.drop(columns=['Emission'])",
        "missing_key",
        [("df", "no column 'Emission'; nearest 'emissions'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.groupby('Region').get_group('a')",
        "missing_group",
        [("df['Region']", "no group 'a'; nearest 'A' (differs in case)"), ("df['Region']", "3 groups: 'A', 'B', 'C'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\npart = df[df['emissions'] != 4]\npart['emissions'][1]",
        "missing_key",
        [
            ("part['emissions']", "no label 1"),
            ("part['emissions']", "1 of the labels between 0 and 2 do not exist, 1 is one of them"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\nnamed = df.set_index('Region')\nnamed.loc['b', 'emissions']",
        "missing_key",
        [("named", "no label 'b'; nearest 'B' (differs in case)")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\nnamed = df.set_index('Region')\nnamed['Region']",
        "missing_key",
        [("named", "'Region' is the name of the index"), ("df", "has 'Region' (DataFrame 3x3)")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.columns = [1, 2, 3]\ndf['1']",
        "missing_key",
        [("df", "no column '1'; nearest 1 (is an int, not a str)")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'Region': ['A', 'B', 'C'], 'emissions': [3, 4, 5], 'baseYear': [1, 2, 3]})\ndf.apply(lambda row: row['emission'], axis=1)",
        "missing_key",
        [("row", "no label 'emission'; nearest 'emissions'")],
    ),
    (
        "",
        "conf = {'Host': 'x', 'port': 1}\nfor k in ['port', 'host']:\n    conf[k]",
        "missing_key",
        [("conf", "no key 'host'; nearest 'Host' (differs in case)"), ("conf", "2 keys: 'Host', 'port'")],
    ),
    (
        "",
        "conf = {8: 'x'}\nconf['a'] = conf.pop('8')",
        "missing_key",
        [("conf", "no key '8'; nearest 8 (is an int, not a str)")],
    ),
    (
        "",
        "rows = [{'id': 1, 'name': 'x'}, {'id': 2}]\nnames = [r['name'] for r in rows]",
        "missing_key",
        [("rows", "1 of 2 elements have no 'name', the first is element 1 with 'id'")],
    ),
    (
        "",
        "import os\nos.environ['PATHH']",
        "missing_key",
        [("os.environ", "no environment variable 'PATHH'; nearest 'PATH' (similar)")],
    ),
    (
        "",
        "config = {'a': {}}\nconfig['a']['b']",
        "missing_key",
        [("config['a']", "no keys at all: it is empty")],
    ),
    (
        "pandas",
        "import pandas as pd\na, b = pd.DataFrame({'id': [1]}), pd.DataFrame({'Id': [1]})\npd.merge(a, b, on='id')",
        "missing_key",
        [("b", "no column 'id'; nearest 'Id' (differs in case)"), ("a", "has 'id' (DataFrame 1x1)")],
    ),
    ("", "{'Region': 1}['region']", "missing_key", [("{'Region': 1}", "no key 'region'; nearest 'Region' (differs in case)")]),
    (
        "",
        "user = {'name': 'ann', 'home': {'city': 'Oslo'}}\nuser['city']",
        "missing_key",
        [("user", "'city' is a key of user['home']")],
    ),
    (
        "pandas",
        "import pandas as pd\ndays = pd.to_datetime(['2018-01-02', '2016-05-01', '2017-03-04'])\nload = pd.DataFrame({'mw': [3, 1, 2]}, index=days)\nload.loc['2016-11':'2017-02']",
        "missing_key",
        [
            ("load", "its rows are not in order: 2016-05-01 comes after 2018-01-02"),
            ("load", "index DatetimeIndex of 3"),
        ],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'name;age': ['ann;31']})\ndf['age']",
        "missing_key",
        [("df", "it was read without splitting at ';'")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'k': ['a', 'b'], 'v': [1, 2]}).groupby('k').agg({'v': ['mean', 'max']})\ndf['v_mean']",
        "missing_key",
        [("df", "nearest ('v', 'mean') (is a tuple)")],
    ),
    (
        "pandas",
        "import pandas as pd\ndf = pd.DataFrame({'kind': ['a'], 'total_sales': [1]})\ndf.groupby('kind')['total_sale'].sum()",
        "missing_key",
        [("df", "no column 'total_sale'; nearest 'total_sales' (similar)")],
    ),
    (
        "pandas sklearn",
        "import pandas as pd\nfrom sklearn.compose import ColumnTransformer\nfrom sklearn.preprocessing import StandardScaler\ndf = pd.DataFrame({'age': [1.0, 2.0], 'income': [3.0, 4.0]})\nX = df[['age']]\nColumnTransformer([('n', StandardScaler(), ['age', 'income'])]).fit(X)",
        "missing_columns",
        [("X", "no column 'income'"), ("df", "has 'income'")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """The container is named, with what it has and what comes nearest."""
    finds(case)
