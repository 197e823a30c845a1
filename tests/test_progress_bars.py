"""Progress bars of any pace: readers see the last state of each line once, and of a process that dies the last one written."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel_host import PATIENCE, TestKernel

from agentlog.events import ExecutionStarted
from agentlog.recorder import Recorder
from agentlog.settings import Settings
from agentlog.store import Store
from agentlog_ipy import outputs
from agentlog_ipy.background import Background
from agentlog_ipy.outputs import Outputs

STEPS = 6


class Screen:
    """A cell's stderr as a program sees it: what is written goes to the recorder; `stall` waits until it wrote what stands."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder(Settings(folder=folder))
        self.recorder.session = "01s"
        self.execution = str(self.recorder.record(ExecutionStarted(execution="01x", source="bars()"), now=True).execution)
        self.outputs = Outputs(self.recorder)
        self.slot = self.outputs.expect("request", self.execution)
        self.folder = folder
        self.stalls = 0

    def write(self, text: str) -> int:
        """As a text file's."""
        if text:
            self.outputs.put("stream", self.slot, {"name": "stderr", "text": text})
        return len(text)

    def flush(self) -> None:
        """As a text file's."""

    def isatty(self) -> bool:
        """Programs that draw want to know."""
        return True

    def stall(self) -> None:
        """Until one more look at what is unfinished is in the journal."""
        self.stalls += 1
        deadline = time.monotonic() + PATIENCE
        while len([r for r in written(self.folder) if r.get("unfinished")]) < self.stalls:
            assert time.monotonic() < deadline, "what is unfinished was not written"
            time.sleep(0.01)

    def over(self) -> None:
        """The cell is over and everything is written."""
        self.outputs.over(self.slot)
        self.close()

    def close(self) -> None:
        """Stop the threads."""
        self.outputs.detach()
        self.recorder.close()


def written(folder: Path) -> list[dict[str, Any]]:
    """The records of streams as they stand in the journal."""
    lines = [line for path in folder.glob("journal/*.jsonl") for line in path.read_text().split("\n")[:-1]]
    return [record for record in map(json.loads, lines) if record["e"] == "stream"]


def read(folder: Path) -> str:
    """What a reader is shown."""
    store = Store.open(folder)
    try:
        return "".join(event.text for event in store.events(kinds={"stream"}))  # type: ignore[attr-defined]
    finally:
        store.close()


@pytest.fixture
def screen(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Each pause between two steps is longer than the recorder's patience."""
    monkeypatch.setattr(outputs, "STALLED", 0.01)
    monkeypatch.setattr(outputs, "LONGEST", 0.01)
    screen = Screen(store_folder)
    yield screen
    screen.close()


def returned_first(screen: Screen) -> str:
    for step in range(STEPS):
        screen.write(f"\r{step + 1}/{STEPS}")
        screen.stall()
    return f"{STEPS}/{STEPS}"


def returned_last(screen: Screen) -> str:
    for step in range(STEPS):
        screen.write(f"{step + 1}/{STEPS}\r")
        screen.stall()
    screen.write("done \n")
    return "done \n"


def cursor_up(screen: Screen) -> str:
    screen.write("first 0\nsecond 0\n")
    for step in range(1, STEPS):
        screen.write(f"\x1b[2A\x1b[2Kfirst {step}\n\x1b[2Ksecond {step}\n")
        screen.stall()
    return f"first {STEPS - 1}\nsecond {STEPS - 1}\n"


def erased(screen: Screen) -> str:
    screen.write("loading")
    screen.stall()
    screen.write("\r\x1b[K")
    return ""


def prompt_and_answer(screen: Screen) -> str:
    screen.write("connecting ...")
    screen.stall()
    screen.write(" done\n")
    return "connecting ... done\n"


def tqdm_bar(screen: Screen) -> str:
    tqdm = pytest.importorskip("tqdm").tqdm
    for _ in tqdm(range(STEPS), file=screen, ascii=True, mininterval=0, bar_format="{l_bar}{bar}{n_fmt}/{total_fmt}", ncols=40):
        screen.stall()
    return f"100%|{'#' * 32}6/6\n"


def nested_tqdm(screen: Screen) -> str:
    tqdm = pytest.importorskip("tqdm").tqdm
    shape = {"file": screen, "mininterval": 0, "bar_format": "{desc}{n_fmt}/{total_fmt}"}
    for _ in tqdm(range(2), desc="outer ", position=0, **shape):
        for _ in tqdm(range(2), desc="inner ", position=1, leave=False, **shape):
            screen.stall()
    return "outer 2/2\n"


def rich_progress(screen: Screen) -> str:
    progress = pytest.importorskip("rich.progress")
    console = pytest.importorskip("rich.console").Console(file=screen, force_terminal=True, force_jupyter=False, width=60)
    shown = progress.Progress("{task.description} {task.completed}/{task.total}", console=console, auto_refresh=False)
    with shown:
        tasks = [shown.add_task(name, total=STEPS) for name in ("load", "train")]
        for _ in range(STEPS):
            for task in tasks:
                shown.advance(task)
            shown.refresh()
            screen.stall()
    return f"load {STEPS}/{STEPS} \ntrain {STEPS}/{STEPS}\n"


@pytest.mark.parametrize(
    "draw",
    [returned_first, returned_last, cursor_up, erased, prompt_and_answer, tqdm_bar, nested_tqdm, rich_progress],
    ids=lambda draw: draw.__name__,
)
def test_a_slow_bar_is_its_last_state(draw: Callable[[Screen], str], screen: Screen, store_folder: Path) -> None:
    """However slow: while it goes on a reader sees each line once as it stood last, and in the end the end."""
    expected = draw(screen)
    while_it_runs = read(store_folder)
    assert len(while_it_runs.strip("\n").split("\n")) <= 2, while_it_runs
    screen.over()
    lines = [line.rstrip() for line in read(store_folder).split("\n")]
    assert lines == [line.rstrip() for line in expected.split("\n")]


def test_a_bar_costs_ever_less(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer it goes on, the rarer it is written as it stands."""
    waited: list[float] = []
    monkeypatch.setattr(outputs, "STALLED", 0.01)
    screen = Screen(store_folder)
    try:
        for step in range(4):
            waited.append(screen.slot.patience)
            screen.write(f"\r{step}")
            screen.stall()
    finally:
        screen.close()
    assert waited == [0.01, 0.02, 0.04, 0.08]


def test_a_secret_in_two_chunks_with_a_pause_between(screen: Screen, store_folder: Path) -> None:
    """What was shown half is hidden whole when the other half comes."""
    screen.write("step 1 of 2, password=hunter2")
    screen.stall()
    screen.write("secretvalue and more\n")
    screen.over()
    text = read(store_folder)
    assert "REDACTED" in text
    journal = "".join(path.read_text() for path in store_folder.glob("journal/*"))
    assert "hunter2" not in journal
    assert "secretvalue" not in journal


def test_the_end_of_a_long_text_is_seen_while_the_cell_runs(screen: Screen, store_folder: Path) -> None:
    """Where the head is full, the last lines are what a reader of a running or dead cell wants."""
    screen.write("".join(f"line {number}\n" for number in range(5_000)))
    screen.stall()
    text = read(store_folder)
    assert text.startswith("line 0\n")
    assert text.endswith("line 4999\n")
    assert len(text) < 15_000
    screen.over()
    assert read(store_folder).endswith("line 4999\n")


def test_a_kernel_killed_in_the_middle_of_a_bar(tmp_path: Path) -> None:
    """The reader is told where the bar stood."""
    kernel = TestKernel(tmp_path, "--ext=agentlog")
    try:
        kernel.send("import time\nfor n in range(4): print(f'\\r{n}/10', end='', flush=True)\ntime.sleep(600)")
        deadline = time.monotonic() + PATIENCE
        while not any(record.get("text") == "3/10" for record in written(kernel.store)):
            assert time.monotonic() < deadline, "where the bar stands was not written"
            time.sleep(0.02)
        os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)
        kernel.wait_dead()
        store = Store.open(kernel.store)
        dead = store.last_failure()
        assert dead is not None
        death = store.death(dead)
        store.close()
        assert death is not None
        assert death.output == ("3/10",)
    finally:
        kernel.close()


class Meanwhile(str):
    """A text during whose taking in the worker has its turn: it writes what came before."""

    __slots__ = ("turn",)
    turn: Callable[[], None]

    def __len__(self) -> int:
        self.turn()
        return super().__len__()


def test_what_was_written_does_not_wait_any_more(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the threads of the cell and of the recorder take turns: text is left out only while too much waits."""
    monkeypatch.setattr(outputs, "MOST_WAITING", 20)
    monkeypatch.setattr(Background, "_start", lambda _: None)  # whose turn it is, is said here
    screen = Screen(store_folder)
    for number in range(10):
        screen.write(f"line {number:04}\n")
        text = Meanwhile("and on\n")
        text.turn = screen.outputs.drain
        screen.outputs.put("stream", screen.slot, {"name": "stderr", "text": text})
        text.turn = lambda: None
        screen.outputs.drain()
    screen.over()
    assert read(store_folder) == "".join(f"line {number:04}\nand on\n" for number in range(10))


def test_too_much_at_once_is_counted(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of it is kept, and how much is missing is said; a message that shows nothing is passed over."""
    monkeypatch.setattr(outputs, "MOST_WAITING", 100)
    monkeypatch.setattr(Background, "_start", lambda _: None)  # all of it waits
    screen = Screen(store_folder)
    for number in range(30):
        screen.write(f"line {number:04}\n")
    screen.outputs.put("stream", screen.slot, {"name": "stderr"})
    screen.over()
    text = read(store_folder)
    assert text.startswith("line 0021\n")
    assert text.endswith("line 0029\n\n[... 210 more characters were not kept ...]\n")
