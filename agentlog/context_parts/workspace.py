"""The state of the code around: git as the session saw it, and the diff of the workspace."""

from __future__ import annotations

from agentlog.events import WorkspaceSeen
from agentlog.outline import Section, item, section
from agentlog.situation import Situation

_LINES = 50


def sections(case: Situation) -> list[Section]:
    """`workspace`, empty where git was not seen."""
    seen = None
    for event in case.store.events(session=case.session.id, kinds={WorkspaceSeen.kind}):
        seen = event if isinstance(event, WorkspaceSeen) else seen
    git = {**case.session.git, **(seen.git if seen else {})}
    if not git:
        return []
    commit = str(git.get("commit") or "")[:10]
    line = f"git {git.get('branch') or ''} {commit}{' with uncommitted changes' if git.get('dirty') else ''}"
    items = [item(0.5, " ".join(line.split()))]
    if seen is not None and seen.diff:
        lines = seen.diff.splitlines()
        items.append(item(0.8, "\n".join(lines[:12]), "\n".join(lines[:_LINES])))
    return [section("workspace", items)]
