"""Values in words."""

from __future__ import annotations

from agentlog.events import Value
from agentlog.valuetext import depths, nested


def test_marks_for_comparing_are_not_read() -> None:
    """What tells two moments of a large object apart says nothing to a reader."""
    value = Value("dict", length=1_000_000, facts={"sample": "3-0828122c", "digest": "3-1", "at": "7f", "order": "sorted"})
    assert nested(value) == "dict len 1000000, order sorted"


def test_an_attribute_of_such_a_name_is_one_like_others() -> None:
    """It is the object's own."""
    value = Value("Plan", attributes={"sample": Value("int", value=5), "at": Value("int", value=3)})
    assert nested(value) == "Plan(sample=5, at=3)"


def test_what_is_as_short_whole_is_not_cut() -> None:
    """ "+2 more" takes the room of two small items."""
    value = Value("list", length=5, items=tuple(Value("int", value=number) for number in range(5)))
    assert [text for text, _ in depths(value)] == ["list len 5", "list len 5 [0, 1, 2, 3, 4]"]
    long = Value("list", length=30, items=tuple(Value("int", value=number) for number in range(24)))
    assert [text.count("more") for text, _ in depths(long)] == [0, 1, 1, 1]


def test_a_named_tuple_is_told_by_its_fields() -> None:
    """They say how many there are; a tuple without names is told by its items."""
    point = Value("Point", length=2, attributes={"x": Value("int", value=1), "y": Value("str", value="b", length=1)})
    assert nested(point) == "Point(x=1, y='b')"
    assert nested(Value("dict", length=1, entries={"at": point})) == "dict len 1 {at: Point(x=1, y='b')}"
