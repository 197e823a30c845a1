"""Whatever is built of builtin types is described in bounded JSON that reads back as it was."""

from __future__ import annotations

import json
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlog.describe import describe, describe_names, schema
from agentlog.events import Value, plain, value_from_plain
from agentlog.settings import Limits

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(st.characters(), max_size=300), st.binary(max_size=300),
    st.dates(), st.datetimes(), st.timedeltas(), st.decimals(), st.fractions(), st.uuids(), st.integers(min_value=10**300, max_value=10**400),
)  # fmt: skip
KEYS = st.one_of(
    st.text(max_size=100), st.integers(), st.booleans(), st.none(), st.tuples(st.integers(), st.text(max_size=5)), st.floats()
)
THINGS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=40),
        st.lists(inner, max_size=6).map(tuple),
        st.dictionaries(KEYS, inner, max_size=30),
        st.frozensets(st.integers(), max_size=40),
        st.builds(range, st.integers(), st.integers(), st.integers(min_value=1)),
    ),
    max_leaves=60,
)
EASY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def survives(value: Value) -> str:
    text = json.dumps(plain(value), allow_nan=False)
    text.encode()
    json.dumps(plain(value), ensure_ascii=False).encode()  # no lone surrogate is left
    assert value_from_plain(json.loads(text)) == value
    return text


@EASY
@given(THINGS)
def test_any_structure_survives_the_store(thing):
    """JSON without NaN, bounded in length, equal after reading back; the schema too."""
    text = survives(describe(thing, deadline=time.perf_counter() + 60))
    assert len(text) < 120_000
    assert len(survives(schema(thing))) < 2_000


@EASY
@given(THINGS, st.integers(0, 5), st.integers(1, 30), st.integers(20, 500))
def test_limits_hold(thing, depth, items, chars):
    """No level deeper than `depth`, no container with more than `items` shown, no text much longer than `text_chars`."""
    limits = Limits(depth=depth, items=items, text_chars=chars)

    def check(value: Value, level: int) -> None:
        parts = (*value.entries.values(), *value.items, *value.attributes.values())
        assert len(parts) <= items
        assert level <= depth
        if value.type == "str" and isinstance(value.value, str):
            assert len(value.value.replace("\\u", "")) <= max(80, chars) * 4 + 1
        for part in parts:
            check(part, level + 1)

    check(describe(thing, limits, deadline=time.perf_counter() + 60), 0)


@EASY
@given(st.dictionaries(st.text(max_size=10), THINGS, max_size=10), st.floats(0, 0.002))
def test_names_are_all_there(names, seconds):
    """Whatever the deadline, each name has a description, in the order given."""
    described = describe_names(names, deadline=time.perf_counter() + seconds)
    assert list(described) == list(names)
    for name, value in described.items():
        assert value.type == type(names[name]).__name__
        survives(value)
