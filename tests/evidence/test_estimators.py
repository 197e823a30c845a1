"""Estimators: parameters, features at fit time, labels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agentlog.events import Failure

CASES = [
    (
        "pandas sklearn",
        "import pandas as pd\nfrom sklearn.preprocessing import StandardScaler\nscaler = StandardScaler()\ntrain = pd.DataFrame({'a': [1, 2], 'b': [2, 3], 'c': [1, 1]})\ntest = pd.DataFrame({'a': [1, 2], 'd': [2, 3]})\nscaler.fit_transform(train)\nscaler.transform(test)",
        "estimator",
        [
            ("test", "scaler was fitted with 3 features, test has 2 (DataFrame 2x2)"),
            ("test", "1 columns unseen at fit time: 'd'"),
            ("test", "2 columns of fit time are missing: 'b', 'c'"),
            ("scaler", "was fitted by line 6 `scaler.fit_transform(train)`: train is now DataFrame 2x3"),
        ],
    ),
    (
        "sklearn",
        "from sklearn.linear_model import LogisticRegression\nm = LogisticRegression(max_iter=1000, solver='liblinear', penalty='elasticnet')\nm.fit([[1], [2]], [0, 1])",
        "estimator",
        [("m", "penalty='elasticnet'"), ("m", "solver='liblinear'")],
    ),
    (
        "sklearn",
        "from sklearn.linear_model import LogisticRegression\nm, n = LogisticRegression(), LogisticRegression().fit([[1], [2]], [0, 1])\nm.predict([[1]])",
        "estimator",
        [("m", "LogisticRegression(), not fitted"), ("m", "another LogisticRegression is fitted: n")],
    ),
    (
        "sklearn",
        "from sklearn.linear_model import LogisticRegression\nX, y = [[1], [2], [3]], [0.5, 1.2, 3.3]\nLogisticRegression().fit(X, y)",
        "labels",
        [("y", "3 distinct values, 3 of them not whole numbers: each once, such as 0.5, 1.2, 3.3")],
    ),
    (
        "sklearn",
        "from sklearn.preprocessing import LabelEncoder\nle = LabelEncoder().fit(['a', 'b'])\nnew = ['a', 'z']\nle.transform(new)",
        "labels",
        [("new", "1 values are not among the 2 known classes: 'z'")],
    ),
    (
        "sklearn",
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\npipe = make_pipeline(StandardScaler())\npipe.transform([[1]])",
        "estimator",
        [("pipe", "steps: standardscaler: StandardScaler")],
    ),
    (
        "sklearn pandas",
        "import pandas as pd\nfrom sklearn.preprocessing import OneHotEncoder\nenc = OneHotEncoder().fit(pd.DataFrame({'city': ['a', 'b']}))\ntest = pd.DataFrame({'city': ['a', 'z', 'z']})\nenc.transform(test)",
        "estimator",
        [("test", "column 'city': 1 values not among the 2 of fit time, in 2 rows: 'z'"), ("enc", "handle_unknown='error'")],
    ),
    (
        "sklearn",
        "from sklearn.linear_model import LinearRegression\nm = LinearRegression()\nm.fit([[1], [2]], [0, 1, 2])",
        "estimator",
        [("m", "LinearRegression()")],
    ),
    (
        "sklearn",
        "from sklearn.svm import SVC\nm = SVC()\nm.set_params(gama=1)",
        "estimator",
        [("SVC", "no parameter 'gama'; nearest 'gamma'")],
    ),
    (
        "sklearn pandas",
        "import pandas as pd\nfrom sklearn.compose import ColumnTransformer\nfrom sklearn.preprocessing import StandardScaler\nc = ColumnTransformer([('n', StandardScaler(), ['a', 'b'])])\nc.fit(pd.DataFrame({'a': [1.0]}))",
        "estimator",
        [("c", "steps: n: StandardScaler on 'a', 'b'")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """What the model is, what it was fitted with, what it got."""
    finds(case)


def test_only_what_was_handed_over_is_compared(crash: Callable, facts: Callable) -> None:
    """A table on the line that is not the input says nothing about features; nor does a fit that failed."""
    pytest.importorskip("sklearn")
    pandas = pytest.importorskip("pandas")
    train = pandas.DataFrame({"age": [1, 2, 3], "sex": ["m", "f", "m"], "y": [0, 1, 0]})
    source = "from sklearn.linear_model import LogisticRegression\nLogisticRegression().fit(train[['age', 'sex']], train['y'])"
    texts = [fact.text for fact in facts(crash(source, train=train), "estimator")]
    assert not [text for text in texts if "fit time" in text or "was fitted with" in text]


def test_an_input_without_a_name_is_called_as_it_was_written(crash: Callable, check: Callable) -> None:
    """The library's parameter X is not the user's X."""
    numpy = pytest.importorskip("numpy")
    linear = pytest.importorskip("sklearn.linear_model")
    X = numpy.random.default_rng(1).random((10, 3))
    m = linear.LinearRegression().fit(X, X[:, 0])
    failure = crash("import numpy as np\nm.predict(np.zeros((2, 4)))", m=m, X=X)
    check(
        failure, [("np.zeros((2, 4))", "m was fitted with 3 features, np.zeros((2, 4)) has 4 (ndarray 2x4 float64)")], "estimator"
    )


def test_the_target_is_not_compared_with_the_features(crash: Callable, facts: Callable) -> None:
    """What the library made of `y` is a table of one column, and no input with too few features."""
    numpy = pytest.importorskip("numpy")
    pytest.importorskip("sklearn")
    source = "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier().fit(X, y)"
    failure = crash(source, X=numpy.eye(4, 3), y=numpy.array([0.1, 0.5, 0.2, 0.7]))
    assert "continuous" in failure.message
    assert not [fact.text for fact in facts(failure, "estimator") if "was fitted with" in fact.text]


def test_a_missing_value_is_no_matter_of_labels(crash: Callable, facts: Callable) -> None:
    """The message names classifiers that would take it; how often each target occurs would be noise."""
    pytest.importorskip("sklearn")
    failure = crash(
        "from sklearn.linear_model import LinearRegression\nLinearRegression().fit([[1.0], [float('nan')]], target)",
        target=[1, 2],
    )
    assert "Classifier" in failure.message
    assert facts(failure, "labels") == []


def test_what_an_earlier_fit_saw_says_nothing_of_a_new_one(crash: Callable) -> None:
    """`fit` begins anew; `partial_fit` goes on from what it saw."""
    pytest.importorskip("sklearn")
    begun = (
        "import numpy as np\nfrom sklearn.linear_model import SGDRegressor\nm = SGDRegressor().fit([[1, 2], [2, 3]], [1, 2])\n"
    )
    again = crash(begun + "X = np.array([['a'], ['b']])\nm.fit(X, [1, 2])")
    assert "was fitted" not in told(again)
    further = crash(begun + "X = np.array([[1, 2, 3], [2, 3, 4]])\nm.partial_fit(X, [1, 2])")
    assert "m was fitted with 2 features, X has 3" in told(further)


def test_a_table_made_in_the_line_is_named_whole(crash: Callable) -> None:
    """Not up to its first bracket."""
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    failure = crash(
        "import pandas as pd\nfrom sklearn.preprocessing import OneHotEncoder\nenc = OneHotEncoder().fit(pd.DataFrame({'v': ['a']}))\n"
        "enc.transform(pd.DataFrame({'v': ['z']}))"
    )
    assert "pd.DataFrame({'v': ['z']}): column 'v'" in told(failure)


def told(failure: Failure) -> str:
    return "\n".join(f"{fact.about}: {fact.text}" for evidence in failure.evidence for fact in evidence.facts)
