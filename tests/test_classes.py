"""Our classes behave as the standard library's; only how they are made differs."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from functools import cached_property
from typing import Any

import pytest

from agentlog.classes import dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    """Positional fields, with a default and a factory."""

    name: str
    size: int = 3
    found: dict[str, int] = field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """The same, as the standard library makes it."""

    name: str
    size: int = 3
    found: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child(Base):
    needed: int
    hidden: str = field(default="x", repr=False)


@dataclass(frozen=True, repr=False)
class Told:
    """Without slots, and with a text of its own."""

    text: str

    def __repr__(self) -> str:
        return f"<{self.text}>"

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError("no text")

    @cached_property
    def length(self) -> int:
        return len(self.text)


def _said(make: Any) -> str:
    """What `make` says, or how it fails, with the class's name left out."""
    try:
        return repr(make()).replace("Theirs", "Ours")
    except TypeError as error:
        return str(error).replace("Theirs", "Ours")


@pytest.mark.parametrize("arguments", [("a",), ("a", 4), ("a", 4, {"b": 1}), (), ("a", 1, {}, 2)])
def test_objects_are_made_like_the_standard_ones(arguments: tuple[Any, ...]) -> None:
    """Same arguments, same defaults, same complaint; each object gets a dictionary of its own."""
    assert _said(lambda: Ours(*arguments)) == _said(lambda: Theirs(*arguments))
    assert Ours("a").found is not Ours("a").found


def test_keyword_only_fields_of_a_base_come_first() -> None:
    """Inherited fields, and `repr=False`."""
    assert repr(Child(needed=1, mark="m")) == "Child(mark='m', needed=1)"
    assert [each.name for each in fields(Child)] == ["mark", "needed", "hidden"]
    with pytest.raises(TypeError, match="positional"):
        Child(1)  # type: ignore[misc]


def test_nothing_can_be_set_or_deleted() -> None:
    """Neither a field nor anything else, with slots and without."""
    for thing in (Ours("a"), Told("t")):
        for name in (fields(thing)[0].name, "else"):
            with pytest.raises(FrozenInstanceError):
                setattr(thing, name, 1)
        with pytest.raises(FrozenInstanceError):
            delattr(thing, fields(thing)[0].name)
    assert not hasattr(Ours("a"), "__dict__")


def test_equality_and_hash() -> None:
    """By the fields, within one class; unhashable fields make an unhashable object."""
    assert Child(needed=1) == Child(needed=1) != Child(needed=2)
    assert hash(Child(needed=1)) == hash(Child(needed=1))
    assert Ours("a") != Theirs("a")
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours("a"))


def test_the_signature_is_the_standard_one() -> None:
    """For help and documentation, before the first object and after it."""

    @dataclass(frozen=True, slots=True)
    class Fresh:
        name: str
        size: int = 3
        found: dict[str, int] = field(default_factory=dict)

    assert str(inspect.signature(Fresh)) == str(inspect.signature(Theirs))
    assert Fresh("a").size == 3
    assert str(inspect.signature(Fresh)) == str(inspect.signature(Theirs))


def test_the_tools_of_the_standard_library_work() -> None:
    """replace, asdict, copy, deepcopy, pickle, match."""
    thing = Ours("a", 4, {"b": 1})
    assert replace(thing, size=5) == Ours("a", 5, {"b": 1})
    assert asdict(thing) == {"name": "a", "size": 4, "found": {"b": 1}}
    assert copy.copy(thing) == copy.deepcopy(thing) == pickle.loads(pickle.dumps(thing)) == thing
    assert Ours.__match_args__ == Theirs.__match_args__


def test_a_class_without_slots_keeps_its_own_methods() -> None:
    """`__repr__`, `__post_init__` and cached properties are those of the class."""
    told = Told("abc")
    assert (repr(told), told.length, pickle.loads(pickle.dumps(told))) == ("<abc>", 3, told)
    with pytest.raises(ValueError, match="no text"):
        Told("")


def test_a_class_that_is_not_frozen_can_be_changed() -> None:
    """By slots or not; equal by its fields, and so without a hash."""

    @dataclass(slots=True)
    class Open:
        size: int = 1

    @dataclass
    class Loose:
        size: int = 1

    for kind in (Open, Loose):
        thing = kind()
        thing.size = 2
        assert thing == kind(2) == copy.copy(thing)
        with pytest.raises(TypeError, match="unhashable"):
            hash(thing)


def test_a_class_may_be_compared_by_identity_or_by_some_fields() -> None:
    """`eq=False` and `compare=False`."""

    @dataclass(eq=False)
    class Alone:
        size: int = 1

    @dataclass(frozen=True, slots=True)
    class Partly:
        size: int
        note: str = field(default="", compare=False)

    assert Alone() != Alone()
    assert len({Alone(), Alone()}) == 2
    assert Partly(1, "a") == Partly(1, "b")
    assert pickle.loads(pickle.dumps(Ours("a", 2))).size == 2
    assert copy.copy(Partly(1, "a")).note == "a"
