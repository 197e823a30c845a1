"""The session of a process ends once, by the process that began it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.ids import new_id
from agentlog.store import Store

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


def test_a_session_says_what_it_ran_on(tmp_path: Path, store_folder: Path) -> None:
    """Git's commit, branch and uncommitted changes; versions of packages; the session that started it; how it ended."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text("x = 1\n")
    (project / "plain.py").write_text("__version__ = '1.2'\n")
    (project / "lazy").mkdir()
    (project / "lazy" / "__init__.py").write_text("from . import _version\n")
    (project / "lazy" / "_version.py").write_text("version = '3.4'\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q", "-b", "trunk"], ["add", "app.py"], [*who, "commit", "-q", "-m", "begun"]):
        subprocess.run(["git", *words], cwd=project, check=True, timeout=60)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project, check=True, timeout=60, capture_output=True, text=True
    ).stdout.strip()
    (project / "app.py").write_text("x = 2\n")
    code = (
        "import lazy, plain\nfrom agentlog import recorder, session\ndoor = recorder.start()\nsession.begin(door)\ndoor.flush(60)"
    )
    parent = new_id()
    environment = {**os.environ, "AGENTLOG_PARENT_SESSION": parent}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=project, env=environment)
    store = Store.open(store_folder)
    try:
        found = store.session()
    finally:
        store.close()
    assert (found.git["branch"], found.git["dirty"]) == ("trunk", True)
    assert commit.startswith(str(found.git["commit"]))
    assert (found.packages["plain"], found.packages["lazy"]) == ("1.2", "3.4")
    assert (found.parent, found.cwd, found.how) == (parent, str(project.resolve()), "exit")
    assert found.python == sys.version.split()[0]
