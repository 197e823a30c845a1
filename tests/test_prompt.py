"""A person at the prompt of terminal IPython: a real process on a pseudo-terminal, with and without the recorder."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest

pexpect = pytest.importorskip("pexpect")

PATIENCE = 60
PROMPT = r"In \[(\d+)\]: "


def _uncoloured(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


class Person:
    """Types at `ipython` and reads what is shown."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        folder.mkdir(exist_ok=True)
        self.store = folder / "store"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTLOG", "PYTEST"))}
        kept |= {"IPYTHONDIR": str(folder / "ipython"), "AGENTLOG_DIR": str(self.store), "TERM": "dumb", "COLUMNS": "100"}
        command = ["-m", "IPython", "--simple-prompt", "--no-banner", "--HistoryManager.enabled=False", *arguments]
        self.terminal = pexpect.spawn(
            sys.executable,
            command,
            cwd=str(folder),
            env=kept | environment,
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(50, 100),
        )
        self.shown = self._until_prompt()

    def _until_prompt(self) -> str:
        self.terminal.expect(PROMPT)
        return _uncoloured(str(self.terminal.before))

    def types(self, line: str) -> str:
        """Type a line; what is shown up to the next prompt, without the echo."""
        self.terminal.sendline(line)
        return self._until_prompt().removeprefix(line).strip()

    def presses(self, key: str) -> str:
        """Ctrl-`key`; what is shown up to the next prompt."""
        self.terminal.sendcontrol(key)
        return self._until_prompt()

    def leaves(self, line: str) -> tuple[str, int | None, int | None]:
        """The last line typed: (what was shown, exit code, signal)."""
        self.terminal.sendline(line)
        return self.ends()

    def ends(self) -> tuple[str, int | None, int | None]:
        """Until the process is gone."""
        self.terminal.expect(pexpect.EOF)
        said = str(self.terminal.before)
        self.terminal.close()
        return said, self.terminal.exitstatus, self.terminal.signalstatus

    def sources(self) -> list[str]:
        """The cells in the store, by their source."""
        from agentlog.store import Store

        store = Store.open(self.store)
        try:
            return [f"{cell.status}: {cell.source}" for cell in store.executions()]
        finally:
            store.close()


CRASH = "prices = {'apple': 3}; prices['pear']"


def test_a_crash_at_the_prompt_explains_itself(tmp_path: Path) -> None:
    """load_ext, a crash, `%agentlog context`, exit: the context names the missing key, the value and the cell."""
    person = Person(tmp_path)
    person.types("%load_ext agentlog")
    crash = person.types(CRASH)
    assert "KeyError: 'pear'" in crash
    assert crash.endswith("%agentlog context shows the values behind this error (%agentlog hint off hides this line)")
    context = person.types("%agentlog context")
    assert "KeyError" in context
    assert "apple" in context
    assert "In[2]" in context
    assert person.leaves("exit")[1:] == (0, None)
    assert person.sources() == [f"error: {CRASH}", "ok: exit"]


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|<ipython-input-[^>]*>|/\S*/store", "?", text)


def _when_read(pipe: Path) -> int:
    """Opens `pipe` as soon as somebody waits at its other end; from then on that line is what Ctrl-C interrupts."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            assert time.monotonic() < until, "nobody reads"
            time.sleep(0.01)


def _session(folder: Path, **environment: str) -> list[object]:
    """Everything a session shows, line by line, and how it ends."""
    person = Person(folder, **environment)
    shown: list[object] = [person.shown]
    shown += [
        person.types(line) for line in ("1 + 1", "print('out')", CRASH, "!echo shell", "import sys; print('e', file=sys.stderr)")
    ]
    os.mkfifo(folder / "pipe")
    person.terminal.sendline("import os; os.read(os.open('pipe', os.O_RDONLY), 1)")
    writer = _when_read(folder / "pipe")
    shown.append(person.presses("c"))
    os.close(writer)
    person.terminal.send("unfinished")
    person.terminal.expect("unfinished")
    shown.append(person.presses("c"))
    shown.append(person.types("_ + 40"))
    person.terminal.sendcontrol("d")
    person.terminal.expect(r"\(\[y\]/n\)\?")
    shown.append(person.terminal.before)
    return [*map(_plain, shown), *person.leaves("y")]  # type: ignore[arg-type]


def test_nothing_is_added_to_what_a_person_sees(tmp_path: Path) -> None:
    """Under AGENTLOG=true every line, Ctrl-C in a cell and at the prompt, Ctrl-D and the exit code are the same; all is recorded."""
    without, recorded = _session(tmp_path / "a"), _session(tmp_path / "b", AGENTLOG="true")
    assert recorded == without
    assert not (tmp_path / "a" / "store").exists()
    from agentlog.store import Store

    store = Store.open(tmp_path / "b" / "store")
    statuses = [cell.status for cell in store.executions()]
    session = store.session()
    store.close()
    assert statuses == ["ok", "ok", "error", "ok", "ok", "interrupted", "ok"]
    assert session.how == "exit"


@pytest.mark.parametrize(
    "end", ["exit", "quit()", "raise SystemExit(7)", "import os; os._exit(3)", "import os; os.kill(os.getpid(), 15)"]
)
def test_the_end_is_the_same(end: str, tmp_path: Path) -> None:
    """What is shown last, exit code and signal are those of a session without us."""
    ends = []
    for folder, environment in (("a", {}), ("b", {"AGENTLOG": "true"})):
        person = Person(tmp_path / folder, **environment)
        person.types("x = 1")
        person.terminal.sendline(end)
        if end.startswith("raise"):
            ends.append((_plain(person._until_prompt()), *person.leaves("exit")))
        else:
            ends.append((_plain(str(person.ends())),))
    assert ends[0] == ends[1]


def test_a_full_screen_prompt_works_too(tmp_path: Path) -> None:
    """With prompt_toolkit's own prompt (its proxy of stdout, its event loop) a crash is recorded and shown once."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTLOG", "PYTEST"))}
    kept |= {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "AGENTLOG_DIR": str(tmp_path / "store"),
        "AGENTLOG": "true",
        "TERM": "xterm",
    }
    command = ["-m", "IPython", "--no-banner", "--HistoryManager.enabled=False", "--colors=NoColor", "--no-confirm-exit"]
    terminal = pexpect.spawn(
        sys.executable, command, cwd=str(tmp_path), env=kept, encoding="utf-8", timeout=PATIENCE, dimensions=(50, 100)
    )
    terminal.expect(r"In \[.*1.*\]")
    terminal.send(CRASH + "\r")
    terminal.expect("KeyError: 'pear'")
    terminal.expect(r"In \[.*2.*\]")
    terminal.send("\x04")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    from agentlog.store import Store

    store = Store.open(tmp_path / "store")
    cells = [(cell.status, cell.source) for cell in store.executions()]
    store.close()
    assert cells == [("error", CRASH)]
