"""What calls on plain data answer, and which are not answered."""

from __future__ import annotations

import pytest

from agentlog.evaluate import UNKNOWN, Scope


class Loud(list):
    def __iter__(self):
        raise AssertionError("the user's code ran")


class Asking(type):
    def __instancecheck__(cls, instance):
        raise AssertionError("the user's code ran")


class Kind(metaclass=Asking):
    pass


NAMES = {
    "lst": [3, 1, 2], "ids": [1, 1, 2], "x": 1.5, "y": -2, "s": "Ab c", "d": {"a": None}, "loud": Loud([1]), "Kind": Kind,
    "big": list(range(20_000)), "__builtins__": __builtins__,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sum(lst)", 6), ("sum(lst) == len(ids) * 2", True), ("abs(x - y)", 3.5), ("abs(x - y) < 1e-6", False), ("round(x)", 2),
        ("min(lst)", 1), ("max(x, y)", 1.5), ("sorted(lst)", [1, 2, 3]), ("len(set(ids)) == len(ids)", False), ("any(lst)", True),
        ("isinstance(x, int)", False), ("isinstance(x, (int, float))", True), ("s.lower()", "ab c"), ("s.split()", ["Ab", "c"]),
        ("d.get('a')", None), ("d.get('b', 3)", 3), ("int('3') + 1", 4), ("str(x)", "1.5"), ("float(y)", -2.0),
    ],
)  # fmt: skip
def test_calls_on_plain_data_are_answered(text: str, told: object) -> None:
    """As the call itself would."""
    assert Scope(NAMES).text(text) == told


@pytest.mark.parametrize(
    "text",
    ["sum(loud)", "len(loud)", "isinstance(x, Kind)", "sum(big)", "lst.append(4)", "print(x)", "min([])", "sum(lst, start=1)", "abs(10 ** 400)",
     "len()", "s.join(lst)", "nobody(3)"],
)  # fmt: skip
def test_others_are_not(text: str) -> None:
    """What could run code of the user's, change something, take long, or is not known."""
    assert Scope(NAMES).text(text) is UNKNOWN
    assert NAMES["lst"] == [3, 1, 2]


def test_sums_of_columns_and_arrays() -> None:
    """Numbers only, not very many; of an empty one nothing is asked: numpy would warn."""
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    names = {
        "a": np.arange(6.0), "none": np.array([]), "many": np.zeros(200_000), "df": pd.DataFrame({"q": [1, 2], "t": ["a", "b"]}),
        "objects": np.array([object()], dtype=object),
    }  # fmt: skip
    scope = Scope(names)
    assert [scope.text(text) for text in ("a.sum()", "a.max() > 3", "df['q'].sum()")] == [15, True, 3]
    assert all(
        scope.text(text) is UNKNOWN for text in ("none.mean()", "many.sum()", "df['t'].sum()", "objects.any()", "df.sum()")
    )
