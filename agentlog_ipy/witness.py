"""What the kernel could not live to write, the runner writes: into the same store, a segment of its own."""

from __future__ import annotations

from pathlib import Path

from agentlog.events import Event, ExecutionEnded, ExecutionSkipped, ProcessDied, Status
from agentlog.recorder import Recorder
from agentlog.settings import Settings
from agentlog_ipy.death import Death


class Witness:
    """Writes events about another process. Nothing is created before there is something to say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._recorder: Recorder | None = None

    def died(self, session: str, execution: str | None, pid: int | None, death: Death) -> None:
        """The process of `session` ended badly while `execution` ran."""
        self._record(
            ProcessDied(
                session=session,
                execution=execution,
                pid=pid,
                exit_code=death.exit_code,
                signal=f"{death.signal}: {death.words}" if death.signal and death.signal not in death.words else death.words,
                hint=death.hint,
                stack=death.stack,
                stderr=death.stderr,
                output=death.last_output,
                lost=death.lost,
            )
        )
        if execution is not None:
            self.ended(session, execution, "died")

    def ended(self, session: str, execution: str, status: Status, count: int | None = None, ms: float = 0.0) -> None:
        """How an execution ended, where the kernel could not know it."""
        self._record(ExecutionEnded(session=session, execution=execution, status=status, count=count, ms=ms))

    def skipped(self, session: str, cell_id: str | None, source: str, reason: str) -> None:
        """A cell that a run never reached."""
        self._record(ExecutionSkipped(session=session, cell_id=cell_id, source=source, reason=reason))

    def _record(self, event: Event) -> None:
        if self._recorder is None:
            self._recorder = Recorder(Settings(enabled=True, folder=self.folder))
        self._recorder.record(event, now=True)

    def close(self) -> None:
        """End the segment, if there is one."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
