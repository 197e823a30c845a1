"""The decision trail for a third party."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.cli import main

PROGRAM = """
import agentlog
agentlog.enable()
with agentlog.start_session("fixer", "mend the report"):
    agentlog.log_user_input("why is the total wrong?")
    agentlog.log_agent_thought("the password=hunter2hunter2 is not needed")
    agentlog.log_decision("which file", "today.csv", options=["today.csv", "old.csv"], reason="it is newer")
    with agentlog.tool_call("read", {"path": "today.csv"}) as call:
        call["result"] = "3 rows"
    agentlog.log_agent_output("a comma in a price")
"""


def test_the_trail_tells_every_step_and_can_be_checked(
    tmp_path: Path, store_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps in order, what was redacted marked and counted, the chains of the journal named; nothing secret in it."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)
    target = tmp_path / "trail.jsonl"
    from agentlog.store import Store

    store = Store.open()
    task = next(session.id for session in store.sessions() if session.agent == "fixer")
    store.close()
    assert main(["export", str(target), "--trail", "--session", task]) == 0
    first, *steps, last = [json.loads(line) for line in target.read_text().splitlines()]
    assert (first["agent"], first["task"]) == ("fixer", "mend the report")
    assert [chain["verdict"] for chain in first["chains"]] == ["whole"]
    assert all(len(chain["head"]) == 32 for chain in first["chains"])
    steps = [step for step in steps if step["kind"] != "workspace"]  # only where the tests run inside a git repository
    told = [(step["kind"], step["text"]) for step in steps]
    assert told[0] == ("user", "why is the total wrong?")
    assert [kind for kind, _ in told] == ["user", "thought", "decision", "tool", "answer"]
    assert [step.get("redacted", 0) for step in steps] == [0, 1, 0, 0, 0]
    assert last["redacted_steps"] == 1
    assert "hunter2hunter2" not in target.read_text()
    assert f"{last['steps']} rows" in capsys.readouterr().out
