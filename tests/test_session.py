"""The session of a process ends once, by the process that began it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FORKING = """
import os, sys
from agentlog import recorder, session
from agentlog.events import Logged
door = recorder.start()
session.begin(door)
pid = os.fork()
if pid == 0:
    door.record(Logged(message="child"))
    sys.exit(0)  # through atexit, not os._exit
os.waitpid(pid, 0)
door.record(Logged(message="parent"))
"""


def by_segment(folder: Path) -> list[list[dict[str, object]]]:
    """The records of each segment, in the order in which the segments were opened."""
    return [list(map(json.loads, file.read_text().splitlines())) for file in sorted((folder / "journal").glob("*.jsonl"))]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_does_not_end_the_session(store_folder: Path) -> None:
    """A child that leaves through atexit writes what it recorded; the session's end is its parent's to say."""
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING], check=True, timeout=60)
    segments = by_segment(store_folder)
    ends = [[record.get("how", "exit") for record in segment if record["e"] == "session.end"] for segment in segments]
    said = [[record["m"] for record in segment if record["e"] == "log"] for segment in segments]
    assert sorted(zip(said, ends, strict=True)) == [(["child"], []), (["parent"], ["exit"])]


def test_the_session_ends_with_the_interpreter(store_folder: Path) -> None:
    """A program that never says so has ended its session, once, when it is over."""
    code = "from agentlog import recorder, session; session.begin(recorder.start())"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    (records,) = by_segment(store_folder)
    assert [record.get("how", "exit") for record in records if record["e"] == "session.end"] == ["exit"]
