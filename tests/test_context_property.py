"""Whatever fails, with whatever values, at whatever budget: the context is valid, within the budget, and holds no secret."""

from __future__ import annotations

import json
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlog.amounts import LEAST_TOKENS
from agentlog.context import build
from agentlog.events import (
    Column,
    ErrorRaised,
    Evidence,
    ExecutionEnded,
    ExecutionStarted,
    Expression,
    Fact,
    Failure,
    Frame,
    NamespaceChanged,
    Operand,
    StreamWritten,
    Value,
    from_record,
    to_record,
)
from agentlog.ids import new_id
from agentlog.redact import Redactor
from agentlog.renderers import FORMATS
from agentlog.store import Store
from agentlog.tokens import counter

SECRETS = ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "hunter2-correct-horse-battery", "AKIAZ7QK3M2T5W8XN4LB")
WORDS = st.sampled_from(
    ["df", "model", "X_train", "weights", "naïve", "größe", "数据", "total", "i", "a_rather_long_variable_name", "x1"]
)
names = st.one_of(WORDS, st.from_regex(r"[a-z_][a-z0-9_]{0,14}", fullmatch=True))
plain_text = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=120),
    st.sampled_from(["könnte nicht gelesen werden", "не найден столбец", "路径不存在", "a\tb\nc", "\x1b[31mred\x1b[0m", "x" * 400, "</values>", '"}]'])
)  # fmt: skip
texts = st.one_of(
    plain_text, st.sampled_from([f"token={SECRETS[0]}", f"https://u:{SECRETS[1]}@host/x", f"key {SECRETS[2]} given"])
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.floats(allow_nan=True), texts)


def frames_of_data() -> st.SearchStrategy[Value]:
    column = st.builds(
        Column, texts, st.sampled_from(["int64", "object", "float64"]), st.none() | st.integers(0, 99), st.tuples(texts)
    )
    return st.lists(column, max_size=30).map(
        lambda columns: Value(
            "DataFrame", shape=(7, len(columns)), columns=tuple(columns), head=(tuple(range(len(columns))),) * 2
        )
    )


leaves = st.one_of(
    st.builds(Value, st.just("str"), value=texts, length=st.integers(0, 999)),
    st.builds(Value, st.sampled_from(["int", "float", "bool", "NoneType"]), value=scalars),
    st.builds(Value, st.just("ndarray"), shape=st.sampled_from([(), (0,), (5,), (3, 4)]), dtype=st.sampled_from([None, "int64", "<U9"]), range=st.none() | st.tuples(scalars, scalars)),
    frames_of_data(),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Value, st.just("dict"), length=st.integers(0, 99), entries=st.dictionaries(texts, inner, max_size=4)),
        st.builds(Value, st.just("list"), length=st.integers(0, 99), items=st.lists(inner, max_size=4).map(tuple)),
        st.builds(Value, st.just("Order"), attributes=st.dictionaries(names, inner, max_size=4), facts=st.dictionaries(names, scalars, max_size=3)),
    ),
    max_leaves=6,
)  # fmt: skip
frames = st.builds(
    Frame, st.sampled_from(["cell", "user", "library"]), st.just("<cell>"), st.integers(1, 99), names, count=st.just(2), source=texts,
    locals=st.dictionaries(names, values, max_size=8), arguments=st.dictionaries(names, leaves, max_size=3),
)  # fmt: skip
facts = st.builds(Fact, texts, st.none() | names, st.none() | leaves, st.lists(texts, max_size=3).map(tuple))
failures = st.builds(
    Failure, st.sampled_from(["KeyError", "ValueError", "Exception", "NameError", "AttributeError"]), texts,
    frames=st.lists(frames, max_size=4).map(tuple),
    expression=st.none() | st.builds(Expression, texts, st.integers(1, 9), st.booleans(), st.lists(st.builds(Operand, names, values), max_size=3).map(tuple)),
    evidence=st.lists(st.builds(Evidence, names, st.lists(facts, max_size=4).map(tuple)), max_size=2).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
)  # fmt: skip


@lru_cache(maxsize=1)
def redactor() -> Redactor:
    return Redactor(values=SECRETS[1:2], environment={})


@lru_cache(maxsize=1)
def counters() -> list[object]:
    """Real tokenizers where one is installed, else the estimate alone."""
    try:
        return [counter("o200k_base"), counter("cl100k_base")]
    except Exception:
        return [counter()]


def store_of(failure: Failure, source: str, printed: str) -> Store:
    """Two executions, the second fails; all of it through the redactor, as the recorder does it."""
    store, session = Store.in_memory(), new_id()
    first, second = new_id(), new_id()
    change = NamespaceChanged(session=session, execution=first, reads=("os",), writes=("df",))
    for event in (
        ExecutionStarted(session=session, execution=first, count=1, number=1, source=source),
        ExecutionEnded(session=session, execution=first, count=1),
        change,
        ExecutionStarted(session=session, execution=second, count=2, number=2, source=source),
        StreamWritten(session=session, execution=second, text=printed),
        ErrorRaised(session=session, execution=second, message=failure.message, failure=failure),
        ExecutionEnded(session=session, execution=second, count=2, status="error"),
    ):
        store.add(from_record(redactor().record(to_record(event))))
    store.refresh()
    return store


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(failures, texts, texts, st.sampled_from(sorted(FORMATS)), st.integers(60, 8000))
def test_valid_within_budget_and_free_of_secrets(failure: Failure, source: str, printed: str, format: str, tokens: int) -> None:
    """Any failure, any format, any budget."""
    store = store_of(failure, source, printed)
    text = build(store).render(format, max(tokens, 700) if format == "html" else tokens)
    limit = max(tokens, 700) if format == "html" else tokens
    for count in counters():
        assert count.count(text) <= limit, (count.count(text), limit, text[:1500])  # type: ignore[attr-defined]
    for secret in SECRETS:
        assert secret not in text
    if format == "json":
        assert isinstance(json.loads(text), dict)
    assert text.strip()
    store.close()


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "html"])
def test_the_least_budget_is_kept_too(format: str) -> None:
    """Where hardly a line has room: what is left out, and how to get it."""
    failure = Failure("KeyError", "'price'", frames=(Frame("cell", "c.py", 1, "<module>", source="prices['price']"),))
    store = store_of(failure, "prices['price']", "")
    text = build(store).render(format, LEAST_TOKENS)
    assert all(count.count(text) <= LEAST_TOKENS for count in counters()), text  # type: ignore[attr-defined]
    assert "left out" in text
    store.close()


def test_real_tokenizers_are_at_hand() -> None:
    """The property above is proved by real tokenizers, not by the estimate; where none is installed it says so."""
    pytest.importorskip("rs_bpe", reason="no tokenizer with a vocabulary of its own is installed: pip install rs-bpe")
    assert len(counters()) == 2
