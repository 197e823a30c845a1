"""Which executions made and changed a name, and what each of them had read. (What is stale by now: `staleness`.)

Built from what the recorder saw (`NamespaceChanged`), not from the order of cells in the notebook. An execution's
inputs have versions: the id of the execution that last changed each of them before it ran.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentlog.events import Change, NamespaceChanged, Value
from agentlog.notebook_cells import NotebookCell, read_notebook, same_source
from agentlog.past import Execution, Session
from agentlog.rows import event_of
from agentlog.static import analyse
from agentlog.value_changes import same_value

if TYPE_CHECKING:
    from agentlog.store import Store

Looks = dict[str, list[NamespaceChanged]]
"""id of an execution -> what was seen of it, in order."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one execution did to one name."""

    execution: Execution
    change: Change

    @property
    def binds(self) -> bool:
        """Did the name get another object (or none)?"""
        return self.change.kind in ("made", "rebound", "deleted")

    @property
    def differs(self) -> bool:
        """Is the value different from before, as far as was seen? (A re-run may bind an equal one.)"""
        return not (self.change.kind == "rebound" and same_value(self.change.old, self.change.new))


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` read `name` as `source` had left it."""

    source: str
    target: str
    name: str


class Lineage:
    """The executions of one session in order, what each did to names, and the notebook's own text where it is known."""

    def __init__(self, executions: list[Execution], looks: Looks, notebook: list[NotebookCell] | None = None) -> None:
        self.executions = executions
        self.notebook = notebook
        self.by_id = {execution.id: execution for execution in executions}
        self._order = {execution.id: number for number, execution in enumerate(executions)}
        self._looks = looks
        self._steps: dict[str, list[Step]] = defaultdict(list)
        for execution in executions:
            for look in looks.get(execution.id, ()):
                for change in look.changes:
                    self._steps[change.name].append(Step(execution, change))

    @classmethod
    def of(
        cls, store: Store, session: Session | str | None = None, *, notebook: str | None = None, last: int | None = None,
        executions: Sequence[Execution] | None = None, looks: Looks | None = None,
    ) -> Lineage:  # fmt: skip
        """The lineage of `session` (an id; None: the latest). `notebook`: its file, where the session does not name it.

        last: only so many of its latest executions are read
        executions, looks: those of the session that are at hand already; what is older than `looks` is read without values
        """
        about = session if isinstance(session, Session) else store.session(session)
        known = list(store.executions(about.id) if executions is None else executions)
        read = known if last is None else known[-last:]
        if looks is None:
            looks = looks_of(store, about.id, read[0].id if len(read) < len(known) else None)
        elif last is None:
            looks = {**_names_of(store, about.id, min(looks, default="~")), **looks}
        path = notebook or about.notebook or next((e.notebook for e in reversed(read) if e.notebook), None)
        return cls(read, looks, read_notebook(path))

    def surroundings(self, execution: str) -> dict[str, str]:
        """What was new or different around `execution`; see `NamespaceChanged`."""
        return {key: mark for look in self._looks.get(execution, ()) for key, mark in look.surroundings.items()}

    # --- names ----------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Every name that any execution bound or changed."""
        return list(self._steps)

    def before(self, one: str, other: str | None) -> bool:
        """Did execution `one` run before `other` (None: now)? Ids of executions."""
        return other is None or self._order.get(one, -1) < self._order.get(other, len(self._order))

    def steps(self, name: str, before: str | None = None) -> list[Step]:
        """All that happened to `name`, in order, in executions before `before` (None: all of them)."""
        return [s for s in self._steps.get(name, ()) if self.before(s.execution.id, before) and s.change.kind != "unknown"]

    def until(self, name: str, at: str | None = None) -> list[Step]:
        """All that happened to `name`, or was not looked at, in order, up to and with execution `at` (None: now)."""
        return [s for s in self._steps.get(name, ()) if at is None or self._order[s.execution.id] <= self._order.get(at, 0)]

    def chain(self, name: str, at: str | None = None) -> list[Step]:
        """The executions that made and changed what stands behind `name` after execution `at` (None: now).

        From the one that bound it; where it was bound from itself (`df = df.dropna()`), from the first of those.
        """
        steps = self.until(name, at)
        start = len(steps)
        while start > 0:
            start -= 1
            step = steps[start]
            if step.binds and not (step.change.kind == "rebound" and name in self.reads(step.execution.id)):
                break
        return steps[start:]

    def writer(self, name: str, before: str | None = None) -> Execution | None:
        """The execution that last made, rebound or changed `name` before execution `before`; None: unknown or unbound."""
        steps = self.steps(name, before)
        return steps[-1].execution if steps and steps[-1].change.kind != "deleted" else None

    def value(self, name: str, before: str | None = None) -> Value | None:
        """What `name` was, as described by its last writer before `before`."""
        steps = self.steps(name, before)
        return steps[-1].change.new if steps else None

    def bound(self, before: str | None = None) -> set[str]:
        """Names that were bound before execution `before`, as far as was recorded."""
        return {name for name in self._steps if (steps := self.steps(name, before)) and steps[-1].change.kind != "deleted"}

    def timeline(self, name: str) -> list[tuple[Execution, Value | None]]:
        """(execution, what the name was after it), where that changed."""
        out: list[tuple[Execution, Value | None]] = []
        for step in self.steps(name):
            if not out or out[-1][1] != step.change.new:
                out.append((step.execution, step.change.new))
        return out

    # --- executions -----------------------------------------------------------------------------------------------

    def reads(self, execution: str) -> set[str]:
        """Names the execution needed from outside, those of the functions it called included."""
        looks = self._looks.get(execution, ())
        if not looks:
            return set(analyse(self.by_id[execution].source).reads) if execution in self.by_id else set()
        return {name for look in looks for name in (*look.reads, *look.lazy)}

    def inputs(self, execution: str) -> dict[str, str]:
        """name -> id of the execution whose version of it was read."""
        return {name: writer for look in self._looks.get(execution, ()) for name, writer in look.versions.items()}

    def effects(self, execution: str) -> tuple[Change, ...]:
        """What the execution did to names."""
        return tuple(change for look in self._looks.get(execution, ()) for change in look.changes)

    def edges(self) -> Iterator[Edge]:
        """Who read what from whom."""
        for execution in self.executions:
            for name, writer in self.inputs(execution.id).items():
                yield Edge(writer, execution.id, name)

    def runs_of(self, execution: Execution) -> list[Execution]:
        """Earlier runs of the same cell: the same cell id, else the same source."""
        here = self._order.get(execution.id, len(self.executions))
        return [one for one in self.executions[:here] if same_cell(one, execution)]

    # --- cells of the notebook ------------------------------------------------------------------------------------

    def cell_of(self, execution: Execution) -> NotebookCell | None:
        """The cell of the notebook file that `execution` ran (by id, else by source)."""
        cells = self.notebook or []
        if execution.cell_id is not None:
            found = next((cell for cell in cells if cell.id == execution.cell_id), None)
            if found is not None:
                return found
        same = [cell for cell in cells if same_source(cell.source, execution.source)]
        return same[0] if len(same) == 1 else None

    def unrun(self, before: str | None = None) -> list[NotebookCell]:
        """Cells of the notebook whose text, as it stands in the file, did not run before execution `before`."""
        ran = [e for e in self.executions if self.before(e.id, before)]
        return [
            cell
            for cell in self.notebook or []
            if cell.source.strip() and not any(same_source(cell.source, e.source) for e in ran)
        ]


def looks_of(store: Store, session: str, after: str | None = None) -> Looks:
    """What was seen of each execution of `session` after the event `after`."""
    looks: Looks = {}
    for event in store.events(session=session, kinds={NamespaceChanged.kind}, after=after):
        if isinstance(event, NamespaceChanged) and event.execution:
            looks.setdefault(event.execution, []).append(event)
    return looks


def _names_of(store: Store, session: str, until: str) -> Looks:
    """What was seen of the executions of `session` before `until`: which names, not what they were."""
    looks: Looks = {}
    for record in store.records(session=session, kinds={NamespaceChanged.kind}):
        if str(record.get("i")) >= until:
            break
        event = event_of({**record, "changes": [{**change, "old": None, "new": None} for change in record.get("changes", ())]})
        if isinstance(event, NamespaceChanged) and event.execution:
            looks.setdefault(event.execution, []).append(event)
    return looks


def same_cell(one: Execution, other: Execution) -> bool:
    """Are these two runs of one cell? By cell id where both have one, else by source."""
    if one.cell_id and other.cell_id:
        return one.cell_id == other.cell_id
    return same_source(one.source, other.source)
