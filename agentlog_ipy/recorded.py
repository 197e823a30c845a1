"""What the store knows of an execution that a kernel's messages do not tell."""

from __future__ import annotations

import time
from pathlib import Path

from agentlog.clock import clock
from agentlog.errors import AgentlogError
from agentlog.events import Change, NamespaceChanged
from agentlog.static import analyse
from agentlog.store import Store

LOOK_SECONDS = 2.0
"""The kernel looks at its namespace after the cell's last message; this long we wait for what it saw."""


def changes_of(folder: Path, session: str, execution: str, source: str) -> tuple[Change, ...]:
    """What the execution did to the user's names, as the recorder in the kernel saw it; () where it saw nothing."""
    if analyse(source).trivial:
        return ()
    deadline = clock.monotonic() + LOOK_SECONDS
    while True:
        found = _changes(folder, session, execution)
        if found is not None or clock.monotonic() > deadline:
            return found or ()
        time.sleep(0.02)


def _changes(folder: Path, session: str, execution: str) -> tuple[Change, ...] | None:
    try:
        store = Store.open(folder)
    except AgentlogError:
        return None
    try:
        kinds = {NamespaceChanged.kind}
        events = list(store.events(session=session, execution=execution, kinds=kinds))
    finally:
        store.close()
    seen = [event for event in events if isinstance(event, NamespaceChanged)]
    return seen[-1].changes if seen else None
