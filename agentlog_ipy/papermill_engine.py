"""A papermill engine: `papermill --engine agentlog in.ipynb out.ipynb`, with our kernel underneath and recorded.

papermill keeps what it does best (parameters, storage, progress, metadata); the context of a failure is logged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from papermill.log import logger

from agentlog_ipy.client import CellClient
from agentlog_ipy.kernel import Kernel

_OURS = ("input_path", "timeout", "startup_timeout", "execution_timeout", "start_timeout", "store", "record")


class PapermillClient(CellClient, PapermillNotebookClient):
    """papermill's client, its cells executed by ours."""

    def __init__(self, nb_man: Any, *, notebook: str | None, make: Any, **options: Any) -> None:
        PapermillNotebookClient.__init__(self, nb_man, **options)
        self._set_up(None, notebook)
        self._make = make

    execute = PapermillNotebookClient.execute

    def make_kernel(self, cwd: str | None) -> Kernel:
        """The kernel that the engine's options ask for."""
        kernel: Kernel = self._make(cwd)
        return kernel

    def papermill_execute_cells(self) -> None:
        """Each cell, as papermill goes about it; a timeout or a dead kernel is said with its reason before it is raised."""
        try:
            super().papermill_execute_cells()
        except (CellTimeoutError, DeadKernelError) as stopped:
            logger.error(str(stopped))
            self._log_last()
            raise
        if any(isinstance(cell.get("outputs"), list) and _failed(cell) for cell in self.nb.cells):
            self._log_last()

    def _log_last(self) -> None:
        reply = self.replies[max(self.replies)] if self.replies else None
        if reply is not None and not reply.ok:
            logger.error("%s", reply)


def _failed(cell: Any) -> bool:
    return any(output.get("output_type") == "error" for output in cell.outputs)


class AgentlogEngine(Engine):
    """Registered with papermill under the name `agentlog`."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        **options: Any,
    ) -> Any:
        """Execute the notebook of `nb_man` in a recorded kernel. Options beside papermill's own: `store`, `record`."""
        path = options.get("input_path")

        def make(cwd: str | None) -> Kernel:
            return Kernel(
                kernel_name,
                cwd=cwd,
                record=options.get("record", True),
                store=options.get("store"),
                start_seconds=float(start_timeout),
            )

        client = PapermillClient(
            nb_man,
            notebook=str(Path(path).absolute()) if path and "://" not in str(path) else path,
            make=make,
            timeout=execution_timeout or options.get("timeout"),
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
            **{name: value for name, value in options.items() if name not in _OURS},
        )
        return client.execute()
