"""Which notebook, which kernel, which message: found out lazily, because front ends tell it late or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

VSCODE_SCHEME = "vscode-notebook-cell"


class Asked(NamedTuple):
    """What is known of a cell that begins. `request`: id of the message that asks for it; `execution`: the id that a
    runner of ours gave to the execution; `cell_id`: the notebook's id of the cell; `notebook`: path."""

    request: str | None
    execution: str | None
    cell_id: str | None
    notebook: str | None


class Whereabouts:
    """Asks the shell's current request. Without a kernel there is none, and only the environment speaks."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._kernel = getattr(shell, "kernel", None)
        self._named = os.environ.get("AGENTLOG_NOTEBOOK") or None
        self._jupyter = os.environ.get("JPY_SESSION_NAME") or None

    def parent(self) -> dict[str, Any]:
        """The message being answered; {} without a kernel, or before the first one."""
        if self._kernel is None:
            return {}
        return self._shell.get_parent() or {}

    def request(self) -> str | None:
        """Id of the message being answered."""
        try:
            return self.parent()["header"]["msg_id"]
        except (KeyError, TypeError):
            return None

    def asked(self, info: Any = None) -> Asked:
        """All of it, from one look at the message."""
        if self._kernel is None:
            cell_id = getattr(info, "cell_id", None)
            return Asked(None, None, cell_id if isinstance(cell_id, str) else None, self.notebook())
        parent = self.parent()
        header, metadata = parent.get("header"), parent.get("metadata")
        request = header.get("msg_id") if isinstance(header, dict) else None
        metadata = metadata if isinstance(metadata, dict) else {}
        return Asked(request, _execution_of(metadata), _cell_id_of(info, metadata), self._notebook_of(metadata))

    def running_code(self) -> str | None:
        """Source of the cell that is being run right now, where the request carries it."""
        parent = self.parent()
        header = parent.get("header") or {}
        if header.get("msg_type") != "execute_request":
            return None
        content = parent.get("content") or {}
        return None if content.get("silent") else content.get("code")

    def metadata(self) -> dict[str, Any]:
        """What the front end said about the cell."""
        metadata = self.parent().get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    def notebook(self) -> str | None:
        """Path of the notebook, as the one that knows best says it."""
        return self._notebook_of(self.metadata() if self._kernel is not None else {})

    def _notebook_of(self, metadata: dict[str, Any]) -> str | None:
        if metadata:
            ours = metadata.get("agentlog")
            if isinstance(ours, dict) and isinstance(ours.get("notebook"), str):
                return str(ours["notebook"])
            if not self._named and (path := _path_of_uri(metadata.get("cellId"))):
                return path
        if self._named:
            return self._named
        said = self._shell.user_ns.get("__vsc_ipynb_file__")
        return said if type(said) is str else self._jupyter

    def kernel_id(self) -> str | None:
        """Jupyter's id of this kernel: said by AGENTLOG_KERNEL, or by the name of the connection file."""
        if self._kernel is None:
            return None
        if named := os.environ.get("AGENTLOG_KERNEL"):
            return named
        file = getattr(getattr(self._kernel, "parent", None), "connection_file", "") or ""
        name = Path(file).stem
        return name.removeprefix("kernel-") if name.startswith("kernel-") else getattr(self._kernel, "ident", None)


def _execution_of(metadata: dict[str, Any]) -> str | None:
    ours = metadata.get("agentlog")
    named = ours.get("execution") if isinstance(ours, dict) else None
    return named if isinstance(named, str) and named.isalnum() and len(named) == 20 else None


def _cell_id_of(info: Any, metadata: dict[str, Any]) -> str | None:
    found = getattr(info, "cell_id", None) or metadata.get("cellId")
    return found if isinstance(found, str) else None


def _path_of_uri(cell_id: object) -> str | None:
    """The file in VS Code's cell id, which is the address of the cell's document."""
    if not isinstance(cell_id, str) or not cell_id.startswith(VSCODE_SCHEME):
        return None
    return unquote(urlsplit(cell_id).path) or None
