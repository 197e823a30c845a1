"""What is said to be gone from a release on is gone from it, and was there before, in the libraries that are installed."""

from __future__ import annotations

import builtins
import importlib
import inspect
import re
import sys
import warnings
from importlib import metadata
from types import GeneratorType

import pytest

from agentlog.evidence.renamed import ATTRIBUTES, PARAMETERS

DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow"}
SHORT = {
    "sklearn.OneHotEncoder": "sklearn.preprocessing.OneHotEncoder",
    "sklearn.PolynomialFeatures": "sklearn.preprocessing.PolynomialFeatures",
    "sklearn.ColumnTransformer": "sklearn.compose.ColumnTransformer",
    "sklearn.CountVectorizer": "sklearn.feature_extraction.text.CountVectorizer",
    "sklearn.TfidfVectorizer": "sklearn.feature_extraction.text.TfidfVectorizer",
    "pandas.DatetimeProperties": "pandas.core.indexes.accessors.DatetimeProperties",
    "PIL.ImageFont": "PIL.ImageFont.FreeTypeFont",
    "matplotlib.FigureCanvasAgg": "matplotlib.backends.backend_agg.FigureCanvasAgg",
}
"""Classes as the table calls them (package and class), and where they are."""
BACK = {"numpy.bool", "numpy.long"}
"""Gone from NumPy 1.24 to 1.26, back in 2.0 with another meaning."""
STUBS = {"numpy.ndarray.itemset", "numpy.ndarray.ptp", "numpy.ndarray.newbyteorder", "sklearn.datasets.load_boston"}
"""Names that some later releases kept, only to raise with a hint."""
HOME = {
    "OneHotEncoder": "sklearn.preprocessing", "mean_squared_error": "sklearn.metrics", "KMeans": "sklearn.cluster",
    "AgglomerativeClustering": "sklearn.cluster", "TSNE": "sklearn.manifold", "GridSearchCV": "sklearn.model_selection",
    "LinearRegression": "sklearn.linear_model", "Ridge": "sklearn.linear_model", "Lasso": "sklearn.linear_model",
    "AdaBoostClassifier": "sklearn.ensemble", "BaggingClassifier": "sklearn.ensemble", "RandomForestClassifier": "sklearn.ensemble",
    "read_csv": "pandas", "concat": "pandas", "to_csv": "pandas.DataFrame", "fillna": "pandas.DataFrame", "groupby": "pandas.DataFrame",
    "FacetGrid": "seaborn",
}  # fmt: skip
"""Where the functions of PARAMETERS are; those that take any keyword have no signature to look at."""


def found(path: str) -> object:
    """The object at a dotted path, importing what is a module; raises AttributeError or ImportError."""
    first, *rest = path.split(".")
    here: object = getattr(builtins, first, None) or (GeneratorType if first == "generator" else importlib.import_module(first))
    for depth, name in enumerate(rest, 2):
        try:
            here = getattr(here, name)
        except AttributeError:
            here = importlib.import_module(".".join(path.split(".")[:depth]))
    return here


def there(path: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found(path)
        except (AttributeError, ImportError, TypeError):
            return False
        return True


def installed(package: str) -> tuple[int, ...]:
    """(major, minor) of what is installed; skips the test where it is not."""
    if package in sys.stdlib_module_names or package in ("dict", "str", "generator", "distutils", "imp"):
        return sys.version_info[:2]
    try:
        version = metadata.version(DISTRIBUTIONS.get(package, package))
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def release(since: str) -> tuple[int, ...]:
    """ "NumPy 1.24" -> (1, 24)."""
    numbers = re.search(r"(\d+)(?:\.(\d+))?", since)
    assert numbers is not None, since
    return int(numbers[1]), int(numbers[2] or 0)


@pytest.mark.parametrize("name", [name for name, (since, _) in ATTRIBUTES.items() if since != "never there"])
def test_attribute_is_gone_since_its_release(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There in an older release, absent in a later one."""
    since, _ = ATTRIBUTES[name]
    package = name.partition(".")[0]
    have = installed(package)
    if package == "keras":
        pytest.importorskip("torch")
        monkeypatch.setenv("KERAS_BACKEND", "torch")
    if since.startswith("TensorFlow") and package == "keras":
        have = (3, 0)  # counted by Keras' own releases: what left before Keras 3
    if name in BACK | STUBS and have >= (2, 0) > release(since)[:1]:
        pytest.skip("there again, with another meaning")
    if name in STUBS:
        pytest.skip("kept for a while, only to raise with a hint")
    short = next((long + name[len(short) :] for short, long in SHORT.items() if name.startswith(short + ".")), name)
    if not since.endswith("or before") or have >= release(since):
        assert there(short) is (have < release(since))


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name.rpartition(".")[0] in HOME])
def test_parameter_is_gone_since_its_release(name: str) -> None:
    """Taken by an older release, not by a later one."""
    called, _, parameter = name.rpartition(".")
    home = HOME[called]
    have = installed(home.partition(".")[0])
    function = found(f"{home}.{called}")
    assert callable(function)
    assert (parameter in inspect.signature(function).parameters) is (have < release(PARAMETERS[name][0]))
