"""`pytest --agentlog notebooks/`: each notebook is a test, and the context of its failure is in the report.

Under AGENTLOG=true the exception of every failing test is recorded too, with its frames; pytest's output stays as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agentlog_ipy.results import NotebookResult


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; without --agentlog the plugin does nothing."""
    group = parser.getgroup("agentlog", "run notebooks with agentlog")
    group.addoption("--agentlog", action="store_true", help="collect *.ipynb and run each as a test")
    group.addoption("--agentlog-timeout", type=float, metavar="S", help="seconds for each cell")
    group.addoption("--agentlog-output", metavar="DIR", help="keep the executed notebooks there (default: nowhere)")
    group.addoption("--agentlog-store", metavar="DIR", help="the store to record into")
    group.addoption("--agentlog-tokens", type=int, default=4_000, metavar="N", help="budget of the context of a failure")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file with one test for a notebook; executed ones and checkpoints are left out."""
    if not parent.config.getoption("--agentlog") or file_path.suffix != ".ipynb":
        return None
    from agentlog_ipy.notebook import is_source

    if not is_source(file_path):
        return None
    collector: pytest.Collector = NotebookFile.from_parent(parent, path=file_path)
    return collector


def pytest_exception_interact(node: pytest.Item | pytest.Collector, call: pytest.CallInfo[Any]) -> None:
    """A test, a fixture or a collection failed: record it where this process records."""
    recording = "agentlog.recorder" in sys.modules  # where nothing records, nothing of ours is imported
    if recording and call.excinfo is not None and not isinstance(call.excinfo.value, NotebookFailed):
        from agentlog.verbs import log_error

        log_error(node.nodeid, call.excinfo.value)


class NotebookFile(pytest.File):
    """A notebook."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its one test."""
        yield NotebookItem.from_parent(self, name="notebook")


class NotebookFailed(Exception):
    """A cell failed. `result` has everything."""

    def __init__(self, result: NotebookResult) -> None:
        super().__init__(result.summary())
        self.result = result


class NotebookItem(pytest.Item):
    """Runs the notebook from top to bottom."""

    def runtest(self) -> None:
        """Run it; raises NotebookFailed."""
        from agentlog_ipy.runner import run_notebook

        with self._folder() as folder:
            result = run_notebook(self.path, **self._options(Path(folder) / self.path.name))
        if not result.ok:
            raise NotebookFailed(result if self.config.getoption("--agentlog-output") else replace(result, output=None))

    def _folder(self) -> AbstractContextManager[str]:
        kept = self.config.getoption("--agentlog-output")
        return nullcontext(kept) if kept else TemporaryDirectory(prefix="agentlog-pytest-")

    def _options(self, output: Path) -> dict[str, Any]:
        option = self.config.getoption
        return {
            "output": str(output),
            "timeout": option("--agentlog-timeout"),
            "store": option("--agentlog-store"),
            "context_tokens": option("--agentlog-tokens"),
        }

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The context instead of a traceback of ours."""
        if isinstance(excinfo.value, NotebookFailed):
            return str(excinfo.value.result)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is."""
        return self.path, None, f"notebook {self.path.name}"
