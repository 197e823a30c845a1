"""Warnings that are shown: recorded on their way, shown as before."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from agentlog import peek
from agentlog.events import Logged
from agentlog.guard import guarded
from agentlog.hooks.patching import Patch
from agentlog.notes import described, text_of
from agentlog.recorder import Recorder


class WarningWatch:
    """Sees every warning that passes the filters."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._patch: Patch | None = None

    def attach(self) -> None:
        """Begin to see. `_showwarnmsg` is what the interpreter itself calls; `showwarning` stays the user's."""
        if not hasattr(warnings, "_showwarnmsg"):
            return

        def around(previous: Callable[..., Any]) -> Callable[..., Any]:
            def _showwarnmsg(message: Any) -> Any:
                if self._patch is not None:
                    self._keep(message)
                return previous(message)

            return _showwarnmsg

        self._patch = Patch(warnings, "_showwarnmsg", around)

    def detach(self) -> None:
        """See nothing any more."""
        if self._patch is not None:
            self._patch.undo()
            self._patch = None

    @guarded("warnings")
    def _keep(self, message: Any) -> None:
        self._recorder.record(
            Logged(
                level="warning",
                message=text_of(message.message),
                logger="warnings",
                data=described({"category": peek.class_name(message.category)}),
                file=message.filename,
                line=message.lineno,
            )
        )
