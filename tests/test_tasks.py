"""Named tasks: which one is current, whose child it is, what the workspace was like when it began and after each turn."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import agentlog
from agentlog import recorder
from agentlog.context import build
from agentlog.events import Logged, SessionEnded, SessionStarted, WorkspaceSeen
from agentlog.recorder import Recorder
from agentlog.store import Store
from agentlog.tasks import PARENT_VARIABLE


def kept(folder: Path) -> Store:
    door = recorder.current()
    if door is not None:
        door.flush(120)
    return Store.open(folder)


def test_off_means_nothing_happens() -> None:
    """Without a recorder there is no session, no variable, and the block form works all the same."""
    with agentlog.start_session("coder", "fix") as opened:
        assert opened == ""
        assert agentlog.get_session_id() is None
        assert agentlog.get_parent_session_id() is None
    agentlog.end_session()
    assert PARENT_VARIABLE not in os.environ


def test_a_task_is_current_until_it_ends(door: Recorder, store_folder: Path) -> None:
    """Events between start and end are the task's, with agent, task and parent; then the process's again."""
    process = agentlog.get_session_id()
    outer = agentlog.start_session("planner", "plan it")
    assert (agentlog.get_session_id(), agentlog.get_parent_session_id()) == (outer, process)
    with agentlog.start_session("coder", "fix it") as inner:
        assert os.environ[PARENT_VARIABLE] == inner
        assert agentlog.get_parent_session_id() == outer
        agentlog.log("inside")
    agentlog.log("between")
    assert os.environ[PARENT_VARIABLE] == outer
    agentlog.end_session()
    assert PARENT_VARIABLE not in os.environ
    agentlog.log("after")
    store = kept(store_folder)
    where = {event.message: event.session for event in store.events(kinds={"log"}) if isinstance(event, Logged)}
    assert where == {"inside": inner, "between": outer, "after": process}
    found = store.session(inner)
    assert (found.agent, found.task, found.parent, found.life, found.how) == ("coder", "fix it", outer, "task", "ended")
    store.close()


def test_a_task_can_go_on_from_an_earlier_attempt(door: Recorder, store_folder: Path) -> None:
    """parent_session_id names what it goes on from; an exception that leaves the block says how the task ended."""
    first = agentlog.start_session("coder", "try one")
    agentlog.end_session()
    with pytest.raises(ZeroDivisionError), agentlog.start_session("coder", "try two", parent_session_id=first) as second:
        1 / 0  # noqa: B018
    store = kept(store_folder)
    assert store.session(second).parent == first
    ends = {
        event.session: (event.how, event.detail)
        for event in store.events(kinds={"session.end"})
        if isinstance(event, SessionEnded)
    }
    assert ends == {first: ("ended", None), second: ("failed", "ZeroDivisionError")}
    store.close()


def test_concurrent_agents_do_not_mix(door: Recorder, store_folder: Path) -> None:
    """Two asyncio tasks and two threads, each with a task of its own; the variable names what is around all of them."""
    before = agentlog.get_session_id()

    async def agent(name: str, turn: asyncio.Event, other: asyncio.Event) -> None:
        with agentlog.start_session(name, "work"):
            turn.set()
            await other.wait()
            agentlog.log(name)

    async def both() -> None:
        one, two = asyncio.Event(), asyncio.Event()
        await asyncio.gather(agent("a", one, two), agent("b", two, one))

    asyncio.run(both())
    met = threading.Barrier(2)

    def thread(name: str) -> None:
        with agentlog.start_session(name, "work"):
            met.wait(30)
            agentlog.log(name)
            met.wait(30)

    threads = [threading.Thread(target=thread, args=(name,)) for name in ("c", "d")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert agentlog.get_session_id() == before
    store = kept(store_folder)
    agents = {one.id: one.agent for one in store.sessions()}
    said = {event.message: agents[event.session] for event in store.events(kinds={"log"}) if isinstance(event, Logged)}
    store.close()
    assert said == {name: name for name in "abcd"}


def test_side_by_side_tasks_share_what_is_around_them(door: Recorder) -> None:
    """One environment serves all: the nearest task around every open one, and what was there before at the end."""
    os.environ[PARENT_VARIABLE] = "before"
    try:
        with agentlog.start_session("lead", "all") as lead:
            contexts = [contextvars.copy_context() for _ in range(2)]
            one, two = (context.run(agentlog.start_session, "worker", "part") for context in contexts)
            assert os.environ[PARENT_VARIABLE] == lead
            contexts[0].run(agentlog.end_session)
            assert os.environ[PARENT_VARIABLE] == two
            assert one != two
            contexts[1].run(agentlog.end_session)
            assert os.environ[PARENT_VARIABLE] == lead
        assert os.environ[PARENT_VARIABLE] == "before"
    finally:
        del os.environ[PARENT_VARIABLE]


def test_a_child_process_hangs_on_the_task(tmp_path: Path) -> None:
    """A recorded program that a task starts is the task's child; tasks still open at exit end with the process."""
    code = (
        "import agentlog, subprocess, sys\n"
        "agentlog.enable()\n"
        "print(agentlog.start_session('lead', 'run it'), flush=True)\n"
        "subprocess.run([sys.executable, '-c', 'import agentlog; agentlog.enable(); print(agentlog.get_parent_session_id())'])\n"
    )
    folder = tmp_path / "st"
    environment = {**os.environ, "AGENTLOG_DIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment, check=True)
    task, parent = done.stdout.split()
    assert (task, done.stderr) == (parent, "")
    store = Store.open(folder)
    assert store.session(task).how == "exit"
    assert [one.parent for one in store.sessions() if one.argv and one.parent == task] == [task]
    store.close()


def test_git_is_seen_at_the_start_and_after_a_turn(
    door: Recorder, store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Branch, commit and dirtiness at the start; the diff after the agent's answer; nothing twice."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr("agentlog.tasks.LOOK_SECONDS", 0.0)

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q", "-b", "trunk")
    (work / "a.py").write_text("x = 1\n")
    git("add", "a.py")
    git("commit", "-q", "-m", "one")
    with agentlog.start_session("coder", "edit") as opened:
        door.flush(120)
        (work / "a.py").write_text("".join(f"x = {n}\n" for n in range(100)))
        agentlog.log_agent_output("done")
        agentlog.log_user_input("thanks")
    store = kept(store_folder)
    seen = [event for event in store.events(session=opened, kinds={"workspace"}) if isinstance(event, WorkspaceSeen)]
    start = next(event for event in store.events(session=opened, kinds={"session.start"}) if isinstance(event, SessionStarted))
    store.close()
    assert start.git["branch"] == "trunk"
    assert start.git["commit"] == git("rev-parse", "HEAD").strip()
    assert [event.git["dirty"] for event in seen] == [False, True]
    assert "+x = 5" in (seen[1].diff or "")
    assert (seen[1].diff or "").count("\n") <= 50


def test_the_context_of_a_process_holds_what_its_tasks_did(door: Recorder, store_folder: Path) -> None:
    """While a task is open, after it has ended, and for who reads the store later; a task alone is asked for by its id."""

    def asked() -> str:
        return agentlog.get_debug_context(300) + agentlog.get_context(300)

    with agentlog.start_session("coder", "fix") as task:
        try:
            {}["price"]
        except KeyError as error:
            agentlog.log_error("the table has no such column", error)
        inside = asked()
    for text in (inside, asked()):
        assert "KeyError: 'price'" in text
        assert "error the table has no such column" in text
    with agentlog.start_session("coder", "rest"):
        agentlog.log("all is well")
    door.flush(120)
    assert "KeyError: 'price'" in read(store_folder)
    assert "KeyError: 'price'" in read(store_folder, str(task))
    assert "KeyError" not in read(store_folder, "last")
    assert "KeyError" not in read(store_folder, door.session)


def read(folder: Path, session: str | None = None) -> str:
    """The context of `session` as another process reads it."""
    store = Store.open(folder)
    try:
        return str(build(store, session=session))
    finally:
        store.close()
