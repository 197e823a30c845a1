"""Memory across runs: one failure in many variants is one pattern; what was seen, and what made it go away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import pytest
from error_variants import CASES, LIBRARIES, failure

import agentlog
from agentlog import patterns
from agentlog.context import build
from agentlog.events import (
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    PatternSeen,
    SessionEnded,
    SessionStarted,
    Status,
    WorkspaceSeen,
)
from agentlog.ids import new_id
from agentlog.memory import hash_error
from agentlog.recall import remembered, similar
from agentlog.recorder import Recorder
from agentlog.store import Store

RECORDED = json.loads(Path(__file__).with_name("error_variants.json").read_text())
SPLIT_THOUGH_ALIKE = {
    "missing argument": "a call that does not fit fails in the caller, and another caller is another place",
    "assertion": "a path with spaces and no quotes does not show where it ends",
}
"""Pairs that a person would join, and why they are not."""
JOINED_THOUGH_DIFFERENT: set[frozenset[str]] = set()
"""Pairs that a person would tell apart, and that are joined all the same."""


def hashes() -> dict[str, set[str]]:
    """Case -> the hashes of all its variants: this Python's in four forms, and those other versions were heard to say."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in CASES if find_spec("pandas") is None else (*CASES, *LIBRARIES):
        found[name] |= {hash_error(failure(name, variant)) for variant in range(4)}
    for cases in RECORDED.values():
        for name, (kind, message, functions) in cases.items():
            found[name].add(patterns.hash_error(kind, message, functions))
    return found


def test_variants_of_a_failure_are_one_and_failures_are_told_apart() -> None:
    """Moved lines, other files, paths, numbers, addresses, callers and versions: as a person would group them, but for those listed."""
    found = hashes()
    assert len(found) >= 60
    assert {name for name, known in found.items() if len(known) > 1} == set(SPLIT_THOUGH_ALIKE)
    joined = {frozenset(pair) for pair in combinations(found, 2) if found[pair[0]] & found[pair[1]]}
    assert joined == JOINED_THOUGH_DIFFERENT


def test_a_place_may_move(tmp_path: Path) -> None:
    """(type, file, line): the line is known by its text and function; a file that cannot be read by its name and number."""
    one, other = tmp_path / "a" / "app.py", tmp_path / "b" / "app.py"
    for file, above in ((one, 0), (other, 20)):
        file.parent.mkdir()
        file.write_text("# x\n" * above + "def f():\n    return 1 / 0\n\ndef g():\n    return 1 / 0\n")
    assert hash_error("ZeroDivisionError", str(one), 2) == hash_error(ZeroDivisionError, str(other), 22)
    assert hash_error("ZeroDivisionError", str(one), 2) != hash_error("ZeroDivisionError", str(one), 5)
    assert hash_error("ZeroDivisionError", str(one), 2) != hash_error("ValueError", str(one), 2)
    assert (
        hash_error("KeyError", "/gone/x.py", 3)
        == hash_error("KeyError", "/elsewhere/x.py", 3)
        != hash_error("KeyError", "/gone/x.py", 4)
    )
    assert len(hash_error("KeyError", "/gone/x.py", 3)) == 16


def test_the_exception_and_the_recorder_agree(door: Recorder) -> None:
    """hash_error of an exception is the hash that the recorder writes."""
    error = failure("key of a dict", 0)
    agentlog.log_error("x", error)
    known = agentlog.correlate_error(error)
    assert known["pattern"] == hash_error(error)
    assert (known["is_new"], known["times_seen_before"], known["error_type"]) == (False, 1, "KeyError")


def test_off_and_empty_answers() -> None:
    """Without a store everything is new; nothing is remembered and nothing raises."""
    error = failure("key of a dict", 0)
    assert agentlog.record_error_pattern(error) == ""
    known = agentlog.correlate_error(error)
    assert (known["is_new"], known["times_seen_before"], known["sessions"], known["last_fix"]) == (True, 0, [], None)
    assert agentlog.find_similar_errors(error) == []


def test_what_somebody_says_of_a_pattern(door: Recorder) -> None:
    """Seen, noted and fixed by word: counted, kept, and the fix is the one told."""
    pattern = agentlog.record_error_pattern("KeyError", "/gone/app.py", 3)
    assert agentlog.record_error_pattern(pattern, note="happens on Mondays") == pattern
    assert agentlog.record_error_pattern(pattern, fix="rename the column first") == pattern
    known = agentlog.correlate_error("KeyError", "/gone/app.py", 3)
    assert (known["times_seen_before"], known["notes"], known["sessions"]) == (1, ["happens on Mondays"], [door.session])
    assert (known["last_fix"]["how"], known["last_fix"]["text"]) == ("note", "rename the column first")


def test_similar_errors_are_found(door: Recorder) -> None:
    """Other kinds that read alike come first; unlike ones do not come."""
    for name in ("key of a dict", "another key", "division by zero"):
        agentlog.log_error(name, failure(name, 0))
    found = agentlog.find_similar_errors(failure("key of a dict", 1))
    assert [one["error_type"] for one in found] == ["KeyError"]
    assert found[0]["pattern"] == hash_error(failure("another key", 0))


def test_an_exception_told_twice_on_its_way_out_counts_once(tmp_path: Path) -> None:
    """Logged, left a task, ended the program: one sighting."""
    code = (
        "import agentlog, logging\nagentlog.enable()\n"
        "with agentlog.start_session('a', 'b'):\n    try:\n        {}['k']\n    except KeyError:\n        agentlog.log_error('x')\n        raise\n"
    )
    environment = {**os.environ, "AGENTLOG_DIR": str(tmp_path / "st")}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=120)
    store = Store.open(tmp_path / "st")
    (kind,) = store.error_kinds()
    known = remembered(store, kind.hash)
    store.close()
    assert kind.times == 6
    assert known.times == 2


# --- what made it go away, on hand-made sessions ----------------------------------------------------------------------

FAILED = Failure("KeyError", "'age'", hash="f" * 16)


def cell(store: Store, session: str, count: int, source: str, status: Status) -> str:
    """One run of the cell, with an id of now; returns it."""
    execution = new_id()
    store.add(ExecutionStarted(session=session, execution=execution, id=execution, count=count, cell_id="c1", source=source))
    if status == "error":
        store.add(ErrorRaised(session=session, execution=execution, failure=FAILED))
    store.add(ExecutionEnded(session=session, execution=execution, status=status))
    return execution


def test_the_edit_that_helped(store: Store) -> None:
    """The same cell worked later: the changed lines, and the commit it worked at."""
    cell(store, "n1", 1, "df['age']", "error")
    cell(store, "n1", 2, "df['age']", "error")
    worked = cell(store, "n1", 3, "df['Age']", "ok")
    known = remembered(store, FAILED.hash or "")
    assert known.fix is not None
    assert (known.times, known.fix.how, known.fix.diff, known.fix.execution) == (2, "edit", ("-df['age']", "+df['Age']"), worked)
    assert known.fix.commit == "abc0000000"
    assert known.fix.text == "In[3] worked after an edit"


def test_the_same_code_that_worked_later(store: Store) -> None:
    """No edit and no other commit: it says that it worked when run again; a cell that never worked has no fix."""
    cell(store, "n1", 1, "load()", "error")
    assert remembered(store, FAILED.hash or "").fix is None
    worked = cell(store, "n1", 2, "load()", "ok")
    fix = remembered(store, FAILED.hash or "").fix
    assert fix is not None
    assert (fix.how, fix.text) == ("rerun", "In[2] worked: the same code worked when run again")
    assert remembered(store, FAILED.hash or "", before=worked).fix is None


def test_a_cell_whose_thread_failed_again_did_not_work(store: Store) -> None:
    """It ended well each time; what it left running failed each time."""
    for count in (1, 2):
        own = cell(store, "n1", count, "start(thread)", "ok")
        store.add(ErrorRaised(session="n1", execution=own, failure=FAILED, message=FAILED.title, origin="thread"))
    known = remembered(store, FAILED.hash or "")
    assert (known.times, known.fix) == (2, None)


def test_the_commit_that_helped_a_program(store: Store) -> None:
    """A program's next run that ended well, at another commit."""
    for identifier, commit, how in (("p1", "aaa1111111", "failed"), ("p2", "aaa1111111", "failed"), ("p3", "bbb2222222", "exit")):
        store.add(SessionStarted(session=identifier, id=identifier, life="process", argv=("app.py",), git={"commit": commit}))
        if how == "failed":
            store.add(ErrorRaised(session=identifier, failure=FAILED, origin="uncaught"))
        store.add(SessionEnded(session=identifier, how=how))
    fix = remembered(store, FAILED.hash or "").fix
    assert fix is not None
    assert (fix.how, fix.commit, fix.session) == ("commit", "bbb2222222", "p3")


def test_uncommitted_changes_that_helped_a_task(store: Store) -> None:
    """The same commit, another diff of the workspace: what was added to it."""
    for identifier, diff, how in (("t1", "-a\n+b", "failed"), ("t2", "-a\n+b\n+c", "ended")):
        store.add(
            SessionStarted(session=identifier, id=identifier, life="task", agent="coder", task="fix", git={"commit": "aaa"})
        )
        store.add(WorkspaceSeen(session=identifier, diff=diff))
        if how == "failed":
            store.add(ErrorRaised(session=identifier, failure=FAILED, origin="task"))
        store.add(SessionEnded(session=identifier, how=how))
    fix = remembered(store, FAILED.hash or "").fix
    assert fix is not None
    assert (fix.how, fix.diff) == ("workspace", ("++c",))


def test_similar_needs_more_than_the_type(store: Store) -> None:
    """Type and text count; a pattern is not similar to itself."""
    for number, (kind, message) in enumerate(
        (("KeyError", "'Region_Code'"), ("KeyError", "'region_code'"), ("OSError", "disk full"))
    ):
        store.add(ErrorRaised(session="n1", failure=Failure(kind, message, hash=f"{number}" * 16)))
    store.add(PatternSeen(session="n1", pattern="0" * 16, action="seen"))
    found = similar(store, "KeyError", "'Region_Code'", "0" * 16)
    assert [one["message"] for one in found] == ["'region_code'"]


@pytest.fixture
def store() -> Store:
    made = Store.in_memory()
    made.add(SessionStarted(session="n1", id="n1", life="kernel", notebook="/a/b.ipynb", git={"commit": "abc0000000ffff"}))
    return made


def test_the_context_says_how_often_and_what_helped(store: Store) -> None:
    """ "seen before" of a context: times, sessions, the last fix with its edit and commit, notes."""
    cell(store, "n1", 1, "df['age']", "error")
    cell(store, "n1", 2, "df['Age']", "ok")
    cell(store, "n1", 3, "df['age']", "error")
    store.add(PatternSeen(session="n1", id="0", pattern=FAILED.hash or "", action="note", note="columns are capitalised"))
    said = str(build(store, session="n1", execution="3"))
    assert "1 time before" in said
    assert "last fixed: In[2] worked after an edit (commit abc0000000):" in said
    assert "+df['Age']" in said
    assert "note: columns are capitalised" in said


def test_the_context_of_a_program_does_not_count_itself(tmp_path: Path) -> None:
    """Logged, then uncaught: that is this very failure, not one before; a second run has one before."""
    (tmp_path / "app.py").write_text(
        "import agentlog\nagentlog.enable()\ntry:\n    {}['k']\nexcept KeyError:\n    agentlog.log_error('x')\n    raise\n"
    )
    environment = {**os.environ, "AGENTLOG_DIR": str(tmp_path / "st")}
    told = []
    for _ in range(2):
        subprocess.run([sys.executable, "app.py"], env=environment, capture_output=True, timeout=120, cwd=tmp_path)
        store = Store.open(tmp_path / "st")
        told.append(str(build(store)))
        store.close()
    assert "seen before" not in told[0]
    assert "1 time before" in told[1]
    assert "in 2 sessions" not in told[1]
