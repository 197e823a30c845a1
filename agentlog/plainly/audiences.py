"""Three ways to say a failure: a sentence for an operator, the context for a developer, a summary for a stakeholder.

The operator's sentence names the cell and the reason without jargon; the stakeholder's counts runs and kinds of trouble.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentlog.events import Failure
from agentlog.filters import moment
from agentlog.past import Death, Execution, Session
from agentlog.plainly.reasons import reason
from agentlog.situation import Situation, situation
from agentlog.tables import Text

if TYPE_CHECKING:
    from agentlog.store import Store

AUDIENCES = ("operator", "developer", "stakeholder")
WEEK = "7 days"
LISTED = 4
"""Kinds of trouble that a summary names."""


# --- operator -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Sentence(Text):
    """What is said to an operator."""

    text: str
    failed: bool

    def __str__(self) -> str:
        return self.text

    def as_json(self) -> dict[str, Any]:
        """{"text", "failed"}."""
        return {"text": self.text, "failed": self.failed}


def operator(store: Store, session: str | None = None, execution: str | None = None) -> Sentence:
    """One sentence on the execution, else on the last failure of the session, else on how the session stands."""
    case = situation(store, session, execution)
    if case.failure is None and (case.execution is None or not case.execution.failed):
        return Sentence(_all_well(case), False)
    death = store.death(case.execution) if case.execution is not None else None
    return Sentence(sentence(case.execution, case.failure, death, loaded_from(case)), True)


def sentence(execution: Execution | None, failure: Failure | None, death: Death | None = None, file: str | None = None) -> str:
    """ "The run failed in cell 14: the column 'a' does not exist." `file`: what the data in question was loaded from."""
    where = f" in cell {execution.count}" if execution is not None and execution.count is not None else ""
    if failure is not None:
        clause = reason(failure).clause
        clause = clause.replace("; the table has ", f"; the file loaded ({file}) has ") if file else clause
        return f"The run failed{where}: {clause.rstrip('.')}."
    return (
        f"The run {_ENDINGS.get(execution.status if execution else '', 'failed{where}').format(where=where)}{_of_death(death)}."
    )


_ENDINGS = {
    "died": "ended{where}: its process is gone", "interrupted": "was stopped{where} by somebody",
    "timed_out": "was stopped{where}: it took longer than allowed",
}  # fmt: skip


def _of_death(death: Death | None) -> str:
    if death is None:
        return ""
    if "SIGKILL" in death.how or "SIGKILL" in (death.signal or ""):
        return "; the system ended it, most often because memory ran out"
    return "; it crashed" if death.signal or "fault" in death.how.lower() else ""


def _all_well(case: Situation) -> str:
    if case.execution is not None:
        return f"Cell {case.execution.count} ended well."
    ran = case.session.executions
    return f"Nothing has failed: {ran} cell{'s' if ran != 1 else ''} ran." if ran else "Nothing has run yet."


def loaded_from(case: Situation) -> str | None:
    """The file that the table in the failure was read from, where its cell read one file."""
    if case.root is None:
        return None
    about = [fact.about for evidence in case.root.evidence for fact in evidence.facts if fact.about and "nearest" in fact.text]
    for name in about:
        first = re.match(r"\w+", name)
        for version in case.versions(first[0]) if first else ():
            look = case.namespace(version.execution)
            files = [key.removeprefix("file:") for key in (look.surroundings if look else ()) if key.startswith("file:")]
            if len(files) == 1:
                return files[0].rsplit("/", 1)[-1]
    return None


# --- stakeholder --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Summary(Text):
    """Runs since `since`: how many, how many failed, and for what."""

    period: str
    runs: int
    failed: int
    running: int
    troubles: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        if not self.runs:
            return f"Nothing ran {self.period}."
        return f"{self._failed()}{self._why()}{f'; {self.running} still run' if self.running else ''}."

    def as_json(self) -> dict[str, Any]:
        """{"period", "runs", "failed", "running", "troubles": {trouble: runs}}."""
        return {
            "period": self.period,
            "runs": self.runs,
            "failed": self.failed,
            "running": self.running,
            "troubles": dict(self.troubles),
        }

    def _failed(self) -> str:
        runs = f"{self.runs} run{'s' if self.runs != 1 else ''}"
        if not self.failed:
            return f"All {runs} went well {self.period}" if self.runs != 1 else f"The one run went well {self.period}"
        return f"{self.failed} of {runs} failed {self.period}"

    def _why(self) -> str:
        named = [f"{count} for {trouble}" for trouble, count in self.troubles[:LISTED]]
        rest = sum(count for _, count in self.troubles[LISTED:])
        return "".join(
            f"{'; ' if not number else ', '}{part}"
            for number, part in enumerate([*named, *([f"{rest} for other reasons"] if rest else [])])
        )


def stakeholder(store: Store, since: str | None = None) -> Summary:
    """The runs that started since then (`filters.moment`; default: a week ago). A run is a session that ran something, but for
    tasks inside one. It failed if a cell of it failed, its process died, or an exception ended it."""
    period = "this week" if since is None else f"since {since[:16].replace('T', ' ')} UTC"
    runs = [
        one
        for one in store.sessions(since=since or moment(WEEK))
        if one.parent is None and (one.executions or one.errors or one.life == "process")
    ]
    failed = [one for one in runs if _went_wrong(one)]
    troubles = Counter(_trouble(store, one) for one in failed)
    running = sum(one.how == "running" for one in runs if one not in failed)
    return Summary(period, len(runs), len(failed), running, tuple(troubles.most_common()))


def _went_wrong(session: Session) -> bool:
    return bool(session.failures or session.how in ("died", "failed") or (session.errors and session.life == "process"))


def _trouble(store: Store, session: Session) -> str:
    case = situation(store, session.id)
    if case.failure is not None:
        return reason(case.failure).trouble
    status = case.execution.status if case.execution is not None else session.how
    known = {
        "died": "programs that were ended or crashed",
        "interrupted": "runs that were stopped",
        "timed_out": "runs that took too long",
    }
    return known.get(status, "reasons that were not recorded")
