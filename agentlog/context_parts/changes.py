"""What changed since the cell last worked, and what is known of failures like this one."""

from __future__ import annotations

from difflib import unified_diff
from itertools import pairwise
from typing import TYPE_CHECKING

from agentlog.lineage import difference
from agentlog.outline import Item, Section, item, section
from agentlog.situation import Situation

if TYPE_CHECKING:
    from agentlog.past import Execution

_MOST_SEEN = 200


def sections(case: Situation) -> list[Section]:
    """`changes` and `seen before`; both empty where the cell never ran before."""
    if case.execution is None or case.failure is None:
        return []
    return [section("changes", _since_it_worked(case, case.execution)), section("seen before", _seen(case, case.execution))]


def _since_it_worked(case: Situation, execution: Execution) -> list[Item]:
    worked = next((run for run in reversed(case.same_cell) if run.status == "ok"), None)
    if worked is None:
        return []
    found = [item(2.5, f"this cell last worked as {worked.label}")]
    edits = edited(worked.source, execution.source)
    if edits:
        found.append(item(3.0, "\n".join(["edited since:", *edits[:6]]), "\n".join(["edited since:", *edits])))
    for name in sorted(set(worked.reads) | set(execution.reads)):
        then, now = case.value_before(name, worked), case.value_before(name, execution)
        what = difference(then, now) if then is not None and now is not None else ""
        if what:
            found.append(item(2.5, what, name=name))
    return found


def edited(old: str, new: str) -> list[str]:
    """The changed lines, `-` and `+`, without their surroundings."""
    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    return [line for line in lines if not line.startswith("@@")]


def _seen(case: Situation, execution: Execution) -> list[Item]:
    hash_ = case.failure.hash if case.failure else None
    if not hash_:
        return []
    before = [e for e in case.store.errors(hash=hash_) if e.id < (case.error.id if case.error else "")][-_MOST_SEEN:]
    if not before:
        return []
    sessions = len({error.session for error in before})
    times = f"{len(before)} time{'s' if len(before) > 1 else ''} before, last {before[-1].time[:16].replace('T', ' ')}"
    return [item(1.5, f"{times}{f', in {sessions} sessions' if sessions > 1 else ''}{_what_helped(case, execution)}")]


def _what_helped(case: Situation, execution: Execution) -> str:
    """The run of the same cell that worked after it had failed like this."""
    for failed, later in pairwise(case.same_cell):
        if failed.hash == (case.failure.hash if case.failure else None) and later.status == "ok":
            edits = edited(failed.source, later.source)
            return f"; {later.label} worked" + (" after: " + " / ".join(edits[:4]) if edits else "")
    return ""
