"""Cells and labels of tables that are objects of the user's: the collectors neither hash nor compare them."""

from __future__ import annotations

from typing import Any

import pytest

from agentlog.frames import failure_of
from agentlog.settings import Limits

pd = pytest.importorskip("pandas")

OBJECTS = """
class Part:
    def __init__(self, name):
        self.name = name
    def __eq__(self, other):
        asked.append(other)
        return self is other
    def __hash__(self):
        asked.append(self)
        return 7

parts = [Part("a"), Part("b"), Part("c")]
"""


@pytest.mark.parametrize(
    "crash",
    [
        "frame = pd.DataFrame({'part': parts, 'n': [1, 2, 3]})\nframe[pd.Series([True, False, True], index=parts)]",
        "frame = pd.DataFrame({'part': parts, 'n': [1, 2, 3]})\nframe.groupby('part').get_group('z')",
        "frame = pd.DataFrame({'part': parts, 'n': [1, 2, 3]})\nframe[frame['part'] == parts[0]].iloc[5]",
        "frame = pd.DataFrame({'part': parts, 'n': [1, 2, 3]})\nframe.merge(frame, on='m')",
        "frame = pd.DataFrame({'part': parts, 'k': 1, 'n': [1, 2, 3]})\nframe.merge(frame.astype({'k': str}), on=['part', 'k'])",
        "frame = pd.DataFrame({'part': [parts[0]] * 3, 'k': 1, 'n': [1, 2, 3]})\nframe.pivot(index='part', columns='k', values='n')",
        "column = pd.Series([1, 2, 3], index=[parts[0], parts[0], parts[1]])\ncolumn.reindex(parts)",
        "column = pd.Series([1, 2, 3], index=parts)\ncolumn['z']",
    ],
)
def test_objects_in_tables_are_not_asked(crash: str) -> None:
    """What pandas itself asks them before it fails is all that they are asked."""
    asked: list[object] = []
    world: dict[str, Any] = {"__name__": "__main__", "pd": pd, "asked": asked}
    exec(OBJECTS, world)
    with pytest.raises(Exception) as failed:
        exec(crash, world)
    before = len(asked)
    failure = failure_of(failed.value, namespace=world, limits=Limits(describe_ms=20_000, evidence_ms=20_000))
    assert failure.type == type(failed.value).__name__
    assert len(asked) == before
