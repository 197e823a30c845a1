"""A local module that was edited after it was imported: what runs is the code of then."""

from __future__ import annotations

from collections.abc import Iterator

from agentlog.past import Execution
from agentlog.reasons.case import Case, Cause


def stale_import(case: Case) -> Iterator[Cause]:
    """The module is on the way to the failure, or a name on the crashed line comes from it."""
    for name, importer in _edited(case):
        if _takes_part(name, case):
            after = f"after {importer.label} imported it" if importer is not None else "after it was imported"
            yield Cause(
                "stale import", f"the file of {name} was edited {after}: the code of then still runs",
                (name,), importer.id if importer else None, importer.count if importer else None, 0.95,
                edit=f"importlib.reload({name}), then import again what was taken from it by name",
            )  # fmt: skip


def _edited(case: Case) -> Iterator[tuple[str, Execution | None]]:
    """(module, the execution that imported it) of those whose file had changed when the cell failed."""
    imported: dict[str, Execution] = {}
    edited: dict[str, bool] = {}
    for execution in case.lineage.executions:
        if case.lineage.before(case.execution.id, execution.id):
            break
        for key, mark in case.lineage.surroundings(execution.id).items():
            what, _, name = key.partition(":")
            if what == "module":
                imported[name] = execution
            elif what == "edited":
                edited[name] = mark not in ("", "unset")
    return ((name, imported.get(name)) for name, stale in edited.items() if stale)


def _takes_part(module: str, case: Case) -> bool:
    tail = module.replace(".", "/")
    files = (f"/{tail}.py", f"/{tail}/__init__.py")
    if any(frame.module == module or frame.file.endswith(files) for frame in case.failure.frames):
        return True
    if case.failure.type == "ImportError" and module in case.labels:
        return True
    values = (case.lineage.value(name, before=case.execution.id) for name in case.line_names)
    return any(
        value is not None and module in (value.module, value.value if value.type == "module" else None) for value in values
    )
