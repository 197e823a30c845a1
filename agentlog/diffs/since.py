"""What became of names: since an execution, and before one that read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlog.diffs.difference import Difference
from agentlog.lineage import Lineage, Step
from agentlog.past import Execution
from agentlog.value_changes import difference, is_code


def changes_since(lineage: Lineage, since: Execution) -> Iterator[Difference]:
    """For each name that any later execution touched: what it is now compared with what it was."""
    for name in lineage.names():
        steps = [s for s in lineage.steps(name) if s.execution.id > since.id]
        if not steps:
            continue
        before = [s for s in lineage.steps(name) if s.execution.id <= since.id]
        old = before[-1].change.new if before and before[-1].change.kind != "deleted" else None
        last = steps[-1]
        what = _since(old is not None or bool(before), steps)
        said = difference(old, last.change.new) if old is not None else _summary(last.change.new)
        yield Difference("name", f"{name} {what}{f': {said}' if said else ''}", since.label, last.execution.label, name)


def latest_inputs(lineage: Lineage, execution: Execution) -> Iterator[Difference]:
    """What last became of each name that `execution` read, the latest first."""
    histories = (lineage.steps(name, execution.id) for name in lineage.reads(execution.id))
    latest = [steps[-1] for steps in histories if steps and not is_code(steps[-1].change.new)]
    for step in sorted(latest, key=lambda step: step.execution.id, reverse=True):
        said = difference(step.change.old, step.change.new) or _summary(step.change.new)
        text = f"{step.change.name} {step.change.kind} by {step.execution.label}{f': {said}' if said else ''}"
        yield Difference("input", text, name=step.change.name)


def label_list(labels: list[str]) -> str:
    """Each once, the middle of many left out."""
    once = list(dict.fromkeys(labels))
    return ", ".join(once if len(once) <= 6 else [*once[:3], "…", *once[-2:]])


def _since(existed: bool, steps: list[Step]) -> str:
    """What was done to a name, and by which executions, in words."""
    labels = [step.execution.label for step in steps]
    kinds = [step.change.kind for step in steps]
    if kinds[-1] == "deleted":
        return f"deleted by {labels[-1]}"
    if not existed:
        rest = [label for label in labels if label != labels[0]]
        return f"made by {labels[0]}" + (f", changed by {label_list(rest)}" if rest else "")
    kind = kinds[0] if len(set(kinds)) == 1 else "changed"
    return f"{kind} by {label_list(labels)}"


def _summary(value: Any) -> str:
    if value is None:
        return ""
    shape = f" {value.shape}" if value.shape else f" of {value.length}" if value.length is not None else ""
    return f"{value.type}{shape}" + (f" {value.value!r}"[:60] if value.value is not None else "")
