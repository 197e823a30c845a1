"""Columns of a frame: which cell set which from which, and what that says of those that are stale."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from agentlog.column_flow import column_use, stale_columns, superseded


def cells(*sources: str) -> list[Any]:
    return [SimpleNamespace(source=source, label=f"In[{number}]") for number, source in enumerate(sources, 1)]


@pytest.mark.parametrize(
    ("source", "sets", "only"),
    [
        ('df["a"] = df["b"] * df["c"]', {"a": {"b", "c"}}, True),
        ('df["a"] = 1\ndf["a"].sum()', {"a": set()}, True),
        ('df["a"] = df["a"].fillna(0)', {"a": set()}, True),
        ('df["a"] += df["b"]', {"a": {"a", "b"}}, True),
        ('df["a"] = 1\ndf.drop(columns="b", inplace=True)', {"a": set()}, False),
        ('df["a"] = 1\nprepare(df)', {"a": set()}, False),
        ('df["a"] = 1\ndf = df.dropna()', {"a": set()}, False),
        ("df[column] = 1", {}, False),
        ('other["a"] = df["b"]', {}, False),
        ("df['a' ", {}, False),
        ('%time df["a"] = df["b"]', {"a": {"b"}}, True),
    ],
)
def test_what_a_cell_sets(source: str, sets: dict[str, set[str]], only: bool) -> None:
    """Constant labels at the cell's top level; anything else that may change the frame is said."""
    use = column_use(source, "df")
    assert {column: set(read) for column, read in use.sets.items()} == sets
    assert use.only is only


def test_a_column_set_from_one_that_was_set_anew_is_stale() -> None:
    """`net` was computed from `rate` before `rate` was mapped again."""
    ran = cells('df["rate"] = a', 'df["net"] = df["total"] * df["rate"]', 'df["rate"] = b')
    assert [(s.column, s.source, s.by.label, s.changed.label) for s in stale_columns(ran, "df")] == [
        ("net", "rate", "In[2]", "In[3]")
    ]


def test_what_was_computed_again_is_not_stale() -> None:
    """Neither a column that was computed after its source, nor one that was computed once more."""
    ran = cells('df["rate"] = a', 'df["net"] = df["rate"]', 'df["rate"] = b', 'df["net"] = df["rate"] + 1')
    assert list(stale_columns(ran, "df")) == []
    assert list(stale_columns(cells('df["rate"] = a', 'df["net"] = df["rate"]', 'df["rate"] += 1', 'df["net"] = 0'), "df")) == []


def test_a_step_whose_columns_were_all_set_anew_is_superseded() -> None:
    """And only then: a cell that also did something else to the frame still stands behind it."""
    first, again, other = cells('df["rate"] = a', 'df["rate"] = b', "df['rate'] = a\nx = prepare(df)")
    assert superseded(first, [again], "df")
    assert not superseded(first, [], "df")
    assert not superseded(other, [again], "df")
