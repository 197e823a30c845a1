"""Where things stand when nothing failed, or when a cell or a name is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentlog.errors import NotFound
from agentlog.events import ExecutionEnded
from agentlog.outline import Item, Section, item, section
from agentlog.situation import Situation
from agentlog.valuetext import texts

if TYPE_CHECKING:
    from agentlog.past import Execution


def of_session(case: Situation) -> list[Section]:
    """The session in a line, its last cells, and how it ended."""
    where = case.session
    started = f"session {where.id[-6:]} ({where.life}{', ' + where.notebook if where.notebook else ''}) {where.how or 'running'}"
    ran = len(case.earlier)
    counts = f"{ran} execution{'' if ran == 1 else 's'}, {sum(e.status not in ('ok', 'running') for e in case.earlier)} failed"
    last = [item(1.0 / (1 + rank), _line(e), name=e.label) for rank, e in enumerate(reversed(case.earlier[-20:]))]
    return [section("session", [item(10.0, f"{started}; {counts}", first=True), *last])]


def _line(execution: Execution) -> str:
    first = next((line.strip() for line in execution.source.splitlines() if line.strip()), "")
    return f"{execution.status}{f', {execution.ms:.0f} ms' if execution.ms else ''}: {first[:100]}"


def of_execution(case: Situation) -> list[Section]:
    """One cell that did not fail: status, result, what it changed."""
    execution = case.execution
    assert execution is not None
    ended = next(
        (e for e in case.store.events(execution=execution.id, kinds={ExecutionEnded.kind}) if isinstance(e, ExecutionEnded)), None
    )
    items = [
        item(10.0, f"{execution.label} {execution.status}{f' in {execution.ms:.0f} ms' if execution.ms else ''}", first=True)
    ]
    if ended is not None and ended.result is not None:
        items.append(item(3.0, *texts(ended.result), name="result"))
    namespace = case.namespace(execution)
    changes = [
        item(2.0, *(f"{c.kind} {text}" for text in texts(c.new)), name=c.name) if c.new else item(1.0, c.kind, name=c.name)
        for c in (namespace.changes if namespace else ())
    ]
    return [section("session", items), section("values", changes)]


def of_name(case: Situation, name: str) -> list[Section]:
    """One name: what it is now, who made it, changed it and read it. Raises NotFound with the nearest names."""
    history = list(case.versions(name))
    if not history:
        raise NotFound(f"no execution of session {case.session.id[-6:]} made a name {name!r}{_nearest(name, case)}")
    now = history[0]
    current = item(
        10.0,
        *(texts(now.value) if now.value and now.change.kind != "deleted" else (f"deleted by {now.execution.label}",)),
        name=name,
        first=True,
    )
    steps: list[Item] = []
    for rank, version in enumerate(history):
        said = f"{version.change.kind}: {texts(version.value)[0]}" if version.value else version.change.kind
        steps.append(
            item(3.0 / (1 + 0.2 * rank), said, f"{said}\n{version.execution.source.strip()}", name=version.execution.label)
        )
    readers = [e.label for e in case.earlier if name in e.reads]
    read = [item(1.0, f"read by {' '.join(readers[-12:])}")] if readers else []
    return [section("values", [current]), section("lineage", [*steps, *read])]


def _nearest(name: str, case: Situation) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, case.values, 3)
    return f"; nearest: {', '.join(near)}" if near else ""
