"""Tokens and cost: each call priced by itself, from the user's table, a maintained package, or nobody, and then said so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import agentlog
from agentlog.costs.allowance import Budget
from agentlog.costs.prices import Prices, split
from agentlog.costs.spending import of_calls
from agentlog.errors import UsageError
from agentlog.events import Logged, SessionStarted, SpanEnded
from agentlog.recorder import Recorder
from agentlog.store import Store

TABLE = {
    "currency": "EUR",
    "models": {
        "house-*": {"input": 2.0, "output": 8.0},
        "house-large": {"input": 4.0, "output": 16.0, "cache_read": 1.0, "cache_write": 5.0, "above": {"1000": {"input": 8.0, "output": 32.0, "cache_read": 2.0, "cache_write": 10.0}}},
    },
}  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(TABLE))
    return path


def test_the_users_table(table: Path) -> None:
    """The exact name before the longest pattern; cached tokens are part of the input and have prices of their own."""
    prices = Prices.load(table)
    large = prices.price("house-large", None, {"input": 1000, "output": 100, "cache_read": 400, "cache_write": 100})
    assert large.cost == pytest.approx((500 * 4 + 400 * 1 + 100 * 5 + 100 * 16) / 1e6)
    assert (large.currency, large.source) == ("EUR", "file")
    assert prices.price("house-tiny", None, {"input": 10, "output": 1}).cost == pytest.approx(28 / 1e6)


def test_a_long_call_is_priced_whole_by_its_tier(table: Path) -> None:
    """Above the threshold, not at it; two short calls are not one long one."""
    prices = Prices.load(table)
    assert prices.price("house-large", None, {"input": 1000}).cost == pytest.approx(0.004)
    assert prices.price("house-large", None, {"input": 1001}).cost == pytest.approx(1001 * 8 / 1e6)


def test_what_has_no_price_is_said() -> None:
    """Unknown model, no model, a kind of tokens without a price: None and the reason."""
    prices = Prices()
    assert "no price for nobody-knows-this-model" in (prices.price("nobody-knows-this-model", None, {"input": 1}).unknown or "")
    assert prices.price(None, None, {}).unknown == "the call names no model"


def test_a_cache_without_a_price_is_not_guessed(table: Path) -> None:
    """Only as far as the table goes."""
    assert (
        Prices.load(table).price("house-tiny", None, {"input": 10, "cache_read": 5}).unknown
        == "the price table has no cache_read price for house-tiny"
    )


def test_input_that_is_told_without_the_cache() -> None:
    """Some report input without the cached tokens: then nothing is taken off it."""
    assert split({"input": 100, "cache_read": 900}) == {"input": 100, "output": 0, "cache_read": 900, "cache_write": 0}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"models": {"a": {}}}', '{"models": {"a": {"input": "x"}}}', '{"models": {"a": {"input": -1}}}']
)
def test_a_table_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    """What is wrong is said with the file's name."""
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"p\.json is no price table"):
        Prices.load(path)
    with pytest.raises(UsageError, match="cannot read the prices"):
        Prices.load(tmp_path / "gone.json")


def test_the_package_prices_each_call_by_itself() -> None:
    """genai-prices: a call above a model's threshold costs more a token than the same tokens in short calls."""
    pytest.importorskip("genai_prices")
    prices = Prices()
    short = prices.price("gemini-2.5-pro", "google", {"input": 150_000, "output": 1_000}, "2026-01-01T00:00:00.000000Z")
    long = prices.price("gemini-2.5-pro", "google", {"input": 300_000, "output": 2_000}, "2026-01-01T00:00:00.000000Z")
    assert short.source == "genai-prices"
    assert short.cost is not None
    assert long.cost is not None
    assert long.cost > 2.1 * short.cost > 0


def test_the_summary_by_model_agent_session_and_day(table: Path) -> None:
    """Each call once in each group; failed and unpriced ones are counted; costs are by currency."""
    store = Store.in_memory()
    for identifier, agent in (("s1", "coder"), ("s2", "tester")):
        store.add(SessionStarted(session=identifier, id=identifier, agent=agent, life="task"))
    for where, model, tokens, day, more in (
        ("s1", "house-tiny", {"input": 1000, "output": 100}, "2026-11-20", {}),
        ("s1", "house-tiny", {"input": 1000, "output": 100}, "2026-11-21", {"ok": False}),
        ("s2", "mystery-model-x", {"input": 7}, "2026-11-21", {}),
        ("s2", "mystery-model-x", {"input": 7}, "2026-11-21", {"cost": 0.5}),
    ):
        store.add(
            SpanEnded(
                session=where, what="llm", name=model, model=model, tokens=tokens, ms=10.0, time=f"{day}T10:00:00.000000Z", **more
            )
        )  # type: ignore[arg-type]
    store.add(SpanEnded(session="s1", what="tool", name="house-tiny"))
    found = of_calls(store, None, Prices.load(table))
    total = found["total"]
    assert (total["calls"], total["failed"], total["prompt_tokens"], total["completion_tokens"], total["ms"]) == (
        4,
        1,
        2014,
        200,
        40.0,
    )
    assert total["cost"] == {"EUR": pytest.approx(2 * 0.0028 + 0.5)}
    assert (total["unpriced_calls"], total["unpriced"]) == (1, {"mystery-model-x": 1})
    assert found["by_day"]["2026-11-20"]["calls"] == 1
    assert found["by_agent"]["coder"]["total_tokens"] == 2200
    assert set(found["by_session"]) == {"s1", "s2"}
    assert of_calls(store, "s2", Prices())["total"]["calls"] == 2


def test_token_summary_of_a_live_process(door: Recorder, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the program notes on its calls is counted at once, priced by the table, also as recorded with the call."""
    monkeypatch.setenv("AGENTLOG_PRICES", str(table))
    with agentlog.llm_call("house-tiny", "hello") as call:
        call["tokens_in"], call["tokens_out"] = 1000, 100
    found = agentlog.token_summary()
    assert found["by_model"]["house-tiny"]["cost"] == {"EUR": pytest.approx(0.0028)}
    assert agentlog.summary()["tokens"]["calls"] == 1
    assert agentlog.summary()["calls"] == {"llm": 1}
    store = Store.open(door.folder)
    (event,) = [event for event in store.events(kinds={"span"}) if isinstance(event, SpanEnded)]
    store.close()
    assert event.cost == pytest.approx(0.0028)


def test_without_a_store_the_sums_are_zero() -> None:
    """No store, no recorder: the same keys, nothing counted."""
    assert agentlog.token_summary()["total"]["calls"] == 0
    assert agentlog.summary()["sessions"] == 0


def test_budgets_are_read_or_explained() -> None:
    """Limits and a command; a mistake is one line."""
    budget = Budget.parse("day=20, session_tokens=1000, command=notify --loud me")
    assert (budget.limits, budget.command) == ({"day": 20.0, "session_tokens": 1000.0}, "notify --loud me")
    with pytest.raises(UsageError, match="unknown budget 'week'"):
        Budget.parse("week=3")
    with pytest.raises(UsageError, match="needs a number"):
        Budget.parse("day=lots")


PROGRAM = """
import agentlog
agentlog.enable()
with agentlog.start_session("coder", "write"):
    for n in range(3):
        with agentlog.llm_call("house-tiny", "x") as call:
            call["tokens_in"], call["tokens_out"] = 1000, 100
    with agentlog.llm_call("mystery-model-x", "x") as call:
        call["tokens_in"] = 1
"""


def test_a_budget_warns_once_and_calls_its_command(tmp_path: Path, table: Path) -> None:
    """One line on stderr when it is used up, one for a model without a price, a record of each, and the command with the facts."""
    heard = tmp_path / "heard"
    command = f'{sys.executable} -c \'import os; open("{heard}", "a").write(os.environ["AGENTLOG_BUDGET_EVENT"])\''
    environment = {
        **os.environ, "AGENTLOG_DIR": str(tmp_path / "st"), "AGENTLOG_PRICES": str(table), "AGENTLOG_BUDGET": f"session=0.005, command={command}",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120)
    used, unknown = sorted(done.stderr.splitlines())
    assert (done.returncode, done.stdout) == (0, "")
    assert used.startswith("agentlog: budget used up: 0.0056 of 0.005 cost this session (")
    assert unknown == "agentlog: the budget does not count calls of mystery-model-x: nobody knows their price"
    store = Store.open(tmp_path / "st")
    assert sorted(event.message for event in store.events(kinds={"log"}) if isinstance(event, Logged)) == [
        line.removeprefix("agentlog: ") for line in (used, unknown)
    ]
    store.close()
    import time

    until = time.monotonic() + 60
    while not (heard.exists() and heard.read_text()) and time.monotonic() < until:
        time.sleep(0.05)  # nobody waits for the command: this test has to
    assert json.loads(heard.read_text())["budget"] == "session"


def test_the_day_counts_earlier_processes_too(tmp_path: Path, table: Path) -> None:
    """The second run of the day begins where the first one ended."""
    environment = {
        **os.environ,
        "AGENTLOG_DIR": str(tmp_path / "st"),
        "AGENTLOG_PRICES": str(table),
        "AGENTLOG_BUDGET": "day=0.010",
    }
    first, second = (
        subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120)
        for _ in range(2)
    )
    assert "budget used up" not in first.stderr
    assert "budget used up: 0.0112 of 0.01 cost this day" in second.stderr
