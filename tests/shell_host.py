"""A shell of terminal IPython's kind in this process, with the extension loaded, and what it wrote."""

from __future__ import annotations

import faulthandler
import gc
import json
import sys
import threading
from asyncio.base_events import BaseEventLoop
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import agentlog
from agentlog_ipy.extension import attachment_of


def records(folder: Path) -> list[dict[str, Any]]:
    """Everything in the journal of the store in `folder`, in order; the line that is being written now is not whole yet."""
    texts = [path.read_text() for path in folder.glob("journal/*.jsonl")]
    segments = [[json.loads(line) for line in text.split("\n")[:-1]] for text in texts]
    return [record for segment in sorted(segments, key=lambda lines: str(lines[0]["i"])) for record in segment]


def of_kind(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The records of one kind of event."""
    return [record for record in records(folder) if record["e"] == kind]


def hanging(shell: Any) -> dict[str, Any]:
    """Everything of a shell and of the process that an extension could leave something on."""
    kernel = getattr(shell, "kernel", None)
    return {
        "events": {name: list(hooks) for name, hooks in shell.events.callbacks.items()},
        "magics": {kind: sorted(known) for kind, known in shell.magics_manager.magics.items()},
        "matchers": list(shell.Completer.custom_matchers),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, BaseEventLoop.call_exception_handler),
        "writes": [vars(stream).get("write") for stream in (sys.stdout, sys.stderr) if _patched(stream)],
        "threads": sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("agentlog")),
        "faulthandler": faulthandler.is_enabled(),
        "send": vars(kernel.session).get("send") if kernel is not None else None,
        "names": sorted(shell.user_ns),
    }


def _patched(stream: Any) -> bool:
    """By a function of ours; IPython itself leaves the stream's own method there."""
    return str(getattr(getattr(stream, "__dict__", {}).get("write"), "__module__", "")).startswith("agentlog")


@pytest.fixture
def bare() -> Iterator[Any]:
    """A shell without the extension; nothing may hang on it afterwards that did not before."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    shell.showtraceback = lambda *args, **kwargs: setattr(sys, "last_value", sys.exc_info()[1])  # type: ignore[method-assign]
    before = hanging(shell)
    yield shell
    agentlog.unload_ipython_extension(shell)
    left = {what: (before[what], now) for what, now in hanging(shell).items() if now != before[what] and what != "names"}
    assert left == {}, left
    InteractiveShell.clear_instance()
    vars(sys).pop("last_value", None)
    vars(sys).pop("last_traceback", None)
    gc.collect()


@pytest.fixture
def shell(bare: Any, store_folder: Path) -> Any:
    """A shell with the extension loaded, which must be without faults."""
    agentlog.load_ipython_extension(bare)
    return bare


def run(shell: Any, code: str, *, stored: bool = True) -> Any:
    """Run a cell as a user does; when this returns, all that is known of it is written."""
    result = shell.run_cell(code, store_history=stored)
    attachment = attachment_of(shell)
    if attachment is not None:
        attachment.flush()
    return result
