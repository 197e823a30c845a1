"""The decision trail of a session for a third party: what was asked, thought, done and suffered, in order, as JSON lines.

First line: what this is, whose trail, and the heads of the journal's hash chains at that moment, so that the trail can be
held against the journal later (`agentlog verify --anchor`). Then a line a step; one from which secrets were taken out
says how many (`redacted`). Last line: how many steps, and how many of them were redacted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agentlog.exports.target import text_file
from agentlog.ids import timestamp
from agentlog.past import Session
from agentlog.replay import Step, replay
from agentlog.store import Store
from agentlog.verify import check

FORMAT = "agentlog trail 1"
_MARKER = re.compile(r"\[REDACTED:[^\]]*\]")


def write(store: Store, session: Session, target: str | Path) -> int:
    """Write the trail of `session` and of what it started; returns the number of steps."""
    steps = replay(store, session, everything=True).steps
    with text_file(target) as file:
        for line in _lines(store, session, steps):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return len(steps)


def _lines(store: Store, session: Session, steps: tuple[Step, ...]) -> Iterator[dict[str, Any]]:
    yield {
        "trail": FORMAT, "session": session.id, "agent": session.agent, "task": session.task, "started": session.started,
        "ended": session.ended, "how": session.how, "written": timestamp(), "chains": _chains(store),
    }  # fmt: skip
    redacted = 0
    for step in steps:
        line = {name: value for name, value in asdict(step).items() if value not in (None, "")}
        hidden = len(_MARKER.findall(step.text + step.result))
        redacted += bool(hidden)
        yield {**line, "redacted": hidden} if hidden else line
    yield {"steps": len(steps), "redacted_steps": redacted}


def _chains(store: Store) -> list[dict[str, Any]]:
    """Verdict and head of every segment; empty where the store is no folder."""
    if store.folder is None:
        return []
    found = check(store.folder)
    return [{"segment": one.segment, "verdict": one.verdict, "records": one.records, "head": one.head} for one in found]
