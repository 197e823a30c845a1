"""What changed since the cell last worked, and what is known of failures like this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentlog.events import ErrorRaised
from agentlog.fixes import Fix, edited
from agentlog.outline import Item, Section, item, section
from agentlog.recall import remembered, told_before
from agentlog.situation import Situation
from agentlog.value_changes import difference

if TYPE_CHECKING:
    from agentlog.past import Execution


def sections(case: Situation) -> list[Section]:
    """`changes`, empty where the cell never ran before, and `seen before`."""
    if case.failure is None:
        return []
    changes = _since_it_worked(case, case.execution) if case.execution is not None else []
    return [section("changes", changes), section("seen before", _seen(case))]


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


def _seen(case: Situation) -> list[Item]:
    if case.failure is None or case.error is None or not case.failure.hash:
        return []
    known = remembered(case.store, case.failure.hash, before=_first_told(case, case.error))
    if not known.times:
        return []
    last = known.last_seen[:16].replace("T", " ")
    times = f"{known.times} time{'s' if known.times > 1 else ''} before, last {last}"
    where = f", in {len(known.sessions)} sessions" if len(known.sessions) > 1 else ""
    notes = [item(1.0, f"note: {mark.note}") for mark in known.marks if mark.note][-3:]
    return [item(1.5, *(f"{times}{where}{fix}" for fix in _fixes(known.fix))), *notes]


def _first_told(case: Situation, error: ErrorRaised) -> str:
    """The id of the earliest report of this very exception: logged, or out of a task, before it surfaced."""
    return next((one.id for one in told_before(case.store, error)), error.id)


def _fixes(fix: Fix | None) -> list[str]:
    """What helped, from the shortest to the fullest."""
    if fix is None:
        return [""]
    at = f" (commit {fix.commit})" if fix.commit and fix.how not in ("commit", "note") else ""
    said = f"; last fixed: {fix.text}{at}"
    if not fix.diff:
        return [said]
    return [f"{said}: {' / '.join(fix.diff[:4])}", "\n".join([f"{said}:", *fix.diff])]
