"""Values in words."""

from __future__ import annotations

from agentlog.events import Value
from agentlog.valuetext import nested


def test_marks_for_comparing_are_not_read() -> None:
    """What tells two moments of a large object apart says nothing to a reader."""
    value = Value("dict", length=1_000_000, facts={"sample": "3-0828122c", "digest": "3-1", "at": "7f", "order": "sorted"})
    assert nested(value) == "dict len 1000000, order sorted"


def test_an_attribute_of_such_a_name_is_one_like_others() -> None:
    """It is the object's own."""
    value = Value("Plan", attributes={"sample": Value("int", value=5), "at": Value("int", value=3)})
    assert nested(value) == "Plan(sample=5, at=3)"
