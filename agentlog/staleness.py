"""What is stale: names that are not what their cells would make them now, and why; cells that go on where they left off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentlog.column_flow import leaves_alone, stale_columns, superseded
from agentlog.lineage import Lineage, Step
from agentlog.notebook_cells import first_line, same_source
from agentlog.past import Execution
from agentlog.value_changes import difference, is_same_code, same_value


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a name is not what its cells would make it now.

    kind: "edited" | "deleted" | "inputs" | "columns" | "below" | "rerun"; execution: the one that produced the name
    """

    name: str
    kind: str
    text: str
    execution: Execution
    other: Execution | None = None


def stale(lineage: Lineage, name: str, at: str | None = None) -> list[Stale]:
    """Why `name` is stale after execution `at` (None: now); empty where it is not, or where nothing says so."""
    found: list[Stale] = []
    chain = lineage.chain(name, at)
    for number, step in enumerate(chain):
        if step.change.kind != "deleted":
            found.extend(_cell_changed(lineage, name, step.execution))
            if not superseded(step.execution, [later.execution for later in chain[number + 1 :]], name):
                found.extend(_inputs_changed(lineage, name, step.execution, at))
    found.extend(_columns_changed(name, chain))
    found.extend(_stands_below(lineage, name, at))
    return found


def not_idempotent(lineage: Lineage, execution: Execution) -> list[Step]:
    """Names that this run of the cell changed from what an earlier run of it had left: running it again goes on."""
    earlier = {run.id for run in lineage.runs_of(execution)}
    inputs = lineage.inputs(execution.id)
    steps = [Step(execution, change) for change in lineage.effects(execution.id) if inputs.get(change.name) in earlier]
    return [step for step in steps if step.change.kind in ("mutated", "rebound", "deleted") and step.differs]


# --- inputs ---------------------------------------------------------------------------------------------------


def changed_inputs(lineage: Lineage, execution: Execution, at: str | None = None) -> list[tuple[str, Step]]:
    """(input, the step that changed it) for inputs of `execution` that are different since it ran. One that was only deleted
    is not: what was made of it is what it would be."""
    changed = []
    for name in lineage.inputs(execution.id):
        later = [step for step in lineage.until(name, at) if lineage.before(execution.id, step.execution.id)]
        later = [step for step in later if step.differs and step.change.kind not in ("unknown", "deleted")]
        if later and _another(lineage, name, execution, later):
            changed.append((name, later[-1]))
    return changed


def _another(lineage: Lineage, name: str, execution: Execution, later: list[Step]) -> bool:
    """Is the input not what it was, as far as the cell that read it can tell?

    Not, where it has its value of then again; where other labels of it were set; and where the cell changed it itself and
    it is no array or frame: generators, iterators, files and logs are used up by being used.
    """
    was, now = lineage.value(name, before=execution.id), later[-1].change.new
    used = any(change.name == name and change.kind == "mutated" for change in lineage.effects(execution.id))
    if same_value(was, now) or (used and now is not None and now.shape is None):
        return False
    return not all(leaves_alone(step.execution.source, name, execution.source) for step in later)


def _inputs_changed(lineage: Lineage, name: str, execution: Execution, at: str | None) -> Iterator[Stale]:
    for input_name, step in changed_inputs(lineage, execution, at):
        together = any(change.name == name and change.kind == "mutated" for change in lineage.effects(step.execution.id))
        if input_name != name and not together and not is_same_code(step.change):
            what = difference(step.change.old, step.change.new)
            text = f"{execution.label} read {input_name} before {step.execution.label} changed it{f' ({what})' if what else ''}"
            yield Stale(name, "inputs", text, execution, step.execution)


def _columns_changed(name: str, chain: Sequence[Step]) -> Iterator[Stale]:
    """Columns that were computed from others before those were set anew (and were seen to be changed by that)."""
    seen = [step.execution for step in chain if step.differs or step.binds]
    for one in stale_columns(seen, name):
        text = f"{one.by.label} computed column {one.column!r} from {one.source!r} before {one.changed.label} set {one.source!r} anew"
        yield Stale(name, "columns", text, one.by, one.changed)


# --- cells ----------------------------------------------------------------------------------------------------


def _cell_changed(lineage: Lineage, name: str, execution: Execution) -> Iterator[Stale]:
    same = [e for e in lineage.executions if e.cell_id and e.cell_id == execution.cell_id]
    later = (e for e in same if lineage.before(execution.id, e.id) and not same_source(e.source, execution.source))
    edited = next(later, None)
    if edited is not None:
        yield Stale(
            name, "edited", f"the cell of {execution.label} was edited and ran again as {edited.label}", execution, edited
        )
        return
    if not _knows_cells(lineage) or execution.cell_id is None:
        return
    cell = lineage.cell_of(execution)
    if cell is None:
        yield Stale(name, "deleted", f"the cell of {execution.label} is no longer in the notebook", execution)
    elif not same_source(cell.source, execution.source):
        text = f"the cell of {execution.label} was edited since it ran: now `{first_line(cell.source)}`"
        yield Stale(name, "edited", text, execution)


def _knows_cells(lineage: Lineage) -> bool:
    """Does the notebook file hold cells of this session by their ids? (Else nothing can be missing from it.)"""
    ids = {cell.id for cell in lineage.notebook or [] if cell.id}
    return any(execution.cell_id in ids for execution in lineage.executions)


def _stands_below(lineage: Lineage, name: str, at: str | None) -> Iterator[Stale]:
    """What a reader further up reads now is not what the cell above it had made: a run from the top gives another value."""
    steps = lineage.until(name, at)
    placed = [(step, cell.place) for step in steps if (cell := lineage.cell_of(step.execution)) is not None]
    if not placed or placed[-1][0] is not steps[-1]:
        return
    last, place = placed[-1]
    for reader in lineage.executions:
        cell = lineage.cell_of(reader) if lineage.inputs(reader.id).get(name) == last.execution.id else None
        if cell is None or cell.place >= place:
            continue
        above = max((entry for entry in placed if entry[1] < cell.place), key=lambda entry: entry[1], default=None)
        what = difference(above[0].change.new, last.change.new) if above is not None else ""
        if above is not None and what:
            text = f"{last.execution.label}, which stands below {reader.label}, changed {name} ({what}) from what {above[0].execution.label} above made"
            yield Stale(name, "below", text, last.execution, reader)
            return
