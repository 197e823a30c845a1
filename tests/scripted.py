"""Sessions written as a list of cells, run in a bare IPython shell with the namespace watch and kept in a store in memory.

The shell, the watch, the descriptions and the store are the real ones; only the kernel around them is left out.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from agentlog.events import (
    Displayed,
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    NamespaceChanged,
    SessionEnded,
    SessionStarted,
    StreamWritten,
)
from agentlog.frames import failure_of
from agentlog.guard import strict
from agentlog.ids import new_id
from agentlog.lineage import Lineage
from agentlog.past import Execution
from agentlog.stack import CellSource
from agentlog.store import Store
from agentlog_ipy.namespace import NamespaceWatch


@functools.lru_cache(maxsize=1)
def make_shell() -> InteractiveShell:
    """The one shell of this process: it writes no history. Each script empties its namespace first."""
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    try:
        shell = InteractiveShell(config=config)
    except Exception:
        config.InteractiveShell.colors = "NoColor"
        shell = InteractiveShell(config=config)
    return shell


_open: list[Store] = []


def new_store() -> Store:
    """A store in memory; `close_stores` closes it."""
    _open.append(Store.in_memory())
    return _open[-1]


def close_stores() -> None:
    """Close every store of this test."""
    while _open:
        _open.pop().close()


def empty_shell() -> InteractiveShell:
    """The shell with none of the user's names in it (`reset` would collect garbage each time, which takes long)."""
    shell = make_shell()
    for name in [name for name in shell.user_ns if name not in shell.user_ns_hidden and not name.startswith("__")]:
        del shell.user_ns[name]
    return shell


@dataclass
class Script:
    """One session being run cell by cell; its events go to `store`."""

    store: Store
    notebook: str | None = None
    packages: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shell = empty_shell()
        self.session = new_id()
        self.number = 0
        self.executions: list[str] = []
        self._cells: dict[str, CellSource] = {}
        self.store.add(
            SessionStarted(
                session=self.session,
                life="kernel",
                notebook=self.notebook,
                packages=self.packages,
                cwd=os.getcwd(),
                **self.environment,
            )
        )
        self.watch = NamespaceWatch(self.shell, self.limits())

    @staticmethod
    def limits() -> Any:
        from agentlog.settings import Limits

        return Limits(namespace_ms=2000)  # a loaded machine must not decide what a test sees

    def close(self) -> None:
        """End the session."""
        self.store.add(SessionEnded(session=self.session, how="shutdown"))
        empty_shell()

    def run(self, source: str, cell_id: str | None = None) -> Any:
        """Run one cell, recorded; returns IPython's result."""
        self.number += 1
        execution = new_id()
        self.executions.append(execution)
        self.store.add(
            ExecutionStarted(
                session=self.session, execution=execution, number=self.number, count=self.number, cell_id=cell_id, source=source, notebook=self.notebook
            )
        )  # fmt: skip
        result, out = self._run(source, execution)
        self._record(result, out, execution, source)
        return result

    def _run(self, source: str, execution: str) -> tuple[Any, str]:
        out = io.StringIO()
        with strict():
            self.watch.before(source)
        files = set(self._files())
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            result = self.shell.run_cell(source, store_history=False, silent=False)
        for name in set(self._files()) - files:
            self._cells[name] = CellSource(execution, self.number, source)
        name = self.shell.compile.get_code_name(source, source, 0) if hasattr(self.shell.compile, "get_code_name") else ""
        self._cells.setdefault(name, CellSource(execution, self.number, source))
        return result, out.getvalue()

    def _files(self) -> Iterator[str]:
        return iter(list(getattr(self.shell.compile, "_filename_map", {})))

    def _record(self, result: Any, out: str, execution: str, source: str) -> None:
        ids = {"session": self.session, "execution": execution}
        error = result.error_in_exec or result.error_before_exec
        if out:
            self.store.add(StreamWritten(text=out, size=len(out), **ids))
        if result.result is not None:
            self.store.add(Displayed(result=True, data={"text/plain": repr(result.result)}, **ids))
        if error is not None:
            failure = failure_of(error, cell_of=self._cell_of, namespace=self.shell.user_ns)
            self.store.add(ErrorRaised(message=failure.message, failure=failure, **ids))
        self.store.add(ExecutionEnded(status="error" if error is not None else "ok", count=self.number, ms=1.0, **ids))
        with strict():
            changed = self.watch.after(source, execution, ok=error is None)
        self.store.add(NamespaceChanged(**{**{f: getattr(changed, f) for f in _FIELDS}, **ids}))

    def _cell_of(self, name: str) -> CellSource | None:
        return self._cells.get(name)

    def last(self) -> Execution:
        """The latest execution as it is read back."""
        return self.store.execution(self.executions[-1])


_FIELDS = ("changes", "reads", "writes", "lazy", "versions", "complete", "ms", "surroundings")


def lineage_of(*cells: str | tuple[str, str], notebook: Path | None = None) -> tuple[Lineage, Script]:
    """The lineage of a session of cells, each a source or (cell id, source), and the script that ran them."""
    script = Script(new_store(), notebook=str(notebook) if notebook else None)
    for cell in cells:
        script.run(*(cell,) if isinstance(cell, str) else (cell[1], cell[0]))
    return Lineage.of(script.store, script.session), script


def write_notebook(path: Path, cells: list[tuple[str, str]]) -> Path:
    """A notebook file of code cells: (id, source)."""
    body = [{"cell_type": "code", "id": i, "source": s, "metadata": {}, "outputs": [], "execution_count": None} for i, s in cells]
    path.write_text(json.dumps({"cells": body, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def failure_in(store: Store, execution: str) -> Any:
    """The failure that was recorded for the execution."""
    return next(e.failure for e in store.events(execution=execution, kinds={ErrorRaised.kind}) if isinstance(e, ErrorRaised))
