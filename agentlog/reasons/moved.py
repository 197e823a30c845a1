"""A variable that is not what the code expects: changed by a re-run, moved under the code, skipped, or stale."""

from __future__ import annotations

from collections.abc import Iterator

from agentlog.column_flow import labels_read
from agentlog.events import Value
from agentlog.lineage import Step, same_cell
from agentlog.notebook_cells import NotebookCell
from agentlog.past import Execution
from agentlog.reasons.case import Case, Cause, run_of
from agentlog.staleness import changed_inputs, stale
from agentlog.value_changes import difference


def rerun_cell(case: Case) -> Iterator[Cause]:
    """NOTEBOOK rule 2: this cell ran before and changed what it reads; what the crashed line asks for went with it."""
    for run in reversed(case.lineage.runs_of(case.execution)):
        if run.status != "ok":
            continue
        for name in case.line_names:
            step = _own_change(case, run, name)
            if step is not None and _still_so(case, step) and _explains(case, step):
                yield _rerun(case, run, step)
                return


def _own_change(case: Case, run: Execution, name: str) -> Step | None:
    """What `run` did to `name`, where it had read it before."""
    if name not in case.lineage.reads(run.id):
        return None
    steps = [s for s in case.lineage.steps(name, case.execution.id) if s.execution.id == run.id]
    changed = [s for s in steps if s.change.kind in ("mutated", "rebound", "deleted") and s.differs]
    return changed[-1] if changed else None


def _still_so(case: Case, step: Step) -> bool:
    """Did nobody put the name right since, or is a label that it took away missing still?"""
    lost = lost_labels(step.change.old, step.change.new) & case.labels
    if lost and not lost & known_labels(case.lineage.value(step.change.name, case.execution.id)):
        return True
    writer = case.lineage.writer(step.change.name, case.execution.id)
    return writer is not None and (writer.id == step.execution.id or same_cell(writer, step.execution))


def _explains(case: Case, step: Step) -> bool:
    """Does this change take away what the failure asks for?"""
    old, new = step.change.old, step.change.new
    lost = lost_labels(old, new)
    if lost & case.labels or any(_mentions(case.execution.source, label) for label in lost):
        return True
    if case.failure.type == "KeyError" and (known_labels(old) or known_labels(new)):
        return False
    if case.failure.type == "AttributeError":
        return old is not None and new is not None and old.type != new.type
    return bool(_form(old, new)) or case.failure.type in ("StopIteration", "IndexError") or "closed" in case.failure.message


def _rerun(case: Case, run: Execution, step: Step) -> Cause:
    name = step.change.name
    what = difference(step.change.old, step.change.new)
    text = f"this cell already ran as {run.label} and changes what it reads: {name}{f' ({what})' if what else ''}"
    steps = case.lineage.chain(name, run.id)
    maker = next((s.execution for s in reversed(steps) if s.execution.id != run.id and not same_cell(s.execution, run)), None)
    cells = (run_of(maker),) if maker is not None else ()
    return Cause("rerun", text, (name,), run.id, run.count, 0.95, cells, None if cells else f"make {name} anew before this cell")


# --- rule 3 ---------------------------------------------------------------------------------------------------


def moved_schema(case: Case) -> Iterator[Cause]:
    """NOTEBOOK rule 3: a variable of the crashed line has another form than when this cell, or the cell above, left it."""
    worked = next((run for run in reversed(case.lineage.runs_of(case.execution)) if run.status == "ok"), None)
    for name in case.line_names:
        now = case.lineage.value(name, case.execution.id)
        own = _own_change(case, worked, name) if worked is not None else None
        if own is not None and _explains(case, own):
            continue  # the run that worked changed it itself: `rerun_cell` tells
        if worked is not None:
            before = case.lineage.value(name, worked.id)
            since = f"when this cell last worked ({worked.label})"
        else:
            before, since = _above(case, name)
        by = case.lineage.writer(name, case.execution.id)
        if before is None or now is None or by is None or not _moved(case, before, now):
            continue
        if worked is not None and not case.lineage.before(worked.id, by.id):
            continue
        yield _moved_cause(case, name, by, difference(before, now), since)
        return


def _above(case: Case, name: str) -> tuple[Value | None, str]:
    """What `name` was after the nearest cell above this one in the notebook wrote it, where another cell wrote it since."""
    if case.index is None:
        return None, ""
    steps = case.lineage.steps(name, case.execution.id)
    placed = [(step, cell.place) for step in steps if (cell := case.lineage.cell_of(step.execution)) is not None]
    above = [(step, place) for step, place in placed if place < case.index]
    if not above or not steps or steps[-1].execution.id == above[-1][0].execution.id:
        return None, ""
    nearest = max(above, key=lambda entry: entry[1])[0]
    if nearest.execution.id == steps[-1].execution.id:
        return None, ""
    return nearest.change.new, f"after {nearest.execution.label}, the cell above"


def _moved(case: Case, before: Value, now: Value) -> bool:
    lost = lost_labels(before, now)
    if case.labels & lost:
        return True
    if case.failure.type == "KeyError" and (known_labels(before) or known_labels(now)):
        return False
    if case.failure.type in (
        "NameError",
        "ImportError",
        "ModuleNotFoundError",
        "SyntaxError",
        "ZeroDivisionError",
        "FileNotFoundError",
    ):
        return False
    if case.failure.type == "AttributeError":
        return before.type != now.type
    return bool(_form(before, now))


def _moved_cause(case: Case, name: str, by: Execution, what: str, since: str) -> Cause:
    cell = case.lineage.cell_of(by)
    extra, confidence = "", 0.85
    if cell is not None and case.index is not None and cell.place > case.index:
        extra, confidence = ", which stands further down", 0.95
    elif any(one.kind in ("edited", "deleted") and one.execution.id == by.id for one in stale(case.lineage, name)):
        extra, confidence = ", whose cell was edited or deleted since", 0.95
    text = f"{by.label}{extra} changed {name} ({what}) from what it was {since}"
    steps = [s for s in case.lineage.chain(name, case.execution.id) if s.execution.id != by.id and s.change.kind != "deleted"]
    first = case.lineage.steps(name, by.id)
    makers = [s.execution for s in (steps or first) if s.change.kind in ("made", "rebound") and s.execution.id != by.id]
    return Cause("schema", text, (name,), by.id, by.count, confidence, (run_of(makers[-1]),) if makers else ())


# --- rules 4 and 5 --------------------------------------------------------------------------------------------


def skipped_provider(case: Case) -> Iterator[Cause]:
    """NOTEBOOK rule 4: a cell that did not run makes what the crashed line asks for."""
    if case.failure.type == "NameError":
        return
    for cell in reversed(case.unrun):
        if case.index is not None and cell.place > case.index and not _above_runs(case):
            continue
        for name in case.line_names:
            if _provides(case, cell, name):
                edited = _edited(case, cell)
                did = f"was edited since it ran as {edited.label}" if edited else "has not run"
                text = f"{case.where(cell)} makes {_wanted(case, cell, name)}, but it {did}"
                execution, count = (edited.id, edited.count) if edited else (None, None)
                yield Cause("provider", text, (name,), execution, count, 0.85, (run_of(cell),))
                return


def _above_runs(case: Case) -> bool:
    return case.index is None


def _provides(case: Case, cell: NotebookCell, name: str) -> bool:
    """It stores or changes the name, and speaks of the very label the failure asks for."""
    names = cell.names
    if name not in names.writes | names.mutates | names.may_mutate:
        return False
    return any(_mentions(cell.source, label) for label in case.labels)


def _mentions(source: str, label: str) -> bool:
    return any(f"{quote}{label}{quote}" in source for quote in "'\"") or f".{label} =" in source or f"{label}=" in source


def _wanted(case: Case, cell: NotebookCell, name: str) -> str:
    label = next((label for label in sorted(case.labels) if _mentions(cell.source, label)), None)
    return f"{label!r} of {name}" if label else name


def _edited(case: Case, cell: NotebookCell) -> Execution | None:
    return next((e for e in case.before() if cell.id is not None and e.cell_id == cell.id), None)


def stale_input(case: Case) -> Iterator[Cause]:
    """NOTEBOOK rule 5: a variable of the crashed line was made from something that changed its form afterwards."""
    if case.failure.type not in (
        "ValueError",
        "IndexError",
        "KeyError",
        "IndexingError",
        "RuntimeError",
        "AssertionError",
        "ShapeError",
    ):
        return
    for name in case.line_names:
        maker = case.lineage.writer(name, case.execution.id)
        if maker is None:
            continue
        for source, step in changed_inputs(case.lineage, maker, case.execution.id):
            relevant = step.execution.id != case.execution.id and source != name and _form(step.change.old, step.change.new)
            if relevant and not _besides(maker.source, source, step) and _meets(case, name, source):
                what = difference(step.change.old, step.change.new)
                text = (
                    f"{name} was made by {maker.label} from {source} as it was before {step.execution.label} changed it ({what})"
                )
                yield Cause("stale", text, (name, source), step.execution.id, step.execution.count, 0.8, (run_of(maker),))
                return


def _besides(source: str, name: str, step: Step) -> bool:
    """Did the change leave the form of all columns of `name` as it was which the cell `source` reads?"""
    read, old, new = labels_read(source, name), step.change.old, step.change.new
    if read is None or old is None or new is None or (old.shape or ())[:1] != (new.shape or ())[:1]:
        return False
    before, after = ({(c.name, c.dtype) for c in value.columns if c.name in read} for value in (old, new))
    return before == after and len(before) == len(read)


def _meets(case: Case, name: str, source: str) -> bool:
    """Does the crashed line bring the stale name together with its source, or with what was made of it since?"""
    others = [other for other in case.line_names if other != name]
    return source in others or any(source in _ancestors(case, other) for other in others)


def _ancestors(case: Case, name: str) -> set[str]:
    maker = case.lineage.writer(name, case.execution.id)
    return set(case.lineage.inputs(maker.id)) if maker is not None else set()


# --- forms ----------------------------------------------------------------------------------------------------


def known_labels(value: Value | None) -> set[str]:
    """Columns, keys and attributes of a described value, as text."""
    if value is None:
        return set()
    return {column.name for column in value.columns} | {key.strip("'\"") for key in value.entries} | set(value.attributes)


def lost_labels(old: Value | None, new: Value | None) -> set[str]:
    """Labels that `old` had and `new` has not (nothing where a list was cut)."""
    if old is None or new is None or (old.columns and old.cut) or (new.columns and new.cut):
        return set()
    return known_labels(old) - known_labels(new)


def _form(old: Value | None, new: Value | None) -> str:
    """A difference of form: type, dimensions, columns, length, dtype. Not of content."""
    if old is None or new is None:
        return ""
    if old.type != new.type:
        return "type"
    if old.shape != new.shape or old.length != new.length or old.dtype != new.dtype:
        return "shape"
    return "columns" if [(c.name, c.dtype) for c in old.columns] != [(c.name, c.dtype) for c in new.columns] else ""
