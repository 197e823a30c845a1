"""Lines that programs and libraries write with `logging`, and the exceptions that come with them.

`Logger.callHandlers` is wrapped, not a handler added: a handler on the root logger would switch off `basicConfig` and
the handler of last resort, and the host would look different. Texts are formatted only where no argument could run
code of the user's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from agentlog import peek
from agentlog.events import Logged
from agentlog.guard import guarded
from agentlog.hooks.patching import Patch
from agentlog.notes import described, text_of
from agentlog.recorder import Recorder, current
from agentlog.verbs import LEVELS, log_error


class LogWatch:
    """Sees what every logger of the process hands to its handlers."""

    def __init__(self, recorder: Recorder, report: Callable[[BaseException, str], None]) -> None:
        self._recorder, self._report = recorder, report
        self._patch: Patch | None = None

    def attach(self) -> None:
        """Begin to see."""

        def around(previous: Callable[..., Any]) -> Callable[..., Any]:
            def callHandlers(logger: logging.Logger, record: logging.LogRecord) -> Any:
                self._seen(record)
                return previous(logger, record)

            return callHandlers

        self._patch = Patch(logging.Logger, "callHandlers", around)

    def detach(self) -> None:
        """See nothing any more."""
        if self._patch is not None:
            self._patch.undo()
            self._patch = None

    def _seen(self, record: logging.LogRecord) -> None:
        if self._patch is not None and record.levelno >= LEVELS.get(self._recorder.settings.level, LEVELS["info"]):
            self._keep(record)

    @guarded("logging")
    def _keep(self, record: logging.LogRecord) -> None:
        text, data = _text(record)
        level = record.levelname.lower()
        self._recorder.record(
            Logged(message=text, level=level, logger=record.name, data=described(data), file=record.pathname, line=record.lineno)
        )
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._report(error, "logging")


class Handler(logging.Handler):
    """For programs that prefer a handler of their own: `logging.getLogger("app").addHandler(Handler())`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Record the line, and the exception that comes with it."""
        door = current()
        if door is not None:
            error = record.exc_info[1] if record.exc_info else None
            LogWatch(door, lambda _, __: log_error(text_of(record.msg), error))._keep(record)


def _text(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """The formatted text, or the template and its arguments where formatting could run code of the user's."""
    args: Any = record.args
    template = text_of(record.msg)
    if not peek.exactly(args, tuple, dict):  # a mapping of the user's would be asked for what it holds
        return template, {} if args is None else {"args": args}
    named = type(args) is dict
    if type(record.msg) is str and peek.PLAIN.all_of(args.values() if named else args):
        try:
            return record.msg % args if args else template, {}
        except (TypeError, ValueError, KeyError):
            pass
    return template, args if named else {f"arg{n}": value for n, value in enumerate(args)}
