"""What is done after a cell's reply: when it is done, in which turns, and what of the workspace is written."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("IPython")

from agentlog import recorder as recorders
from agentlog.events import Change, Event
from agentlog.ids import new_id
from agentlog.recorder import Recorder
from agentlog.session import begin
from agentlog.store import Store
from agentlog_ipy.afterwards import REST, Afterwards
from agentlog_ipy.cell import Cell


class Host:
    """A namespace whose cells run here, with the work after each; `loop`: the kernel's, None for a terminal."""

    def __init__(self, recorder: Recorder, folder: Path, loop: asyncio.AbstractEventLoop | None) -> None:
        self.recorder, self.folder, self.loop = recorder, folder, loop
        self.names: dict[str, Any] = {"__name__": "__main__"}
        kernel = SimpleNamespace(io_loop=loop) if loop is not None else None
        shell = SimpleNamespace(user_ns=self.names, user_ns_hidden={}, kernel=kernel)
        self.work = Afterwards(shell, recorder, None)

    def run(self, source: str, *, fails: bool = False, within: Cell | None = None, own: bool = False) -> Cell:
        cell = Cell(new_id(), source, None, None, True, within, 1, own)
        self.work.started(cell)
        exec(source, self.names)
        self.work.ended(cell, "error" if fails else "ok")
        return cell

    def written(self, kind: str) -> list[Any]:
        """The events of one kind in the store."""
        self.recorder.flush()
        self.recorder.flush()  # what the writer's thread itself had to look at
        store = Store.open(self.folder)
        found: list[Event] = list(store.events(kinds=[kind]))
        store.close()
        return found

    def told(self, cell: Cell | None = None) -> list[Change]:
        looks = self.written("cell.namespace")
        return [change for look in looks if cell is None or look.execution == cell.execution for change in look.changes]

    def changes(self, cell: Cell | None = None) -> list[tuple[str, str]]:
        return [(change.kind, change.name) for change in self.told(cell)]

    def until(self, happened: Callable[[], bool]) -> None:
        """Let the loop turn until something is so."""

        async def wait() -> None:
            for _ in range(6000):
                if happened():
                    return
                await asyncio.sleep(0.01)
            raise AssertionError("it never happened")

        assert self.loop is not None
        self.loop.run_until_complete(wait())


@pytest.fixture
def recorder(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setenv("AGENTLOG_LIMITS", "namespace_ms=20000")  # a loaded machine must not decide what a test sees
    started = recorders.start()
    begin(started, life="kernel")
    return started


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def kernel(recorder: Recorder, store_folder: Path, loop: asyncio.AbstractEventLoop) -> Host:
    return Host(recorder, store_folder, loop)


@pytest.fixture
def terminal(recorder: Recorder, store_folder: Path) -> Host:
    return Host(recorder, store_folder, None)


def test_in_a_terminal_all_is_done_when_the_cell_ends(terminal: Host) -> None:
    """There is no loop that would come back to it."""
    cell = terminal.run("a = [1]")
    assert terminal.changes(cell) == [("made", "a")]


def test_in_a_kernel_the_reply_does_not_wait(kernel: Host) -> None:
    """Nothing is looked at before the last message was sent; then the loop does it."""
    cell = kernel.run("a = [1]")
    assert kernel.changes(cell) == []
    kernel.work.idle()
    assert kernel.changes(cell) == []
    kernel.until(lambda: kernel.changes(cell) != [])
    assert kernel.changes(cell) == [("made", "a")]


def test_the_next_cell_settles_what_is_owed(kernel: Host) -> None:
    """Cells sent back to back: the first one's changes are written before the second one runs, and only once."""
    first = kernel.run("a = [1]")
    kernel.work.idle()
    second = kernel.run("a.append(2)")
    assert kernel.changes(first) == [("made", "a")]
    kernel.work.detach()
    assert kernel.changes(first) == [("made", "a")]
    assert kernel.changes(second) == [("mutated", "a")]


def test_of_thousands_of_names_none_is_left_out(terminal: Host) -> None:
    """The first are written at once, the others soon; the cell's own facts once."""
    cell = terminal.run("for n in range(700): globals()[f'v{n}'] = n")
    assert {name for kind, name in terminal.changes(cell) if kind == "made"} == {"n", *(f"v{n}" for n in range(700))}
    looks = [look for look in terminal.written("cell.namespace") if look.execution == cell.execution]
    assert len(looks) == 4
    assert [bool(look.reads) for look in looks] == [True, False, False, False]


def test_cells_of_our_own_and_cells_within_cells_are_not_looked_at(terminal: Host) -> None:
    """The outermost cell of the main thread is; what a nested one did belongs to it."""
    outer = Cell(new_id(), "x", None, None, True, None, 1, False)
    assert terminal.changes(terminal.run("b = 1", own=True)) == []
    assert terminal.changes(terminal.run("c = 1", within=outer)) == []
    thread = threading.Thread(target=terminal.run, args=("d = 1",))
    thread.start()
    thread.join()
    assert terminal.changes() == []
    assert sorted(terminal.changes(terminal.run("e = 1"))) == [("made", name) for name in "bcde"]


def test_a_cell_that_does_nothing_costs_no_look(terminal: Host) -> None:
    """`pass`, a comment: no record; what happened meanwhile is told with the next cell."""
    terminal.names["late"] = [1]
    assert terminal.changes(terminal.run("pass  # nothing")) == []
    assert ("made", "late") in terminal.changes(terminal.run("x = 1"))


def test_when_nobody_asks_names_are_looked_at_in_turn(kernel: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback changes a list between cells: found without another cell, with the execution since which it may have been."""
    found = lambda: ("mutated", "shared") in kernel.changes()  # noqa: E731
    look_around = kernel.work._look_around

    def until_found(cell: Cell) -> None:
        """A turn lasts 1.5 ms: on a busy machine that may pass before anything was looked at."""
        for _ in range(100):
            look_around(cell)
            if found():
                return

    monkeypatch.setattr(kernel.work, "_look_around", until_found)
    cell = kernel.run("shared = [1]")
    kernel.work.idle()
    kernel.work.settle()
    assert kernel.changes(cell) != []
    kernel.names["shared"].append(2)  # before the loop has turned once
    kernel.until(found)
    (told,) = [change for change in kernel.told() if change.kind == "mutated"]
    assert told.since == cell.execution


def test_a_cell_that_came_meanwhile_ends_the_looking_around(kernel: Host) -> None:
    """What was planned for the cell before does nothing any more."""
    first = kernel.run("shared = [1]")
    kernel.work.idle()
    kernel.run("y = 1")
    kernel.names["shared"].append(2)
    kernel.work._look_around(first)
    assert ("mutated", "shared") not in kernel.changes()


def test_taken_away_nothing_is_looked_at_any_more(kernel: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was planned for a time when nobody asks does nothing: the user's objects are no business of ours."""
    looks: list[str] = []
    kernel.run("shared = [1]")
    kernel.work.idle()
    kernel.work.detach()
    for name in ("rotate", "catch_up"):
        monkeypatch.setattr(kernel.work._watch, name, lambda name=name: looks.append(name))
    planned = asyncio.Event()
    assert kernel.loop is not None
    kernel.loop.call_later(3 * REST, planned.set)  # behind everything that was planned before
    kernel.loop.run_until_complete(planned.wait())
    assert looks == []


def test_large_objects_are_read_while_nobody_waits(kernel: Host) -> None:
    """After a rest all of a large array has been read, turn by turn, so that a change of one element is seen, not guessed."""
    np = pytest.importorskip("numpy")
    kernel.names["np"] = np
    kernel.run("big = np.zeros(4_000_000)")
    kernel.work.idle()
    states = kernel.work._watch._states
    kernel.until(lambda: "big" in states and states["big"].has_baseline)
    cell = kernel.run("big[2_999_999] = 5")
    kernel.work.settle()
    assert [(change.kind, change.name, change.how) for change in kernel.told(cell)] == [("mutated", "big", "seen")]
    same = kernel.run("big[0] = big[0]")
    kernel.work.settle()
    assert kernel.changes(same) == []


def test_a_turn_that_is_over_before_it_begins_does_not_end_the_reading(kernel: Host) -> None:
    """On a busy machine the processor may be somebody else's for all of a turn."""
    kernel.names["np"] = pytest.importorskip("numpy")
    kernel.run("big = np.zeros(4_000_000)")
    kernel.work.settle()
    watch = kernel.work._watch
    assert watch.catch_up(0.0)
    assert not watch._states["big"].has_baseline
    while watch.catch_up(1000.0):
        pass
    assert watch._states["big"].has_baseline


def test_reading_ends_where_nothing_can_be_read(kernel: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that cannot be looked at in one turn does not keep the loop busy for ever."""
    turns: list[bool] = []
    watch = kernel.work._watch
    catch_up = watch.catch_up
    monkeypatch.setattr(watch, "catch_up", lambda: turns.append(catch_up(0.000001)) or turns[-1])
    cell = kernel.run("deep = [[[i] for i in range(50)] for _ in range(50)]")
    kernel.work.idle()
    kernel.until(lambda: turns[-1:] == [False])
    assert kernel.changes(cell) == [("made", "deep")]


# --- the workspace ----------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder under git with one file edited since, as the working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "utils.py").write_text("a = 1\n")
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "-A"), (*settings, "commit", "-q", "-m", "start")):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    (folder / "utils.py").write_text("a = 2\n")
    monkeypatch.chdir(folder)
    return folder


def seen(host: Host) -> list[Any]:
    return host.written("workspace")


def test_the_workspace_is_looked_at_after_the_first_cell_and_after_failures(terminal: Host, project: Path) -> None:
    """What git says is not committed, with the execution after which it was so; not after each cell."""
    first = terminal.run("x = 1")
    terminal.run("y = 1")
    assert [look.execution for look in seen(terminal)] == [first.execution]
    assert seen(terminal)[0].git["dirty"] is True
    assert "+a = 2" in seen(terminal)[0].diff
    assert "utils.py" in seen(terminal)[0].files
    (project / "utils.py").write_text("a = 3\n")
    failed = terminal.run("z = 1", fails=True)
    terminal.run("w = 1")
    assert [look.execution for look in seen(terminal)] == [first.execution, failed.execution]
    assert "+a = 3" in seen(terminal)[1].diff
    assert seen(terminal)[0].files["utils.py"] != seen(terminal)[1].files["utils.py"]


def assert_waited(event: threading.Event) -> None:
    assert event.wait(60)


def test_failures_in_a_row_share_a_look(terminal: Host, project: Path) -> None:
    """Two processes of git for each of hundreds would take the machine from the cells."""
    ran = threading.Event()
    terminal.recorder.later(lambda: assert_waited(ran))
    cells = [terminal.run(f"x = {number}", fails=True) for number in range(5)]
    ran.set()
    assert [look.execution for look in seen(terminal)] == [cells[-1].execution]


def test_without_git_nothing_is_said(terminal: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No event, no fault."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    terminal.run("x = 1", fails=True)
    assert seen(terminal) == []


def test_a_notebook_that_becomes_known_is_written(terminal: Host) -> None:
    """Its path may be learned after the session began."""
    cell = Cell(new_id(), "x = 1", None, None, True, None, 1, False, notebook="analysis.ipynb")
    terminal.work.started(cell)
    terminal.work.ended(cell, "ok")
    assert "analysis.ipynb" in [learned.notebook for learned in terminal.written("session.learned")]
