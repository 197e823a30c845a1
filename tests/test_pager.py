"""The terminal a person sits at: long lists go through their pager, long work says how far it is; elsewhere neither."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest
from store_suite import Story

from agentlog import progress
from agentlog.events import to_record
from agentlog.journal import Journal
from agentlog.settings import Limits

AGENTLOG = [sys.executable, "-m", "agentlog"]


@pytest.fixture(autouse=True)
def _sixty_cells(store_folder: Path) -> None:
    story, journal = Story(), Journal(store_folder, Limits())
    session = story.session()
    for count in range(1, 61):
        story.cell(session, count, f"cell_{count} = 1")
    for event in story.events:
        journal.append(to_record(event))
    journal.close()


def on_terminal(words: list[str], rows: int = 20, **environment: str) -> tuple[str, int]:
    """What the command leaves on a terminal of `rows` lines, and its exit code."""
    child = pexpect.spawn(
        AGENTLOG[0], [*AGENTLOG[1:], *words], env={**os.environ, "TERM": "xterm", **environment}, dimensions=(rows, 120), timeout=60, encoding="utf-8"
    )  # fmt: skip
    text = child.read()
    child.close()
    return text, child.exitstatus or 0


@pytest.fixture
def marker(tmp_path: Path) -> str:
    """A pager that says that it ran."""
    script = tmp_path / "pager.py"
    script.write_text("import sys\nprint('PAGED', len(sys.stdin.read().splitlines()))\n")
    return f"{sys.executable} {script}"


def test_a_long_list_goes_through_the_pager(marker: str) -> None:
    """Where it is taller than the screen; the exit code is the command's."""
    assert on_terminal(["history", "--limit", "0"], PAGER=marker) == ("PAGED 61\r\n", 0)


@pytest.mark.parametrize("pager", ["cat", "", "no-such-pager-anywhere"])
def test_no_pager_is_no_trouble(pager: str) -> None:
    """Turned off or missing: the text as it is."""
    text, code = on_terminal(["history", "--limit", "0"], PAGER=pager)
    assert (text.count("cell_"), code) == (60, 0)


def test_short_text_data_and_mistakes_do_not_page(marker: str) -> None:
    """What fits on the screen, JSON, and errors."""
    assert "PAGED" not in on_terminal(["history", "--limit", "3"], PAGER=marker)[0]
    assert "PAGED" not in on_terminal(["history", "--json"], PAGER=marker)[0]
    assert on_terminal(["show", "999"], PAGER=marker)[1] == 2


def test_a_pager_that_is_left_early_is_no_error(tmp_path: Path) -> None:
    """The reader has seen enough."""
    script = tmp_path / "pager.py"
    script.write_text("import os\nos.read(0, 1)\nprint('LEFT')\n")
    text, code = on_terminal(["history", "--limit", "0"], PAGER=f"{sys.executable} {script}")
    assert ("LEFT" in text, "Traceback" in text, code) == (True, False, 0)


def test_colours_are_for_those_who_want_them() -> None:
    """NO_COLOR in the environment turns them off, on a terminal too."""
    assert "\x1b[" in on_terminal(["history", "--limit", "3"])[0]
    assert "\x1b[" not in on_terminal(["history", "--limit", "3"], NO_COLOR="1")[0]


class Screen:
    """A stderr that is a terminal or not."""

    def __init__(self, tty: bool) -> None:
        self.tty, self.text = tty, ""

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        """Nothing is held back."""


@pytest.mark.parametrize(("tty", "enabled"), [(True, True), (False, True), (True, False)])
def test_long_work_says_how_far_it_is(tty: bool, enabled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment, on a terminal, for the command line alone; the line is gone at the end."""
    now = [0.0]
    screen = Screen(tty)
    monkeypatch.setattr(progress.clock, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress.sys, "stderr", screen)
    monkeypatch.setattr(progress, "enabled", enabled)
    monkeypatch.setenv("TERM", "xterm")
    with progress.Progress("indexing", 100) as done:
        done.add(10)
        assert screen.text == ""
        now[0] = 1.0
        done.add(40)
        said = screen.text
    assert said == ("\r\x1b[Kindexing [############............]  50%" if tty and enabled else "")
    assert screen.text == (said + "\r\x1b[K" if said else "")
