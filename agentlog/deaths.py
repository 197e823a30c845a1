"""Who died: executions that never ended because their process is gone, and what is known about it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from agentlog.events import ProcessDied
from agentlog.faulttext import at_fault, with_cell
from agentlog.index import Index
from agentlog.past import Death, Execution
from agentlog.processes import is_alive
from agentlog.rows import event_of
from agentlog.schema import COMMON_KINDS
from agentlog.segments import FAULT, FOLDER

UNSEEN = "its process is gone, and nobody saw it end"
NO_STACK = "no Python stack: the process was ended from outside (SIGKILL, out of memory) or by os._exit, which leave none"
SIGKILL = "no Python stack: SIGKILL cannot be caught, so none can exist"
LAST_LINES = 10
"""Lines of output told of an execution that died."""
_SIGNAL = re.compile(r"Fatal Python error: (.+)")


class Deaths:
    """Tells running executions from dead ones. What it finds out about processes holds until `forget`."""

    def __init__(self, index: Index, folder: Path | None) -> None:
        self._index = index
        self._folder = folder
        self._gone: dict[int, bool] = {}

    def forget(self) -> None:
        """Look at the processes anew next time."""
        self._gone.clear()

    def gone(self, segment: int | None) -> bool:
        """Has the process that writes `segment` ended, as far as this machine can know?"""
        if segment is None:
            return False
        if segment not in self._gone:
            rows = self._index.rows("SELECT pid, host, boot, start FROM segments WHERE number = ?", (segment,))
            self._gone[segment] = bool(rows) and is_alive(*rows[0]) is False
        return self._gone[segment]

    def session_died(self, number: int, segment: int | None) -> bool:
        """Did the session's process end without a goodbye?"""
        return self.gone(segment) or bool(self._reports(number))

    def presented(self, execution: Execution) -> Execution:
        """`execution`; a running one whose process is gone as "died"."""
        if execution.status != "running":
            return execution
        rows = self._index.rows(
            "SELECT e.segment, e.session, e.at, s.how FROM executions e JOIN sessions s ON s.number = e.session WHERE e.id = ?",
            (execution.id,),
        )
        if not rows:
            return execution
        segment, session, at, how = rows[0]
        if not (how == "died" or self.session_died(session, segment)) or self._went_on(session, at):
            return execution
        return replace(execution, status="died", error=self._how(session, segment)[0])

    def death(self, execution: Execution, printed: str) -> Death | None:
        """How the process of `execution` died; None where it did not. `printed`: what it put out, as far as it was recorded."""
        if execution.status != "died":
            return None
        rows = self._index.rows("SELECT segment, session FROM executions WHERE id = ?", (execution.id,))
        segment, session = rows[0] if rows else (None, 0)
        how, text = self._how(session, segment)
        stack = with_cell(at_fault(text), execution.label, execution.source.splitlines()) if text else None
        report = self._report(session, execution.id)
        if report is None:
            return Death(execution.id, how, stack=stack, no_stack=None if stack else NO_STACK, output=_last_lines(printed))
        killed = report.exit_code == -9 or "SIGKILL" in (report.signal or "")
        missing = None if stack else SIGKILL if killed else NO_STACK
        seen = report.output if report.output and report.output.strip() not in printed else printed
        told = report.signal, report.exit_code, report.hint, stack, missing, _last_lines(seen), report.stderr
        return Death(execution.id, how, True, *told)

    def _went_on(self, session: int, at: str) -> bool:
        """Did the process start another cell after this one? Then it did not die in it: its end was not recorded."""
        sql = "SELECT 1 FROM executions WHERE session = ? AND at > ? AND within IS NULL LIMIT 1"
        return bool(self._index.rows(sql, (session, at)))

    def _how(self, session: int, segment: int | None) -> tuple[str, str | None]:
        """(how it died in words, what faulthandler left)."""
        report = self._report(session)
        stack = (report.stack if report else None) or self._fault_text(segment)
        said = _SIGNAL.search(stack or "")
        if report is not None and (report.signal or report.exit_code is not None):
            return f"died: {report.signal or f'exit code {report.exit_code}'}", stack
        return f"died: {said[1].strip()}" if said else f"died: {UNSEEN}", stack

    def _reports(self, session: int) -> list[tuple[int, int, int]]:
        sql = f"""SELECT segment, place, size FROM events
            WHERE kind = ? AND kind NOT IN {COMMON_KINDS} AND session = ? ORDER BY at DESC"""
        return [(row[0], row[1], row[2]) for row in self._index.rows(sql, (ProcessDied.kind, session))]

    def _report(self, session: int, execution: str | None = None) -> ProcessDied | None:
        """What somebody who saw the session's process end said: about this execution if about any, the latest else."""
        records = filter(None, (self._index.record(*row) for row in self._reports(session)))
        said = [event for event in map(event_of, records) if isinstance(event, ProcessDied)]
        about = [event for event in said if event.execution == execution]
        return next(iter(about or said), None)

    def _fault_text(self, segment: int | None) -> str | None:
        """What faulthandler wrote beside the segment, or beside an earlier one of the same process."""
        if self._folder is None:
            return None
        sql = """SELECT other.name FROM segments this JOIN segments other ON other.number = this.number
            OR (other.pid = this.pid AND other.host = this.host AND other.start IS this.start AND other.boot IS this.boot)
            WHERE this.number = ? ORDER BY other.name DESC"""
        for (name,) in self._index.rows(sql, (segment,)):
            with suppress(OSError):
                text = (self._folder / FOLDER / f"{name}{FAULT}").read_text("utf-8", "replace").strip("\0\n ")
                if text:
                    return text
        return None


def _last_lines(text: str) -> tuple[str, ...]:
    return tuple(text.rstrip().split("\n")[-LAST_LINES:]) if text.strip() else ()
