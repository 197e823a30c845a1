"""Why a notebook's cell failed, when the notebook is the reason: order, re-runs, edits, cells that failed or never ran.

`find` returns what was observed, the most telling first, and `none` where nothing was: most crashes are ordinary. The
position of cells alone is never a reason: over public crashes it tells less than nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from agentlog.events import Failure
from agentlog.lineage import Lineage
from agentlog.past import Execution
from agentlog.reasons.case import Case, Cause, Run
from agentlog.reasons.moved import moved_schema, rerun_cell, skipped_provider, stale_input
from agentlog.reasons.names import unbound_names
from agentlog.reasons.stale_imports import stale_import

if TYPE_CHECKING:
    from agentlog.store import Store

__all__ = ["Cause", "Run", "find"]

Rule = Callable[[Case], Iterator[Cause]]
RULES: tuple[Rule, ...] = (unbound_names, stale_import, rerun_cell, moved_schema, skipped_provider, stale_input)
"""In the order of how much they tell (measured on public crashes; see docs)."""

NOTHING = "no notebook-specific cause found: the inputs were fresh and in order"
NOT_WATCHED = "no notebook-specific cause found among what was recorded: the session was not watched from its start"


def find(
    store: Store, execution: Execution, failure: Failure, lineage: Lineage | None = None, *, notebook: str | None = None
) -> list[Cause]:
    """The notebook-specific causes of `failure`, the first the most likely; a single one of kind "none" where none is seen.

    `lineage`: the session's, where it is at hand. `notebook`: the notebook's file where the session does not know it.
    """
    case = Case.of(
        store, execution, failure, lineage or Lineage.of(store, execution.session, notebook=notebook or execution.notebook)
    )
    found: list[Cause] = []
    for rule in RULES:
        for cause in rule(case):
            if all((cause.kind, cause.execution, cause.names) != (c.kind, c.execution, c.names) for c in found):
                found.append(cause)
    return found or [Cause("none", NOTHING if case.watched else NOT_WATCHED)]
