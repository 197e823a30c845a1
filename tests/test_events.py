"""The model goes to plain data and back without loss, and a newer journal's events are kept."""

import json
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlog import events
from agentlog.events import (
    KINDS,
    Change,
    Column,
    ErrorRaised,
    Event,
    Evidence,
    ExecutionEnded,
    Expression,
    Fact,
    Failure,
    Frame,
    NamespaceChanged,
    Operand,
    SpanEnded,
    Unknown,
    Value,
    from_record,
    to_record,
    value_from_plain,
)

FRAME = Value(
    "DataFrame", "pandas.core.frame", length=3, shape=(3, 2), columns=(Column("a", "int64", 0), Column("b", "object", None, ("x",))),
    head=((1, "x"), (2, None)), index="RangeIndex 0..2", facts={"sampled": 1000}, cut="1 of 3 rows",
)  # fmt: skip


def through_json(event: Event) -> Event:
    return from_record(json.loads(json.dumps(to_record(event))))


def test_a_failure_with_everything_in_it_survives_the_journal() -> None:
    """Frames, operands, evidence, chains and groups come back equal."""
    root = Failure("ValueError", "bad", frames=(Frame("library", "/x.py", 3, "f", arguments={"df": FRAME}),), notes=("a note",))
    failure = Failure(
        "KeyError", "'c'", frames=(Frame("cell", "c.py", 2, "<module>", count=4, context=((1, "a"), (2, "b")), locals={"df": FRAME}),),
        expression=Expression("df['c']", 2, True, (Operand("df", FRAME),)),
        evidence=(Evidence("missing_key", (Fact("no column 'c'", "df", FRAME, ("columns: a, b",)),), ("df",)),),
        cause=root, explicit_cause=True, group=(root, root), hash="ab12",
    )  # fmt: skip
    event = ErrorRaised(session="s", execution="x", id="i", time="t", sequence=7, message="KeyError: 'c'", failure=failure)
    assert through_json(event) == event


@pytest.mark.parametrize(
    "event",
    [
        NamespaceChanged(
            session="s", changes=(Change("df", "mutated", FRAME, FRAME, "seen", "x0"),), reads=("a",), versions={"a": "x1"}
        ),
        ExecutionEnded(session="s", status="error", count=3, ms=1.5, result=FRAME),
        SpanEnded(session="s", what="llm", arguments={"q": FRAME}, result=FRAME, tokens={"input": 3}),
    ],
)
def test_nested_parts_of_other_events_survive_too(event: Event) -> None:
    """Changes, results and arguments are values again after the journal."""
    assert through_json(event) == event


def test_every_kind_is_named_once_and_read_back() -> None:
    """The default event of each kind survives, and no two kinds share a name."""
    assert len(KINDS) == len({cls.kind for cls in KINDS.values()})
    for cls in KINDS.values():
        assert through_json(cls(session="s")) == cls(session="s")


def test_what_a_newer_version_wrote_is_kept_whole() -> None:
    """An unknown kind is read as Unknown and written again as it was; an unknown field is ignored."""
    record = {"e": "hologram", "s": "s1", "x": "x1", "i": "id", "t": "time", "q": 3, "depth": [1, {"a": 2}]}
    event = from_record(record)
    assert isinstance(event, Unknown)
    assert event.session == "s1"
    assert to_record(event) == record
    assert from_record({"e": "perf", "s": "s", "name": "a", "colour": "red"}) == events.PerfMarked(session="s", name="a")


def test_empty_fields_are_not_written() -> None:
    """A record costs what it says: no nulls, no empty lists; the level is always there to filter by."""
    assert to_record(events.Logged(session="s", message="hi")) == {"e": "log", "s": "s", "l": "info", "m": "hi"}


def test_the_model_holds_frozen_dataclasses_only() -> None:
    """Nothing in the model can be changed after it was made."""
    for cls in (*KINDS.values(), Value, Failure, Frame, Fact, Evidence, Change, Column, Operand, Expression):
        assert is_dataclass(cls)
        assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert fields(cls)


scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.builds(Value, type=st.text(min_size=1), value=scalars, length=st.none() | st.integers(0)),
    lambda inner: st.builds(
        Value,
        type=st.text(min_size=1),
        entries=st.dictionaries(st.text(), inner, max_size=3),
        items=st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=8,
)


@given(values)
def test_any_value_survives(value: Value) -> None:
    """Property: plain data and back is the identity."""
    assert value_from_plain(json.loads(json.dumps(events.plain(value)))) == value


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("'price'", "KeyError: 'price'"),
        ("", "KeyError"),
        ("no such key:", "KeyError: no such key:"),
        ("shapes (5,4) (3,) ", "KeyError: shapes (5,4) (3,)"),
    ],
)
def test_a_failure_is_named_by_type_and_message(message: str, title: str) -> None:
    """The type alone where there is no message; what the message ends in stays, but for blanks (numpy's shapes)."""
    assert Failure("KeyError", message).title == title
