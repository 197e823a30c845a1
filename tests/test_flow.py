"""A real program of three agents: told again in order, as a tree, and with the place where the bad value entered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from agentlog.cli import main
from agentlog.commands import flow as flow_command
from agentlog.commands import replay as replay_command
from agentlog.desk import Desk
from agentlog.events import ErrorRaised, Expression, Failure, Frame, MessageSaid, Operand, SessionStarted, SpanEnded, Value
from agentlog.flow import flow
from agentlog.origins import origins
from agentlog.replay import replay
from agentlog.store import Store

PROGRAM = """
import agentlog
from agentlog import start_session, tool_call, llm_call, log_handover, log_user_input, log_agent_thought, log_decision

agentlog.enable(describe_ms=5000, evidence_ms=5000)

def total(order):
    return float(order["price"]) * order["count"]

with start_session("planner", "quote 40 chairs"):
    log_user_input("quote 40 chairs CH-7731 please")
    log_agent_thought("I need the price first")
    with start_session("researcher", "find the price"):
        with tool_call("fetch", {"sku": "CH-7731"}) as call:
            call["result"] = found = {"sku": "CH-7731", "price": "12,50", "stock": 3}
        with llm_call("gpt-4.1", "is this a fair price?") as call:
            call["tokens_in"], call["tokens_out"] = 1200, 40
        log_handover("calculator", "price found", order={**found, "count": 40})
    log_decision("who calculates", "calculator", options=["planner", "calculator"], reason="it can add")
    with start_session("calculator", "calculate"):
        total({**found, "count": 40})
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store that the program left."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(PROGRAM)
    environment = {**os.environ, "AGENTLOG_DIR": str(folder / "st"), "AGENTLOG": "false"}
    done = subprocess.run([sys.executable, "shop.py"], cwd=folder, capture_output=True, text=True, timeout=120, env=environment)
    assert done.stderr.endswith("ValueError: could not convert string to float: '12,50'\n")
    store = Store.open(folder / "st")
    yield store
    store.close()


def planner(store: Store) -> str:
    return next(one.id for one in store.sessions() if one.agent == "planner")


def test_the_tale_is_in_order(shop: Store) -> None:
    """User input, thought, tool, model, handover, decision, failure: across the agents, each with its agent."""
    told = replay(shop, shop.session(planner(shop)))
    assert [(step.agent, step.kind) for step in told.steps] == [
        ("planner", "user"), ("planner", "thought"), ("researcher", "tool"), ("researcher", "model"), ("researcher", "handover"),
        ("planner", "decision"), ("calculator", "failure"),
    ]  # fmt: skip
    text = str(told)
    assert "fetch(sku='CH-7731')" in text
    assert "gpt-4.1 (1200 input, 40 output tokens)" in text
    assert "who calculates: calculator (not planner) because it can add" in text
    assert "ValueError: could not convert string to float: '12,50'" in text


def test_the_tree_says_where_the_bad_value_entered(shop: Store) -> None:
    """Who started whom, the handover, and the failing value traced back to the tool call that returned it."""
    seen = flow(shop, shop.session(planner(shop)))
    assert [node.name for node in seen.tree.all()] == ["planner", "researcher", "calculator"]
    (trouble,) = seen.troubles
    assert trouble.agent == "calculator"
    first = trouble.origins[0]
    assert (first.name, first.value.value) == ("order['price']", "12,50")
    assert [(one.how, one.path) for one in first.sightings] == [("returned", "['price']"), ("handed over", "order['price']")]
    assert "entered: researcher: tool fetch(sku='CH-7731') returned it at ['price']" in str(seen)
    assert seen.as_json()["handovers"][0]["to"] == "calculator"


def test_commands_print_text_and_json(shop: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """`agentlog replay` and `agentlog flow`: the latest task and all around it; --json is data."""
    assert main(["flow", "--store", str(shop.folder)]) == 0
    assert capsys.readouterr().out.startswith("planner: quote 40 chairs")
    assert main(["replay", planner(shop)[-6:], "--json", "--store", str(shop.folder)]) == 0
    assert len(json.loads(capsys.readouterr().out)["steps"]) == 7
    assert main(["replay", "nosuch", "--store", str(shop.folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    desk = Desk(shop.folder)
    assert flow_command.run(SimpleNamespace(session=None), desk).tree.name == "planner"
    assert replay_command.run(SimpleNamespace(session=planner(shop), all=True), desk).agents == 3
    desk.close()


def failing(name: str, value: Value) -> ErrorRaised:
    frame = Frame("user", "app.py", 3, "f", source=f"g({name})", locals={name: value})
    return ErrorRaised(
        id="9",
        failure=Failure(
            "ValueError", "bad", frames=(frame,), expression=Expression(f"g({name})", 3, True, (Operand(name, value),))
        ),
    )


def test_common_values_count_only_under_their_name() -> None:
    """None and small numbers are everywhere: equal ones count where they have the same name; telling ones everywhere."""
    none, rare = Value("NoneType"), Value("str", value="Zürich-West", length=11)
    events = [
        SpanEnded(id="1", what="tool", name="a", result=Value("dict", entries={"other": none, "city": rare}, length=2)),
        SpanEnded(id="2", what="tool", name="b", result=Value("dict", entries={"price": none}, length=1)),
        MessageSaid(id="3", role="agent", text="it is in Zürich-West."),
    ]
    (of_none,) = origins(failing("order['price']", none), events)
    assert [(one.event.id, one.path) for one in of_none.sightings] == [("2", "['price']")]
    (of_rare,) = origins(failing("place", rare), events)
    assert [(one.event.id, one.how) for one in of_rare.sightings] == [("1", "returned"), ("3", "said")]
    assert origins(failing("unheard", Value("int", value=987654)), events) == []


def test_what_came_later_is_no_origin() -> None:
    """Only what was seen before the failure can have caused it."""
    value = Value("str", value="a rare text", length=11)
    assert origins(failing("x", value), [SpanEnded(id="99", what="tool", name="late", result=value)]) == []


def test_a_family_follows_parents_across_processes() -> None:
    """Sessions below sessions, in the order they began, whatever process they ran in."""
    store = Store.in_memory()
    for identifier, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "a")):
        store.add(SessionStarted(session=identifier, agent=identifier.upper(), task="t", parent=parent, life="task"))
    assert [node.name for node in flow(store, store.session("a")).tree.all()] == ["A", "B", "C", "D"]
    assert str(replay(store, store.session("a"))).endswith("nothing was said or done")
