"""Watching: each failure is told once, with its context, to a command and to a webhook that may be busy."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

sys.path.insert(0, str(Path(__file__).parent / "exports"))
from samples import Samples, a_bit_of_everything, failure

from agentlog import cli, transfer
from agentlog.errors import StoreError
from agentlog.events import ErrorRaised, ProcessDied
from agentlog.metrics.alerts import Alert, Watch, command, tell_all, webhook


@pytest.fixture
def made(store_folder: Path) -> Iterator[Samples]:
    """A store in which much has failed already."""
    samples = a_bit_of_everything(store_folder)
    yield samples
    samples.close()


def test_each_failure_is_told_once_with_its_context(made: Samples) -> None:
    """What was there before is no news; own cells are none; an error and the end of its cell are one failure."""
    watch = Watch(made.store())
    assert list(watch.new()) == []
    session = made.begin(task="prices")
    made.cell(1, "fine()")
    made.cell(2, "%agentlog context", error=failure(), own=True)
    failed = made.cell(3, "df['price']", error=failure())
    (alert,) = watch.new()
    assert (alert.session, alert.execution, alert.status, alert.title) == (session, failed, "error", "prices")
    assert alert.error == "KeyError: 'price'"
    assert "df['price']" in alert.context
    assert list(watch.new()) == []
    made.add(ErrorRaised(failure=failure("in a thread"), origin="thread"))
    made.add(ProcessDied(signal="SIGKILL"))
    assert [(one.status, one.error) for one in watch.new()] == [("error", "KeyError: in a thread"), ("died", "died: SIGKILL")]
    assert len(list(Watch(made.store(), from_start=True).new())) == 9 + 1 + 2


def test_a_line_that_is_being_written_is_told_when_it_is_whole(made: Samples) -> None:
    """Watching begins in the middle of a line: its failure is news."""
    path = made.journal.open()
    made.cell(1, "x", error=failure())
    line = path.read_bytes().splitlines(keepends=True)[-1]
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 20)
    watch = Watch(made.store())
    assert list(watch.new()) == []
    with open(path, "ab") as file:
        file.write(line[-20:])
    assert [one.status for one in watch.new()] == ["error"]


ALERT = Alert("s" * 20, "x" * 20, "error", "KeyError: 'é'", "2026-11-21T10:00:00.000000Z", "demo.ipynb", "the context, ünïcode")


def test_a_command_gets_the_context_on_its_stdin(tmp_path: Path) -> None:
    """And the facts in its environment; it does not record itself."""
    target = tmp_path / "out"
    command(f'cat > {target}; echo "$AGENTLOG_ALERT_ERROR|$AGENTLOG_ALERT_STATUS|$AGENTLOG" >> {target}')(ALERT)
    assert target.read_text() == "the context, ünïcodeKeyError: 'é'|error|false\n"


@pytest.mark.parametrize(("words", "said"), [
    ("exit 3", "exit code 3"), (["/no/such/program"], "cannot run"), ([sys.executable, "-c", "import time; time.sleep(60)"], "was stopped"),
])  # fmt: skip
def test_a_command_that_fails_is_said_and_the_others_are_told(words: Any, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line on stderr; the next receiver hears of it all the same."""
    heard: list[Alert] = []
    assert tell_all(ALERT, [command(words, 0.5), heard.append]) == 1
    assert said in capsys.readouterr().err
    assert heard == [ALERT]


class _Hook(BaseHTTPRequestHandler):
    """Answers with the statuses it was given, then 200."""

    statuses: ClassVar[list[int]] = []
    heard: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.heard.append(json.loads(body))
        self.send_response(status)
        self.send_header("Retry-After", "0.01")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    """The URL of a webhook."""
    _Hook.statuses.clear()
    _Hook.heard.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?token=s3cr3t"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_that_is_busy_is_asked_again(hook: str) -> None:
    """429 and 503 are tried again; it hears once."""
    _Hook.statuses[:] = [503, 429]
    webhook(hook)(ALERT)
    (heard,) = _Hook.heard
    assert heard["text"] == "demo.ipynb (xxxxxx): KeyError: 'é'"
    assert heard["context"] == ALERT.context


def test_a_webhook_that_refuses_is_not_asked_again(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """400 is an answer; nobody there is tried five times; the token in the URL is never shown."""
    _Hook.statuses[:] = [400, 500]
    with pytest.raises(StoreError, match="answered 400") as refused:
        webhook(hook)(ALERT)
    assert _Hook.statuses == [500]
    assert "s3cr3t" not in str(refused.value)
    pauses: list[float] = []
    monkeypatch.setattr(transfer.time, "sleep", pauses.append)
    with pytest.raises(StoreError, match="tried 5 times"):
        webhook("http://127.0.0.1:9/nobody")(ALERT)
    assert len(pauses) == 4
    assert pauses[3] > pauses[0]


def test_the_command_line_watches_a_store(made: Samples, hook: str, tmp_path: Path) -> None:
    """A process of its own: the next failure reaches command and webhook, then it ends."""
    target = tmp_path / "context.txt"
    words = [
        sys.executable,
        "-m",
        "agentlog",
        "watch",
        "--once",
        "--interval",
        "0.05",
        "--on-failure",
        f"cat > {target}",
        "--webhook",
        hook,
    ]
    child = subprocess.Popen([*words, "--store", str(made.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr
    assert "watching for failures" in child.stderr.readline()
    made.begin()
    made.cell(1, "boom()", error=failure("'boom'"))
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out, err) == (0, "1 failures\n", "")
    assert "boom()" in target.read_text()
    assert [one["error"] for one in _Hook.heard] == ["KeyError: 'boom'"]


def test_what_cannot_be_watched_is_said(made: Samples, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a receiver there is nothing to do; a file is no webhook."""
    assert cli.main(["watch"]) == 2
    assert cli.main(["watch", "--webhook", "file:///etc/passwd"]) == 2
    assert "is no URL" in capsys.readouterr().err
