"""Objects of libraries, each by the library's own facts; every test skips where its library is not installed."""

from __future__ import annotations

import datetime
import importlib.util
import json
import subprocess
import sys
import time
import tracemalloc
import warnings
from typing import Any

import pytest

from agentlog.describe import describe, schema
from agentlog.events import Value, plain, value_from_plain


def look(value: object) -> Value:
    """Described with time enough, and proved to survive the store; warnings are errors."""
    described = describe(value, deadline=time.perf_counter() + 600)
    for one in (described, schema(value)):
        assert value_from_plain(json.loads(json.dumps(plain(one), allow_nan=False))) == one
        assert "could not be looked at" not in json.dumps(plain(one))
    return described


def optional(name: str) -> Any:
    """A library, or None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


numpy, pandas = optional("numpy"), optional("pandas")


@pytest.mark.skipif(numpy is None, reason="numpy is not installed")
class TestNumpy:
    """Arrays and scalars."""

    np = numpy

    def test_numbers(self):
        """Shape, dtype, range without NaN, number of NaN, first values."""
        np = self.np
        described = look(np.array([[1.0, np.nan], [3.0, -np.inf]]))
        assert (described.shape, described.dtype, described.range, described.nulls) == ((2, 2), "float64", ("-inf", 3.0), 1)
        assert described.head == ((1.0, "nan"), (3.0, "-inf"))
        assert look(np.arange(100, dtype="u1")).range == (0, 99)
        assert look(np.full(3, np.nan)).range == ("nan", "nan")
        assert look(np.zeros((0, 3))).shape == (0, 3)
        assert look(np.array([True, False])).range == (False, True)

    def test_other_kinds(self):
        """Times, text, records, objects, scalars of an array."""
        np = self.np
        times = look(np.array(["2020-01-02", "NaT", "2019-01-01T10:30"], dtype="M8[ns]"))
        assert (times.range, times.nulls, times.head[1]) == (("2019-01-01 10:30:00", "2020-01-02"), 1, (None,))
        assert look(np.array(["a", "bc"])).head == (("a",), ("bc",))
        assert look(np.array([(1, 2.5)], dtype=[("x", "i4"), ("y", "f8")])).head == ((1, 2.5),)
        objects = look(np.array([1, "x", None], dtype=object))
        assert (objects.facts["of"], [item.value for item in objects.items]) == ("int 1, str 1", [1, "x", None])
        assert (look(np.array(5)).value, look(np.array(5)).facts) == (5, {"ndim": 0})
        assert look(np.ma.array([1, 2], mask=[0, 1])).facts["masked"] == 1
        assert [look(item).value for item in (np.float32(1.5), np.int8(3), np.bool_(True), np.datetime64("2020-01-01"))] == [
            1.5,
            3,
            True,
            "2020-01-01",
        ]
        assert look(np.array([1, 2j])).dtype == "complex128"
        assert look(np.timedelta64(90, "s")).value == "0:01:30"

    def test_without_contiguous_memory(self):
        """Transposed, strided and reversed arrays are not copied as a whole."""
        np = self.np
        grid = np.arange(12.0).reshape(3, 4)
        for array in (grid.T, grid[:, ::2], grid[::-1], np.broadcast_to(np.arange(4.0), (1000, 4))):
            assert look(array).range == (float(array.min()), float(array.max()))

    def test_large_arrays_are_sampled_and_say_so(self):
        """A hundred million elements within milliseconds and a megabyte; what was found is marked as of a sample."""
        np = self.np
        large = np.broadcast_to(np.arange(10_000.0), (10_000, 10_000))
        describe(large)
        tracemalloc.start()
        try:
            described = describe(large)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 1_500_000
        assert 0 < described.facts["sampled"] < large.size
        assert described.nulls == 0

    def test_nothing_warns(self):
        """All-NaN, overflowing and invalid values, in a process where warnings are errors and numpy raises."""
        np = self.np
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            for array in (
                np.full(9, np.nan),
                np.array([np.inf, -np.inf]),
                np.array(["NaT"], dtype="M8[s]"),
                np.array([1e38], dtype="f4"),
            ):
                look(array)

    def test_axes_like_arrays_of_objects(self):
        """Shape first: an array of axes is what `axes[0, 1]` fails on."""
        plt = pytest.importorskip("matplotlib.figure")
        axes = plt.Figure().subplots(2, 2)
        axes[0, 0].set_title("Sales")
        described = look(axes)
        assert (described.shape, described.items[0].type, described.items[0].facts["title"]) == ((2, 2), "Axes", "Sales")


@pytest.mark.skipif(pandas is None, reason="pandas is not installed")
class TestPandas:
    """Frames, series, indexes, groupings, scalars."""

    pd, np = pandas, numpy

    def frame(self):
        pd = self.pd
        return pd.DataFrame(
            {
                "n": [1.0, None, 3.0], "i": [1, 2, 3], "text": pd.Series(["x", None, "y"], dtype=object),
                "kind": pd.Categorical(["u", "v", None]), "when": pd.to_datetime(["2020-01-01 00:00", None, "2021-05-06 07:08"]),
                "mixed": pd.Series([1, "two", 3.0], dtype=object), "maybe": pd.array([1, None, 3], dtype="Int64"),
            }
        )  # fmt: skip

    def test_frame(self):
        """Columns with dtype and missing values, index, rows; samples of text and categories; mixed columns named."""
        described = look(self.frame())
        assert described.shape == (3, 7)
        assert [(column.name, column.nulls) for column in described.columns] == [
            ("n", 1), ("i", 0), ("text", 1), ("kind", 1), ("when", 1), ("mixed", 0), ("maybe", 1),
        ]  # fmt: skip
        by_name = {column.name: column for column in described.columns}
        assert [by_name[name].dtype for name in ("n", "i", "text", "kind", "maybe")] == [
            "float64",
            "int64",
            "object",
            "category",
            "Int64",
        ]
        assert by_name["kind"].sample == ("u", "v")
        assert by_name["text"].sample == ("x", None, "y")
        assert described.index == "RangeIndex 0 .. 2"
        assert described.head[1] == ("nan", 2, None, "v", None, "two", None)
        assert described.head[2][4] == "2021-05-06 07:08:00"
        assert described.facts["mixed types"] == "mixed: int 1, str 1, float 1"

    def test_shapes_of_indexes(self):
        """Class, name, first and last label; levels."""
        pd = self.pd
        frame = self.frame()
        assert look(frame.set_index("n")).index == "Index 'n' 1.0 .. 3.0"
        assert look(pd.date_range("2020", periods=3, name="day", tz="UTC")).index.startswith("DatetimeIndex 'day' 2020-01-01")
        assert look(frame.set_index(["i", "text"]).index).facts["levels"].startswith("'i': 3 int64")
        assert look(pd.period_range("2020-01", periods=2, freq="M")).index == "PeriodIndex 2020-01 .. 2020-02 (freq M)"
        assert look(pd.DataFrame()).index.endswith("(empty)")
        assert look(pd.DataFrame({("a", 1): [1], ("b", 2): [2]})).columns[0].name == "('a', 1)"

    def test_series(self):
        """Range and missing values, name, labels."""
        pd = self.pd
        described = look(pd.Series([3.0, None, 1.0], index=list("abc"), name="price"))
        assert (described.shape, described.dtype, described.range, described.nulls) == ((3,), "float64", (1.0, 3.0), 1)
        assert (described.facts["name"], described.facts["labels"]) == ("price", "a, b, c")
        kinds = look(self.frame()["kind"])
        assert (kinds.dtype, kinds.facts["categories"], kinds.nulls) == ("category", 2, 1)
        assert look(self.frame()["mixed"]).facts["of"] == "int 1, str 1, float 1"
        assert look(pd.Series(pd.to_timedelta([1, 2], unit="s"))).range == ("0:00:01", "0:00:02")

    def test_groupings_and_scalars(self):
        """What it is over and by; nothing is computed."""
        pd = self.pd
        frame = self.frame()
        described = look(frame.groupby("i"))
        assert (described.facts["by"], described.attributes["obj"].shape) == ("'i'", (3, 7))
        assert look(frame[["n"]].rolling(2)).facts["window"] == 2
        assert look(pd.Timestamp("2020-01-02")).value == "2020-01-02 00:00:00"
        assert look(pd.NA).value == "<NA>"
        assert look(pd.NaT).value == "NaT"

    def test_large_frames_are_sampled_and_say_so(self):
        """Ten million rows of five columns: fast, small, marked."""
        pd, np = self.pd, self.np
        rows = 3_000_000
        frame = pd.DataFrame(
            {"a": np.zeros(rows), "b": np.full(rows, np.nan), "o": np.full(rows, None, dtype=object)}, copy=False
        )
        describe(frame)
        tracemalloc.start()
        try:
            described = describe(frame)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        sampled = described.facts["sampled"]
        assert 4_000 < sampled < 10_000
        assert [column.nulls for column in described.columns] == [0, sampled, sampled]
        assert peak < 1_500_000

    def test_with_time_every_row_is_counted(self):
        """No sample where there is time."""
        described = look(self.pd.DataFrame({"a": [None] * 50_000, "b": [1.0] * 50_000}))
        assert [column.nulls for column in described.columns] == [50_000, 0]
        assert "sampled" not in described.facts

    def test_wide_frames_are_cut(self):
        """Columns beyond the limit are counted."""
        described = look(self.pd.DataFrame([[0] * 1000]))
        assert len(described.columns) == 400
        assert described.cut == "600 of 1000 columns"

    def test_the_frame_is_left_as_it_was(self):
        """No cache is filled, no block is made or changed, nothing warns."""
        frame = self.frame()
        before = (
            dict(frame.__dict__),
            [id(block) for block in frame._mgr.blocks],
            dict(frame.index.__dict__),
            dict(frame._mgr.axes[0].__dict__),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            look(frame)
        cached = {key for cache in (frame.index, frame.columns) for key in getattr(cache, "_cache", {})}
        after = (
            dict(frame.__dict__),
            [id(block) for block in frame._mgr.blocks],
            dict(frame.index.__dict__),
            dict(frame._mgr.axes[0].__dict__),
        )
        assert [part.keys() if isinstance(part, dict) else part for part in after] == [
            part.keys() if isinstance(part, dict) else part for part in before
        ]
        assert "_engine" not in cached


class TestPolarsAndArrow:
    """Tables that know their missing values."""

    def test_polars(self):
        """Frames, subclasses, series, lazy frames."""
        pl = pytest.importorskip("polars")
        frame = pl.DataFrame({"a": [1, None, 3], "t": ["x", None, "y"], "d": [datetime.date(2020, 1, 1)] * 3})
        described = look(frame)
        assert (described.shape, described.head[0]) == ((3, 3), (1, "x", "2020-01-01"))
        assert [(column.name, column.dtype, column.nulls) for column in described.columns] == [
            ("a", "Int64", 1),
            ("t", "String", 1),
            ("d", "Date", 0),
        ]
        assert (look(frame["a"]).range, look(frame["a"]).nulls) == ((1, 3), 1)
        assert look(frame.lazy()).cut == "not collected"
        assert look(type("Mine", (pl.DataFrame,), {"shape": None})(frame)).shape == (3, 3)

    def test_pyarrow(self):
        """Tables, arrays, schemas."""
        pa = pytest.importorskip("pyarrow")
        table = pa.table({"a": [1, None], "t": ["x", "y"]})
        described = look(table)
        assert (described.shape, described.head) == ((2, 2), ((1, "x"), (None, "y")))
        assert [(column.name, column.dtype, column.nulls) for column in described.columns] == [
            ("a", "int64", 1),
            ("t", "string", 0),
        ]
        assert look(table["a"]).nulls == 1
        assert look(pa.array([1, 2])).dtype == "int64"
        assert "a: int64" in look(table.schema).value

    def test_pyarrow_extension_types_of_the_user_are_not_run(self):
        """Their text and their scalars are the user's code."""
        pa = pytest.importorskip("pyarrow")
        ran: list[str] = []

        class Scalar(pa.ExtensionScalar):
            def as_py(self, **kwargs):
                ran.append("as_py")
                return 1

        class Kind(pa.ExtensionType):
            def __init__(self):
                super().__init__(pa.int64(), "test.kind")

            def __arrow_ext_serialize__(self):
                return b""

            @classmethod
            def __arrow_ext_deserialize__(cls, storage, serialized):
                return cls()

            def __arrow_ext_scalar_class__(self):
                return Scalar

            def __str__(self):
                ran.append("str")
                return "kind"

        array = pa.ExtensionArray.from_storage(Kind(), pa.array([1, 2]))
        described = look(pa.table({"a": array}))
        assert ran == []
        assert (described.columns[0].dtype, described.head) == ("Kind", (("<Kind>",), ("<Kind>",)))


class TestTensors:
    """torch, jax, tensorflow, scipy."""

    def test_torch_tensors(self):
        """Values of plain tensors in the host's memory; shape, dtype and device of all others."""
        torch = pytest.importorskip("torch")
        tensor = torch.arange(6.0).reshape(2, 3)
        version = tensor._version
        described = look(tensor)
        assert (described.shape, described.dtype, described.range, described.facts) == (
            (2, 3),
            "float32",
            (0.0, 5.0),
            {"device": "cpu"},
        )
        assert tensor._version == version
        grown = look(torch.ones(3, requires_grad=True) * 2)
        assert (grown.facts["requires_grad"], grown.facts["grad_fn"]) == (True, "MulBackward0")
        away = look(torch.zeros(2, device="meta"))
        assert (away.shape, away.head, away.facts["device"], away.cut) == ((2,), (), "meta", "values not read")
        assert look(torch.zeros(2, dtype=torch.bfloat16)).dtype == "bfloat16"
        assert look(torch.tensor(5)).value == 5
        assert look(tensor.to_sparse()).facts["layout"] == "torch.sparse_coo"

    def test_torch_is_not_watched_doing_it(self):
        """A mode that takes part in every operation sees none of ours."""
        torch = pytest.importorskip("torch")
        from torch.overrides import TorchFunctionMode
        from torch.utils._python_dispatch import TorchDispatchMode

        seen: list[str] = []

        class Functions(TorchFunctionMode):
            def __torch_function__(self, func, types, args=(), kwargs=None):
                seen.append(str(func))
                return func(*args, **(kwargs or {}))

        class Dispatches(TorchDispatchMode):
            def __torch_dispatch__(self, func, types, args=(), kwargs=None):
                seen.append(str(func))
                return func(*args, **(kwargs or {}))

        tensor = torch.ones(3)
        with Functions(), Dispatches():
            seen.clear()
            describe(tensor)
            schema(tensor)
            ours = list(seen)
        assert ours == []

    def test_torch_modules(self):
        """Parts, parameters, device, mode; no hook, no forward."""
        torch = pytest.importorskip("torch")
        described = look(torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU()).eval())
        layers = "0 Linear 3->4, 1 ReLU"
        assert described.facts == {"training": False, "parameters": 16, "device": "cpu", "dtype": "float32", "layers": layers}
        assert (described.attributes["0"].type, described.attributes["0"].facts["in_features"]) == ("Linear", 3)

    def test_layers_of_a_network(self):
        """Each layer with what goes in and out, those of parts by their path; a layer that is no container is not listed."""
        nn = pytest.importorskip("torch").nn
        network = nn.ModuleDict({"see": nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.Flatten()), "say": nn.LSTM(8, 4)})
        assert look(network).facts["layers"] == "see.0 Conv2d 3->8 kernel 5 padding 2, see.1 Flatten, say LSTM 8->4"
        assert "layers" not in look(nn.Linear(3, 4)).facts

    def test_keras(self, monkeypatch):
        """The shape a model was built for, its layers, loss and optimizer; nothing is called."""
        pytest.importorskip("torch")
        monkeypatch.setenv("KERAS_BACKEND", "torch")
        keras = pytest.importorskip("keras")
        model = keras.Sequential(
            [keras.Input((10,)), keras.layers.Dense(4, activation="relu", name="a"), keras.layers.Dense(1, name="b")]
        )
        model.compile(loss="mse", optimizer="adam")
        described = look(model)
        assert described.facts == {
            "input": "(None, 10)", "loss": "mse", "optimizer": "Adam", "layers": "a Dense 10->4 activation relu, b Dense 4->1"
        }  # fmt: skip

    def test_jax(self):
        """Shape, dtype, device; values are not waited for."""
        jnp = pytest.importorskip("jax.numpy")
        described = look(jnp.arange(6.0).reshape(2, 3))
        assert (described.shape, described.dtype, described.cut) == ((2, 3), "float32", "values not read")
        assert "cpu" in str(described.facts["device"]).lower()
        seen: list[Value] = []
        pytest.importorskip("jax").jit(lambda x: seen.append(describe(x)) or x)(jnp.ones(3))
        assert (seen[0].shape, seen[0].dtype, seen[0].facts) == ((3,), "float32", {"traced": True})

    def test_tensorflow(self):
        """Shape, dtype, device."""
        tf = pytest.importorskip("tensorflow")
        described = look(tf.constant([[1.0, 2.0]]))
        assert (described.shape, described.dtype, described.facts["device"]) == ((1, 2), "float32", "CPU:0")
        assert look(tf.Variable([1, 2])).shape == (2,)

    def test_scipy_sparse(self):
        """Shape, dtype, stored elements and their range, in every format."""
        sparse = pytest.importorskip("scipy.sparse")
        np = pytest.importorskip("numpy")
        for name in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok"):
            described = look(sparse.csr_matrix(np.eye(3) * 2).asformat(name))
            assert (described.shape, described.dtype) == ((3, 3), "float64"), name
        assert look(sparse.csr_array(np.eye(3))).facts["stored"] == 3
        assert look(sparse.csr_array(np.eye(3))).range == (1.0, 1.0)


class TestOthers:
    """Estimators, images, responses, database drivers."""

    def test_sklearn(self):
        """What differs from the defaults, whether it was fitted, on which features."""
        tree = pytest.importorskip("sklearn.tree")
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        pd = pytest.importorskip("pandas")
        model = tree.DecisionTreeClassifier(max_depth=2)
        assert look(model).facts == {"fitted": False}
        assert {name: value.value for name, value in look(model).attributes.items()} == {"max_depth": 2}
        pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
        pipeline.fit(pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [4.0, 3, 2, 1]}), [0, 1, 0, 1])
        described = look(pipeline)
        assert list(described.attributes) == ["scale", "model"]
        assert described.facts["fitted"] is True
        assert described.attributes["model"].facts["features"] == 2
        assert described.attributes["scale"].facts["feature names"] == "a, b"
        assert described.attributes["model"].facts["classes"] == "0, 1"

    def test_figures(self):
        """Axes with their titles, labels and what is drawn."""
        figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(4, 3))
        axes = figure.subplots()
        axes.plot([1, 2])
        axes.set_xlabel("time")
        described = look(figure)
        assert (described.facts["axes"], described.facts["inches"]) == (1, "4x3")
        assert described.items[0].facts == {"xlabel": "time", "drawn": "Line2D 1"}

    def test_images(self):
        """Size and mode; pixels are not loaded."""
        image = pytest.importorskip("PIL.Image").new("RGB", (4, 3))
        assert (look(image).shape, look(image).facts) == ((3, 4), {"mode": "RGB", "size": "4x3"})

    def test_responses(self):
        """Status, address, body; nothing is read from the network."""
        requests = pytest.importorskip("requests")
        response = requests.Response()
        response.status_code, response.reason, response.url, response._content = 404, "Not Found", "http://x/y", b'{"error": 1}'
        response.headers["Content-Type"] = "application/json"
        described = look(response)
        assert described.value == "404 Not Found"
        assert described.facts == {"url": "http://x/y", "bytes": 12, "body": '{"error": 1}', "content-type": "application/json"}

    def test_httpx_responses(self):
        """The same of httpx."""
        httpx = pytest.importorskip("httpx")
        described = look(httpx.Response(500, json={"a": 1}, request=httpx.Request("GET", "http://x/y")))
        assert (described.value, described.facts["url"], described.facts["content-type"]) == (
            "500",
            "http://x/y",
            "application/json",
        )

    def test_loading_nothing(self):
        """In a fresh process, describing builtin values brings in no library and not even sqlite3 or asyncio."""
        code = (
            "import sys; from agentlog.describe import describe; describe([1, 'x', {'a': object()}]);"
            "print([m for m in ('numpy', 'pandas', 'torch', 'polars', 'sqlite3', 'asyncio', 'decimal') if m in sys.modules])"
        )
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.skipif(pandas is None, reason="pandas is not installed")
def test_looking_at_a_frame_leaves_the_warning_filters_alone() -> None:
    """A search table for a slice of an index would be made through `warnings.catch_warnings`: what the host has seen
    once it would see again."""
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=["first", "second"])
    assert ("a" in frame.columns, "first" in frame.index) == (True, True)  # from here on both have a search table
    version = warnings._filters_mutated  # type: ignore[attr-defined]
    touched: list[int] = []
    warnings._filters_mutated = lambda *args: touched.append(1) or version(*args)  # type: ignore[attr-defined, func-returns-value]
    try:
        described = [describe(value) for value in (frame, frame["a"], frame.index, frame.columns)]
    finally:
        warnings._filters_mutated = version  # type: ignore[attr-defined]
    assert touched == []
    assert described[2].index == "Index first .. second"
