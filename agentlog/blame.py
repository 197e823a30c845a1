"""Which cell is at fault: the crashed one, or an earlier one that made what it was given what it is."""

from __future__ import annotations

from dataclasses import dataclass

from agentlog.situation import Situation


@dataclass(frozen=True, slots=True)
class Blame:
    """`label`: the cell; `here`: it is the crashed one; `reason` in words."""

    label: str
    here: bool
    reason: str


def blame(case: Situation) -> Blame | None:
    """The cell whose change makes the failing one work, None where there is nothing to go by."""
    if case.execution is None or case.failure is None:
        return None
    frame = case.innermost
    if frame is not None and frame.cell and frame.cell != case.execution.id and frame.count is not None:
        return Blame(f"In[{frame.count}]", False, f"{frame.function} is defined there")
    return Blame(case.execution.label, True, "")
