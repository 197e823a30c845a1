"""What every test starts from and must leave behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agentlog import guard, recorder, session
from agentlog.store import Store

with suppress(ImportError):  # the oldest supported versions are tested without it
    from hypothesis import HealthCheck, settings

    # the same examples each time, however long a busy machine takes for one; HYPOTHESIS_PROFILE=default looks for others
    settings.register_profile(
        "same", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: children would never see an interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by nohup: what we start would be spared too
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def store_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of the test's own; nothing of the caller's environment reaches us."""
    for name in [name for name in os.environ if name.startswith("AGENTLOG")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "store"
    monkeypatch.setenv("AGENTLOG_DIR", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """The host is left as it was found: hooks, streams, threads, faults."""
    hooks = (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook)
    streams = (sys.stdout, sys.stderr)
    yield
    recorder.stop()
    faults = guard.faults()
    guard.forget()
    assert (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook) == hooks, "a hook was left behind"
    assert (sys.stdout, sys.stderr) == streams, "a stream was left replaced"
    left = [thread.name for thread in threading.enumerate() if thread.name == "agentlog-writer" and not _ends(thread)]
    assert not left, "the writer thread was left running"
    assert faults == [] or "expect_faults" in request.fixturenames, f"the recorder had faults of its own: {faults}"


@pytest.fixture(autouse=True)
def _stores_are_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stores in memory that a test made are closed with it: from Python 3.13 on an open one warns when it is collected."""
    made: list[Store] = []
    true_in_memory = Store.in_memory

    def in_memory() -> Store:
        made.append(true_in_memory())
        return made[-1]

    monkeypatch.setattr(Store, "in_memory", in_memory)
    yield
    for store in made:
        store.close()


def _ends(thread: threading.Thread) -> bool:
    thread.join(60)
    return not thread.is_alive()


@pytest.fixture
def door() -> Iterator[recorder.Recorder]:
    """A process that records, with its session."""
    opened = recorder.start()
    session.begin(opened)
    yield opened
    session.end(opened)
    recorder.stop()


@pytest.fixture
def expect_faults() -> None:
    """For tests that provoke faults of the recorder."""
