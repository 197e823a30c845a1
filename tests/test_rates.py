"""A service under fire: errors of a kind are stored in full up to a rate, then counted; memory and disk stay bounded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agentlog
from agentlog import rates, recorder, session
from agentlog.events import Logged
from agentlog.rates import ErrorRate, key_of
from agentlog.recorder import Recorder
from agentlog.settings import Limits, Settings
from agentlog.store import Store


@pytest.fixture
def door(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    monkeypatch.setattr(rates, "rate", ErrorRate())
    monkeypatch.setattr("agentlog.verbs.rate", rates.rate)
    opened = recorder.start(Settings(folder=store_folder, limits=Limits(errors_per_minute=5)))
    session.begin(opened)
    yield opened
    session.end(opened)
    recorder.stop()


def fail(kind: type[Exception], text: str) -> None:
    try:
        raise kind(text)
    except kind as error:
        agentlog.log_error("it failed", error)


def counted(folder: Path) -> tuple[dict[str, int], list[tuple[str, object]]]:
    """({type: errors stored in full}, [(message, count)] of those that were only counted)."""
    store = Store.open(folder)
    stored: dict[str, int] = {}
    for error in store.errors():
        stored[error.failure.type] = stored.get(error.failure.type, 0) + 1
    said = [
        (event.message, event.data["count"].value)
        for event in store.events(kinds={"log"})
        if isinstance(event, Logged) and "repeated" in event.tags
    ]
    store.close()
    return stored, said


def test_the_first_are_stored_and_the_rest_counted(door: Recorder, store_folder: Path) -> None:
    """Five of a kind in full; the sixth and on are counted and said once at the end, with the hash of the kind."""
    for number in range(40):
        fail(ValueError, f"order {number}")
    fail(KeyError, "another kind")
    session.end(door)
    stored, said = counted(store_folder)
    assert stored == {"ValueError": 5, "KeyError": 1}
    assert [count for _, count in said] == [35]
    assert said[0][0].startswith("ValueError at test_rates.py:")


def test_a_new_minute_begins_anew(door: Recorder, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute errors are stored in full again, and what was counted is written."""
    now = 1_000.0
    monkeypatch.setattr("agentlog.rates.clock.monotonic", lambda: now)
    for _ in range(8):
        fail(ValueError, "x")
    now += 61
    fail(ValueError, "x")
    assert door.flush(60)
    assert counted(store_folder)[0] == {"ValueError": 6}
    assert [count for _, count in counted(store_folder)[1]] == [3]


def test_kinds_are_bounded(door: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many kinds of errors there are, a bounded number is remembered."""
    monkeypatch.setattr(rates, "KINDS", 10)
    limiter = ErrorRate()
    for number in range(50):
        code = compile("\n" * number + "1/0", "app.py", "exec")
        with pytest.raises(ZeroDivisionError) as caught:
            exec(code)
        assert limiter.admit(door, caught.value) is not None
    assert len(limiter._slots) == 10


def test_no_limit_where_none_is_wanted(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """errors_per_minute=0 stores all."""
    monkeypatch.setattr("agentlog.verbs.rate", ErrorRate())
    opened = recorder.start(Settings(folder=store_folder, limits=Limits(errors_per_minute=0)))
    session.begin(opened)
    for _ in range(70):
        fail(ValueError, "x")
    session.end(opened)
    recorder.stop()
    assert counted(store_folder)[0] == {"ValueError": 70}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers of signals on this system")
def test_signal_handlers_and_the_end_of_the_interpreter(tmp_path: Path) -> None:
    """Handlers that log while the program logs, threads that go on, atexit and __del__: no deadlock, nothing on stderr, nothing lost."""
    code = (
        "import agentlog, atexit, signal, threading\nagentlog.enable()\nbeats = []\n"
        "def beat(*_):\n    beats.append(1); agentlog.log('beat')\n"
        "signal.signal(signal.SIGALRM, beat)\nsignal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
        "class Last:\n    def __del__(self): agentlog.log('deleted')\nlast = Last()\n"
        "threading.Thread(target=lambda: [agentlog.log('thread') for _ in range(500)]).start()\n"
        "n = 0\nwhile len(beats) < 50:\n    agentlog.log('main'); agentlog.log_error('e', ValueError('x')); n += 1\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\natexit.register(lambda: agentlog.log('at exit'))\nprint(n, len(beats))\n"
    )
    environment = {**os.environ, "AGENTLOG_DIR": str(tmp_path / "st"), "AGENTLOG": "false", "AGENTLOG_LIMITS": "queue=1000000"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=170, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    main, beats = map(int, done.stdout.split())
    store = Store.open(tmp_path / "st")
    said: dict[str, int] = {}
    for event in store.events(kinds={"log"}):
        if isinstance(event, Logged):
            said[event.message] = said.get(event.message, 0) + 1
    store.close()
    assert (said["main"], said["beat"], said["thread"], said["at exit"]) == (main, beats, 500, 1)


def test_the_place_of_an_error_is_read_from_the_interpreters_own_slot() -> None:
    """Its class may call something else its traceback."""

    class Odd(Exception):
        __traceback__ = property(lambda error: "what the user calls so")  # type: ignore[assignment]

    with pytest.raises(Odd) as caught:
        raise Odd
    assert key_of(caught.value)[:2] == ("Odd", __file__)
