"""What a program says about itself reaches the store; without recording nothing happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agentlog import recorder, verbs
from agentlog.events import (
    DecisionMade,
    ErrorRaised,
    Event,
    Logged,
    MessageSaid,
    OutcomeTagged,
    PerfMarked,
    SpanEnded,
    from_record,
    plain,
)
from agentlog.notes import described, plain_described
from agentlog.recorder import Recorder
from agentlog.spans import current_span, llm_call, log_func, span, tool_call


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The events that reached the door, in order."""
    door = recorder.start()
    door.session = "s"
    events: list[Event] = []
    true_record = Recorder.record

    def record(self: Recorder, event: Event, *, now: bool = False) -> Event:
        events.append(event)
        return true_record(self, event, now=now)

    def record_plain(self: Recorder, kind: str, said: dict[str, Any], **_: Any) -> None:
        events.append(from_record({"e": kind, **said}))

    monkeypatch.setattr(Recorder, "record", record)
    monkeypatch.setattr(Recorder, "record_plain", record_plain)
    yield events
    recorder.stop()


class Loud:
    """Its text runs code of the user's."""

    def __repr__(self) -> str:
        raise AssertionError("repr was called")

    __str__ = __repr__


def test_off_means_nothing_happens() -> None:
    """Every verb is a no-op without a recorder, also with hostile arguments."""
    assert recorder.current() is None
    verbs.log("a", x=Loud())
    verbs.log_vars(Loud())
    verbs.log_error("a", ValueError("x"))
    verbs.tag_outcome("nonsense")
    with span("a") as noted, tool_call("b"), llm_call("c"):
        noted["x"] = 1
    assert current_span() is None
    assert recorder.current() is None


def test_a_line_has_its_context_level_and_place(kept: list[Any]) -> None:
    """log keeps the message, described context, the caller's file and line; below the level nothing is kept."""
    verbs.log("loaded", rows=3, thing=Loud(), tags=["io"])
    verbs.log("noise", level="debug")
    (line,) = kept
    assert isinstance(line, Logged)
    assert (line.message, line.level, line.tags) == ("loaded", "info", ("io",))
    assert line.data["rows"].value == 3
    assert line.data["thing"].type == "Loud"
    assert line.file == __file__
    assert line.line


def test_log_vars_finds_the_names_at_the_call(kept: list[Any]) -> None:
    """Names, attributes and subscripts are called what the caller wrote."""
    rows, table = 3, {"a": [1, 2]}
    verbs.log_vars(rows, table["a"], total=rows + 1)
    assert [(name, value.value) for name, value in kept[0].data.items() if name != "table['a']"] == [("rows", 3), ("total", 4)]
    assert kept[0].data["table['a']"].length == 2


def test_an_error_that_is_handled_keeps_its_frames(kept: list[Any]) -> None:
    """log_error takes the exception given or the one being handled, with locals; never its own text by user code."""
    try:
        divisor = 0
        _ = 1 / divisor
    except ZeroDivisionError:
        verbs.log_error("could not divide", share=divisor)
    error = kept[0]
    assert isinstance(error, ErrorRaised)
    assert (error.origin, error.message, error.failure.type) == ("captured", "could not divide", "ZeroDivisionError")
    assert error.failure.frames[-1].locals["divisor"].value == 0
    assert kept[1].data["share"].value == 0


def test_the_agents_trail(kept: list[Any]) -> None:
    """Input, thought, decision, tool, handover, answer, outcome: each its own kind of event, in order."""
    verbs.log_user_input("fix it")
    verbs.log_agent_thought("the key is misspelt")
    verbs.log_decision("which column", "region_code", options=["region_code", "Region"], reason="it exists")
    verbs.log_tool_call("bash", "ls", {"path": "."}, result="a.csv")
    verbs.log_handover("coder", "please fix", file="a.csv")
    verbs.log_agent_output("done")
    verbs.log_perf("load", seconds=1.5)
    verbs.tag_outcome("success", 0.9, "tests pass")
    verbs.tag_session_outcome("other", "failure")
    assert [(event.role, event.text, event.to) for event in kept if isinstance(event, MessageSaid)] == [
        ("user", "fix it", None), ("thought", "the key is misspelt", None), ("handover", "please fix", "coder"), ("agent", "done", None),
    ]  # fmt: skip
    decision, tool, perf = (
        next(event for event in kept if isinstance(event, cls)) for cls in (DecisionMade, SpanEnded, PerfMarked)
    )
    assert (decision.choice, decision.options, decision.reason) == ("region_code", ("region_code", "Region"), "it exists")
    assert (tool.what, tool.name, tool.arguments["path"].value, tool.result.value) == ("tool", "ls", ".", "a.csv")
    assert perf.figures["seconds"] == 1.5
    assert perf.figures["rss"] > 1_000_000
    outcomes = [event for event in kept if isinstance(event, OutcomeTagged)]
    assert [(event.outcome, event.confidence, event.subject) for event in outcomes] == [
        ("success", 0.9, None),
        ("failure", 1.0, "other"),
    ]


@pytest.mark.usefixtures("expect_faults")
def test_a_wrong_outcome_is_noted_not_raised(kept: list[Any]) -> None:
    """The verbs never raise into the caller's program."""
    verbs.tag_outcome("splendid")
    assert kept == []


# --- spans ------------------------------------------------------------------------------------------------------------


def test_spans_nest_and_say_how_they_ended(kept: list[Any]) -> None:
    """A child names its parent; an exception marks each span it passes and goes on its way."""

    def work() -> None:
        with span("outer", size=3):
            with tool_call("search", {"query": "x"}) as call:
                call["result"] = ["a", "b"]
                call["note"] = "cached"
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()
    inner, outer = kept
    assert inner.parent == outer.span
    assert (inner.what, inner.ok, inner.result.length, inner.data["note"].value) == ("tool", True, 2, "cached")
    assert (outer.ok, outer.error, outer.arguments["size"].value) == (False, "ValueError: no", 3)


def test_a_model_call_keeps_its_tokens(kept: list[Any]) -> None:
    """The caller's names for tokens become the model's keys."""
    with llm_call("some-model", "hi", provider="acme") as call:
        call.update(tokens_in=100, tokens_out=20, cache_read=50, result="hello")
    (event,) = kept
    assert (event.model, event.provider, event.tokens) == ("some-model", "acme", {"input": 100, "output": 20, "cache_read": 50})
    assert event.arguments["prompt"].value == "hi"


def test_tasks_and_threads_do_not_mix(kept: list[Any]) -> None:
    """Concurrent spans have the parents of their own context."""

    async def work(name: str) -> None:
        async with span(name):
            await asyncio.sleep(0)
            async with span(name + ".inner"):
                await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(*(work(str(number)) for number in range(5)))

    asyncio.run(both())
    thread = threading.Thread(target=lambda: asyncio.run(work("thread")))
    with span("main"):
        thread.start()
        thread.join()
    by_name = {event.name: event for event in kept}
    for name in ("0", "1", "2", "3", "4", "thread"):
        assert by_name[name + ".inner"].parent == by_name[name].span
        assert by_name[name].parent is None


def test_log_func_keeps_calls_of_every_kind(kept: list[Any]) -> None:
    """Plain, async, generator and async generator functions behave as before and leave one span a call."""

    @log_func
    def add(a: int, b: int = 2) -> int:
        """Adds."""
        return a + b

    @log_func
    async def later(a: int) -> int:
        return a

    @log_func
    def count(n: int) -> Iterator[int]:
        got = yield 1
        assert got == "sent"
        yield n

    @log_func
    async def acount(n: int) -> Any:
        for number in range(n):
            yield number

    async def collect() -> list[int]:
        return [item async for item in acount(3)]

    assert (add(1), add.__doc__, add.__name__) == (3, "Adds.", "add")
    assert asyncio.run(later(5)) == 5
    generator: Any = count(7)
    assert next(generator) == 1
    assert current_span() is None, "a waiting generator is nobody's parent"
    assert generator.send("sent") == 7
    assert list(generator) == []
    assert asyncio.run(collect()) == [0, 1, 2]
    assert [event.name.rsplit(".", 1)[-1] for event in kept] == ["add", "later", "count", "acount"]
    assert {name: value.value for name, value in kept[0].arguments.items()} == {"a": 1}
    assert kept[0].result.value == 3
    assert kept[3].data["items"].value == 3


def test_names_that_are_objects_of_the_users_are_not_turned_into_text() -> None:
    """`call[key] = value`: the key may be anything."""
    assert list(described({"a": 1, 5: 2, Loud(): 3})) == ["a", "5", "Loud"]


def test_the_short_way_of_a_line_says_the_same() -> None:
    """A line made of plain data reads back as the event that it stands for, whatever the values are."""
    values = {
        "a": 1,
        "b": 2.5,
        "c": "text",
        "d": None,
        "e": True,
        "f": [1, {"x": 2}],
        "g": Loud(),
        "h": float("nan"),
        "i": 10**40,
        "j": "ä" * 500,
        "k": b"x",
    }
    assert plain_described(values) == plain(described(values))
