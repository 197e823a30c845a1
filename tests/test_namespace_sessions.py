"""Sessions of several cells: each step tells all that it changed and nothing else."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("IPython")

from mutations_sessions import SESSIONS, Session
from scripted import empty_shell

from agentlog.events import Change
from agentlog.guard import strict
from agentlog.settings import Limits
from agentlog_ipy.namespace import NamespaceWatch

ROOMY = Limits(namespace_ms=5000)
"""A loaded machine must not decide what a test sees."""


@pytest.fixture(autouse=True)
def _undone() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("kept_mod"):
            del sys.modules[name]


def needs(library: str) -> None:
    name, _, least = library.partition(">=")
    if name and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    if least and int(importlib.import_module(name).__version__.partition(".")[0]) < int(least):
        pytest.skip(f"{name} is older than {least}")


def wrong_in(step: str, told: dict[str, Change], truth: str, known: set[str]) -> list[str]:
    """What was not told of the changes (`unknown` tells), and what was told though it did not change."""
    maybe = set(" ".join(re.findall(r"\((.*?)\)", truth)).split())
    changed = set(re.sub(r"\(.*?\)", "", truth).split())
    missed = [name for name in changed if name not in told or told[name].since is not None]
    invented = (known - changed - maybe) & told.keys()
    return [f"{name} missed in {step!r}" for name in missed] + [f"{name} invented in {step!r}: {told[name]}" for name in invented]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: f"{session[0]}:{session[1][0][0]}".replace(" ", "_")[:60])
def test_each_step_tells_what_it_changed(session: Session, tmp_path: Path, capsys: Any) -> None:
    """Nothing that was changed in place, rebound or deleted is left out; nothing else is told as changed or unknown."""
    library, steps = session
    needs(library)
    shell = empty_shell()
    watch = NamespaceWatch(shell, ROOMY)
    known: set[str] = set()
    wrong: list[str] = []
    for number, (step, truth) in enumerate(steps):
        source = step.replace("{tmp}", str(tmp_path))
        with strict():
            watch.before(source)
            result = shell.run_cell(source, store_history=False)
            seen = watch.after(source, f"e{number}", ok=result.success)
        told = {change.name: change for change in seen.changes if change.kind != "made"}
        if number:
            wrong += wrong_in(step, told, truth, known)
        known = {name for name in shell.user_ns if not name.startswith("_")}
    assert wrong == []
    empty_shell()
