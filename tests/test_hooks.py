"""The hooks that a recording hangs on a process: what they do to modules, loaders and log records of others."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

from agentlog import recorder
from agentlog.events import Event, Logged
from agentlog.hooks.imports import forget_imports, when_imported
from agentlog.hooks.logs import Handler
from agentlog.recorder import Recorder


class Archive:
    """One loader for many modules, as those of a zip file or a frozen program are."""

    def __init__(self) -> None:
        self.executed: list[str] = []

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name.startswith("of_the_archive_") else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        self.executed.append(module.__name__)


class Sealed(Archive):
    """One that nobody can hang anything on."""

    __slots__ = ("executed",)

    def __setattr__(self, name: str, value: object) -> None:
        if name != "executed":
            raise AttributeError(f"{name} is what it is")
        object.__setattr__(self, name, value)


@pytest.fixture
def put() -> Iterator[Any]:
    """Puts a finder in the way of imports; afterwards it and its modules are gone."""
    before = list(sys.meta_path)
    yield sys.meta_path.append
    forget_imports()
    sys.meta_path[:] = before
    for name in [name for name in sys.modules if name.startswith("of_the_archive_")]:
        del sys.modules[name]


def test_waiting_for_one_module_of_an_archive_is_not_waiting_for_all(put: Any) -> None:
    """Its loader is as it was once that module is there."""
    archive, told = Archive(), []
    put(archive)
    when_imported("of_the_archive_one", lambda: told.append("one"))
    for name in ("of_the_archive_one", "of_the_archive_two", "of_the_archive_three"):
        __import__(name)
    assert archive.executed == ["of_the_archive_one", "of_the_archive_two", "of_the_archive_three"]
    assert told == ["one"]


@pytest.mark.usefixtures("expect_faults")
def test_a_loader_that_cannot_be_watched_loads(put: Any) -> None:
    """The import is the user's: it goes on."""
    archive = Sealed()
    put(archive)
    when_imported("of_the_archive_one", lambda: pytest.fail("nobody could have told"))
    __import__("of_the_archive_one")
    assert archive.executed == ["of_the_archive_one"]


class Settings(Mapping[str, object]):
    """A mapping of the user's, which notices being asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> object:
        self.asked.append(name)
        return 1

    def __iter__(self) -> Iterator[str]:
        self.asked.append("iter")
        return iter(["a"])

    def __len__(self) -> int:
        self.asked.append("len")
        return 1


def test_a_mapping_that_is_logged_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is its template, with the mapping described beside it."""
    kept: list[Event] = []
    monkeypatch.setattr(Recorder, "record", lambda door, event, now=False: kept.append(event))
    recorder.start()
    settings = Settings()
    record = logging.LogRecord("app", logging.WARNING, "app.py", 3, "a is %(a)s", (settings,), None)
    settings.asked.clear()
    Handler().emit(record)
    recorder.stop()
    (line,) = [event for event in kept if isinstance(event, Logged)]
    assert (line.message, [value.type for value in line.data.values()]) == ("a is %(a)s", ["Settings"])
    assert settings.asked == []
