"""Is agentlog installed, switched on, recording, and can its store be read? One line a check, with what to do."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import agentlog
from agentlog.desk import Desk
from agentlog.errors import AgentlogError, NotFound
from agentlog.ids import short
from agentlog.settings import parse_limits, store_folder, switched_on
from agentlog.tables import Text, ago

JSON = True
OPTIONAL = (
    ("ipython", "jupyter"),
    ("ipykernel", "jupyter"),
    ("jupyter_client", "jupyter"),
    ("nbclient", "jupyter"),
    ("nbformat", "jupyter"),
)
"""Distributions that parts of ours stand on -> the extra that brings them."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(args: argparse.Namespace, desk: Desk) -> Report:
    """All checks; none of them changes anything."""
    return Report(tuple(finding for check in _CHECKS for finding in check(desk)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. state: "ok" | "note" | "wrong"; `todo`: what to do about it."""

    state: str
    what: str
    found: str
    todo: str = ""


@dataclass(frozen=True, repr=False)
class Report(Text):
    """All findings; exit code 1 if anything is wrong."""

    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """1 where something is wrong."""
        return int(any(finding.state == "wrong" for finding in self.findings))

    def __str__(self) -> str:
        mark = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}
        return "\n".join(
            f"{mark[f.state]} {f.what:14} {f.found}" + (f"\n{'':21}-> {f.todo}" if f.todo else "") for f in self.findings
        )

    def as_json(self) -> list[dict[str, Any]]:
        """One object a finding."""
        return [asdict(finding) for finding in self.findings]


def _versions(desk: Desk) -> Iterator[Finding]:
    yield Finding("ok", "agentlog", f"{agentlog.__version__} in {Path(agentlog.__file__).parent}")
    yield Finding("ok", "python", f"{platform.python_version()} {sys.executable}, sqlite {sqlite3.sqlite_version}")
    for name, extra in OPTIONAL:
        try:
            yield Finding("ok", name, version(name))
        except PackageNotFoundError:
            yield Finding("note", name, "not installed", f"for kernels and notebooks: pip install 'agentlog[{extra}]'")


def _switch(desk: Desk) -> Iterator[Finding]:
    word = os.environ.get("AGENTLOG")
    if switched_on():
        yield Finding("ok", "AGENTLOG", f"{word}: programs and kernels started from here are recorded")
    else:
        yield Finding(
            "note",
            "AGENTLOG",
            "not set" if word is None else f"{word!r}, which means off",
            "record everything: export AGENTLOG=true",
        )
    limits = os.environ.get("AGENTLOG_LIMITS", "")
    try:
        parse_limits(limits)
    except AgentlogError as error:
        yield Finding("wrong", "AGENTLOG_LIMITS", str(error), "until it is mended the defaults are used")


def _start_files(desk: Desk) -> Iterator[Finding]:
    """The two files that make AGENTLOG=true work without a code change."""
    places = [Path(folder) / "agentlog.pth" for folder in sys.path if folder]
    yield _present("programs", places, "AGENTLOG=true does not reach plain programs; use agentlog.enable()")
    prefixes = [Path(sys.prefix) / "etc", Path("/usr/local/etc"), Path("/etc")]
    places = [prefix / "ipython" / "startup" / "50-agentlog.py" for prefix in prefixes]
    yield _present("kernels", places, "AGENTLOG=true does not reach kernels; use %load_ext agentlog or `agentlog install`")


def _present(what: str, places: list[Path], todo: str) -> Finding:
    found = next((place for place in places if place.exists()), None)
    if found is not None:
        return Finding("ok", what, f"started by {found}")
    return Finding("note", what, "no start-up file in this environment", todo + "; pip install agentlog brings it")


def _folder(desk: Desk) -> Iterator[Finding]:
    folder = Path(desk.place) if desk.place else store_folder()
    if str(folder).startswith("postgresql:"):
        return
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir():
        yield Finding("wrong", "store", f"{folder}: {nearest} is a file", "set AGENTLOG_DIR to a folder")
        return
    try:
        with tempfile.TemporaryFile(dir=nearest):
            yield Finding("ok", "store", f"{folder}" + ("" if folder.exists() else " (not made yet)"))
    except OSError as error:
        todo = "recording goes on in memory only; set AGENTLOG_DIR to a folder that can be written"
        yield Finding("wrong", "store", f"{folder} cannot be written: {error.strerror}", todo)


def _contents(desk: Desk) -> Iterator[Finding]:
    try:
        sessions = desk.store.sessions(limit=1)
    except NotFound:
        yield Finding("note", "recordings", "none yet", "run something: agentlog run notebook.ipynb, or %load_ext agentlog")
        return
    except AgentlogError as error:
        yield Finding("wrong", "recordings", str(error))
        return
    for session in sessions:
        yield Finding("ok", "last session", f"{short(session.id)} {session.title} {session.how}, began {ago(session.started)}")
    failure = desk.store.last_failure()
    if failure is not None:
        yield Finding("ok", "last failure", f"{failure.label} {failure.error or failure.status}", "agentlog context")


_CHECKS: tuple[Callable[[Desk], Iterator[Finding]], ...] = (_versions, _switch, _start_files, _folder, _contents)
