"""A name that is not bound: what became of the cell that would have bound it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from agentlog.filters import like
from agentlog.magic_lines import plain_source
from agentlog.notebook_cells import NotebookCell, same_source
from agentlog.past import Execution, Session
from agentlog.reasons.case import Case, Cause, Run, run_of
from agentlog.static import analyse

if TYPE_CHECKING:
    from agentlog.store import Store

_UNDEFINED = re.compile(r"name '([^']+)' is not defined|free variable '([^']+)'")
_OF_FUNCTIONS = "also not defined and read by the functions it failed in: "
"""How the evidence begins to say which names come up next."""
_DEPTH = 8  # providers of providers
_UNSAID = ("import *", "exec", "globals", "%run", "%load", "%macro", "%rerun", "%recall", "get_ipython")
"""What stands in the text of cells that bind names they do not say."""


def unbound_names(case: Case) -> Iterator[Cause]:
    """NOTEBOOK rule 1, for the name that was raised; the other unbound names of the cell and of the functions it failed in go with it."""
    found = _UNDEFINED.search(case.failure.message)
    if case.failure.type != "NameError" or not found:
        return
    name = found[1] or found[2]
    missing = (name, *(other for other in _others(case) if other != name))
    for tell in (_deleted, _failed, _branch, _edited_ran, _restart, _unrun, _local, _near):
        cause = tell(case, name, missing)
        if cause is not None:
            yield cause
            return
    text = f"{name} was never bound: no cell of this session" + (
        " or of the notebook binds it" if case.lineage.notebook else " binds it"
    )
    yield Cause("nowhere", text, missing, confidence=0.9, edit=f"define {name}")


def _others(case: Case) -> list[str]:
    """All names the cell, and the functions it failed in, need that nobody has bound. Only where the session was watched from its start."""
    if not case.watched or not case.names.valid:
        return []
    seen_to_work = set().union(*(case.lineage.reads(e.id) for e in case.before() if e.status == "ok"), set())
    of_cell = [n for n in case.names.reads if n not in case.bound and not case.known(n) and n not in seen_to_work]
    return sorted({*of_cell, *_of_functions(case)})


def _of_functions(case: Case) -> list[str]:
    """What was seen not to exist, when it failed, of what the functions on the way read."""
    facts = [fact.text for one in case.failure.evidence if one.collector == "undefined_name" for fact in one.facts]
    told = [text.removeprefix(_OF_FUNCTIONS) for text in facts if text.startswith(_OF_FUNCTIONS)]
    return [name for names in told for name in names.split(", ")]


def _providers(case: Case, name: str) -> list[Execution]:
    """Executions before this one whose text binds `name`, latest first."""
    return [
        e for e in case.before()
        if name in e.source and name in analyse(e.source).writes and not same_source(e.source, case.execution.source)
    ]  # fmt: skip


def _failed(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    provider = next(iter(_providers(case, name)), None)
    if provider is None or not provider.failed:
        return None
    how = f"failed with {provider.error}" if provider.error else f"ended {provider.status}"
    text = f"{provider.label} would have bound {name}, but it {how} before it did"
    return Cause("failed", text, missing, provider.id, provider.count, 0.98, order(case, missing), f"mend {provider.label} first")


def _deleted(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    steps = case.lineage.steps(name, case.execution.id)
    if not steps or steps[-1].change.kind != "deleted":
        return None
    by = steps[-1].execution
    text = f"{name} was deleted by {by.label}"
    return Cause("deleted", text, missing, by.id, by.count, 0.98, order(case, missing))


def _branch(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    """The provider ran to its end, but the line that binds the name stands in a branch it did not take."""
    provider = next((e for e in _providers(case, name) if e.status == "ok"), None)
    if provider is None or name not in analyse(provider.source).conditional or name in case.bound:
        return None
    text = f"{provider.label} binds {name} only in a branch or loop that it did not enter"
    return Cause("skipped branch", text, missing, provider.id, provider.count, 0.9, edit=f"bind {name} in every case")


def _edited_ran(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    """A cell that ran before as another text binds the name now."""
    for cell in case.lineage.notebook or []:
        if cell.id is None or name not in cell.names.writes or cell.place == case.index:
            continue
        ran = next((e for e in case.before() if e.cell_id == cell.id), None)
        if ran is not None and not same_source(ran.source, cell.source):
            text = f"the cell of {ran.label} binds {name} now, but it was edited since it ran"
            return Cause("edited", text, missing, ran.id, ran.count, 0.95, order(case, missing))
    return None


def _restart(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    """Bound in an earlier session of the same notebook (or of the same kernel's place) and not since."""
    if _providers(case, name):
        return None
    maker = _maker_in_earlier_session(case, name)
    if maker is None:
        return None
    cells = order(case, missing) or (run_of(maker),)
    text = f"{name} was bound by {maker.label} before the kernel was restarted; no cell has bound it since"
    return Cause("restart", text, missing, maker.id, maker.count, 0.95, cells)


def _maker_in_earlier_session(case: Case, name: str) -> Execution | None:
    here = case.store.session(case.execution.session)
    path = here.notebook or case.execution.notebook
    for session in case.store.sessions(limit=30):
        if session.id >= here.id or (session.notebook != path if path else session.life != here.life or session.cwd != here.cwd):
            continue
        for run in _may_make(case.store, session, name):
            if any(change.name == name and change.kind in ("made", "rebound") for change in case.store.changes(run.id)):
                return run
    return None


def _may_make(store: Store, session: Session, name: str) -> list[Execution]:
    """Executions of `session` whose text binds `name` (`writes`: a line each), or may bind names it does not say."""
    line, unsaid = like(name), [f"%{like(word)}%" for word in _UNSAID]
    writes = [line, f"{line}\n%", f"%\n{line}", f"%\n{line}\n%"]
    terms = [*["e.writes LIKE ? ESCAPE '\\'"] * len(writes), *["e.source LIKE ? ESCAPE '\\'"] * len(unsaid)]
    return store.executions_where(f"s.id = ? AND ({' OR '.join(terms)})", session.id, *writes, *unsaid)


def _unrun(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    cells = [cell for cell in case.unrun if name in cell.names.writes]
    if not cells:
        return None
    above = [cell for cell in cells if case.index is not None and cell.place < case.index]
    cell = above[-1] if above else cells[0]
    text = f"{name} is bound by {case.where(cell)}, which has not run in this session"
    return Cause("unrun", text, missing, confidence=0.95, cells=order(case, missing))


def _local(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    """Bound only inside a function."""
    for execution in case.before():
        function = _function_with_local(execution.source, name)
        if function:
            text = f"{name} exists only inside the function {function} of {execution.label}"
            return Cause("local", text, missing, execution.id, execution.count, 0.8, edit=f"have {function} return {name}")
    return None


def _function_with_local(source: str, name: str) -> str | None:
    if name not in source:
        return None
    try:
        tree = ast.parse(plain_source(source)[0])
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(
            (isinstance(n, ast.arg) and n.arg == name)
            or (isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store))
            for n in ast.walk(node)
        ):
            return node.name
    return None


def _near(case: Case, name: str, missing: tuple[str, ...]) -> Cause | None:
    near = get_close_matches(name, sorted(case.bound), 1, cutoff=0.75) or [
        b for b in sorted(case.bound) if b.lower() == name.lower()
    ]
    if not near:
        return None
    writer = case.lineage.writer(near[0], case.execution.id)
    where = f", bound by {writer.label}" if writer else ""
    text = f"{name} was never bound; the nearest name is {near[0]}{where}"
    return Cause(
        "near", text, missing, writer.id if writer else None, writer.count if writer else None, 0.7, edit=f"{name} -> {near[0]}"
    )


# --- what to run ----------------------------------------------------------------------------------------------


def order(case: Case, names: tuple[str, ...]) -> tuple[Run, ...]:
    """The least list of cells that binds `names`, in the order to run them, with the providers of what those need."""
    chosen: dict[str, tuple[int, Run]] = {}
    todo, done = [(name, 0) for name in names], set(case.bound)
    while todo:
        name, depth = todo.pop(0)
        if name in done or depth > _DEPTH or case.known(name):
            continue
        done.add(name)
        provider = _provider(case, name)
        if provider is None:
            continue
        key, source, run = provider
        if key not in chosen:
            chosen[key] = run
            todo.extend((needed, depth + 1) for needed in sorted(_needs(source, name)))
    return tuple(run for _, run in sorted(chosen.values(), key=lambda entry: entry[0]))


def _needs(source: str, name: str) -> frozenset[str]:
    """What the cell needs when it runs, and what the function `name` that it defines needs when it is called."""
    names = analyse(source)
    return names.reads | dict(names.functions).get(name, frozenset())


def _provider(case: Case, name: str) -> tuple[str, str, tuple[int, Run]] | None:
    """(key, source, (place, run)) of the cell to run for `name`: of the notebook as it stands, else as it ran."""
    cells = [cell for cell in case.lineage.notebook or [] if name in cell.names.writes and cell.place != case.index]
    if cells:
        above = [cell for cell in cells if case.index is None or cell.place < case.index]
        cell = above[-1] if above else cells[0]
        return f"n{cell.place}", cell.source, (cell.place, _labelled(case, cell))
    ran = next(iter(_providers(case, name)), None)
    if ran is None:
        return None
    return ran.id, ran.source, (ran.number, run_of(ran))


def _labelled(case: Case, cell: NotebookCell) -> Run:
    """A cell of the notebook, named by its number where it ran as it stands."""
    ran = next((e for e in case.before() if same_source(e.source, cell.source)), None)
    return run_of(ran) if ran is not None else run_of(cell)
