"""A queue of notebooks that survives its runner: every job is a JSON file, every runner holds a lock on what it runs.

<store>/queue/<id>.json      what to run, how far it is, how it ended
<store>/queue/<id>.lock      locked by the runner while it runs; free and "running" means: its runner is gone
<store>/queue/<id>.cancel    asks the runner to stop it;  <id>.pause: to wait before the next cell
<store>/queue/paused         nothing new is begun
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Literal

from agentlog.clock import clock
from agentlog.errors import NotFound
from agentlog.ids import new_id
from agentlog.journal import prepare_folder
from agentlog_ipy.whole_files import write_text

State = Literal["queued", "paused", "running", "ok", "failed", "error", "cancelled", "interrupted"]
ENDED: frozenset[str] = frozenset({"ok", "failed", "error", "cancelled"})
QUIET_SECONDS = 10.0
"""without output for this long, a cell is looked at more closely"""
IDLE_SHARE = 0.02
"""of one processor; below it a kernel computes nothing"""


@dataclass(frozen=True)
class Step:
    """Where a running job is; moments are seconds since 1970.

    cpu        seconds of processor time that the kernel and its children have used until `seen`
    cpu_share  of one processor, lately
    """

    number: int = 0
    cells: int = 0
    source: str = ""
    begun: float = 0.0
    last_output: float | None = None
    seen: float = 0.0
    cpu: float = 0.0
    cpu_share: float | None = None

    def words(self, now: float) -> str:
        """As a person would say it."""
        if not self.number:
            return "starting a kernel"
        quiet = now - (self.last_output or self.begun)
        said = f"last output {quiet:.0f} s ago" if self.last_output else "no output yet"
        text = f"cell {self.number}/{self.cells} for {now - self.begun:.0f} s, {said}"
        if quiet < QUIET_SECONDS or self.cpu_share is None:
            return text
        stuck = self.cpu_share < IDLE_SHARE
        return text + (
            "; stuck or waiting: it uses no processor time"
            if stuck
            else f"; slow: it computes ({self.cpu_share:.0%} of a processor)"
        )


@dataclass(frozen=True)
class Job:
    """A notebook to run. `options`: those of `runner.Options`, by name."""

    id: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    state: State = "queued"
    added: float = 0.0
    begun: float | None = None
    ended: float | None = None
    attempts: int = 0
    note: str = ""
    runner: int | None = None
    session: str | None = None
    step: Step = Step()

    def words(self, now: float) -> str:
        """The state as a person would say it."""
        if self.state == "running":
            return f"running for {now - (self.begun or now):.0f} s: {self.step.words(now)}"
        took = f" in {self.ended - self.begun:.1f} s" if self.ended and self.begun and self.state in ("ok", "failed") else ""
        return self.state + took + (f": {self.note}" if self.note else "")


class Queue:
    """The jobs of one store."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.folder = store / "queue"

    # --- looking --------------------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """All of them, oldest first, with the truth about those whose runner is gone."""
        return [job for path in sorted(self.folder.glob("*.json")) if (job := self._read(path)) is not None]

    def get(self, reference: str) -> Job:
        """The job whose id is or ends with `reference`. Raises NotFound."""
        found = [job for job in self.jobs() if job.id.endswith(reference)]
        if len(found) != 1:
            raise NotFound(f"{'no job' if not found else 'several jobs'} {reference!r}; agentlog queue list shows them")
        return found[0]

    @property
    def paused(self) -> bool:
        """Is nothing new begun?"""
        return (self.folder / "paused").exists()

    def _file(self, identifier: str, suffix: str) -> Path:
        return self.folder / f"{identifier}.{suffix}"

    def _read(self, path: Path) -> Job | None:
        job = _as_written(path)
        if job is None or job.state not in ("running", "paused") or job.runner is None or self._held(job.id):
            return job
        return replace(job, state="interrupted", note="its runner is gone; agentlog queue work runs it again")

    def _held(self, identifier: str) -> bool:
        with self._try_lock(identifier) as lock:
            return lock is None

    @contextmanager
    def _try_lock(self, identifier: str) -> Iterator[IO[str] | None]:
        """The job's lock, None where somebody else has it."""
        with open(self._file(identifier, "lock"), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield None
            else:
                yield lock

    def _prepare(self) -> None:
        prepare_folder(self.store)
        self.folder.mkdir(mode=0o700, exist_ok=True)

    # --- changing -------------------------------------------------------------------------------------------------

    def write(self, job: Job) -> None:
        """Keep the state of `job`, readable by its owner alone: parameters may be anybody's business but."""
        self._prepare()
        write_text(self._file(job.id, "json"), json.dumps(asdict(job)) + "\n", mode=0o600)

    def add(self, path: str | Path, options: Mapping[str, Any]) -> Job:
        """A new job at the end."""
        job = Job(new_id(), str(Path(path).absolute()), dict(options), added=clock.time())
        self.write(job)
        return job

    def pause(self, references: Sequence[str] = ()) -> list[str]:
        """Begin nothing new, or hold these jobs: a running one stops before its next cell. Returns what was done."""
        if not references:
            self._prepare()
            (self.folder / "paused").touch()
            return ["the queue is paused: nothing new is begun; agentlog queue resume lets it go on"]
        return [self._mark(self.get(reference), "pause") for reference in references]

    def resume(self, references: Sequence[str] = ()) -> list[str]:
        """Undo `pause`."""
        if not references:
            (self.folder / "paused").unlink(missing_ok=True)
            return ["the queue goes on"]
        return [self._resume(self.get(reference)) for reference in references]

    def cancel(self, references: Sequence[str]) -> list[str]:
        """Take jobs out; running ones are stopped by their runner."""
        return [self._mark(self.get(reference), "cancel") for reference in references]

    def _mark(self, job: Job, what: Literal["pause", "cancel"]) -> str:
        if job.state in ENDED:
            return f"{job.id[-6:]}: is {job.state} already"
        with self._try_lock(job.id) as lock:
            if lock is not None:
                state: State = "paused" if what == "pause" else "cancelled"
                self.write(replace(job, state=state, runner=None, note=""))
                return f"{job.id[-6:]}: {state}"
        self._file(job.id, what).touch()
        return f"{job.id[-6:]}: " + ("its runner stops it" if what == "cancel" else "its runner stops before the next cell")

    def _resume(self, job: Job) -> str:
        self._file(job.id, "pause").unlink(missing_ok=True)
        if job.state == "paused" and job.runner is None:
            self.write(replace(job, state="queued"))
        elif job.state in ENDED:
            return f"{job.id[-6:]}: is {job.state} already"
        return f"{job.id[-6:]}: goes on"

    def asked(self, job: Job, what: Literal["pause", "cancel"]) -> bool:
        """Does somebody want the runner of `job` to do this?"""
        return self._file(job.id, what).exists()

    def clear(self) -> int:
        """Forget the jobs that ended; returns how many."""
        ended = [job for job in self.jobs() if job.state in ENDED]
        for job in ended:
            for suffix in ("json", "lock", "cancel", "pause"):
                self._file(job.id, suffix).unlink(missing_ok=True)
        return len(ended)

    # --- working --------------------------------------------------------------------------------------------------

    @contextmanager
    def take(self) -> Iterator[Job | None]:
        """The next job that waits or whose runner is gone, locked for the time of the block; None when there is none."""
        for waiting in [] if self.paused else self.jobs():
            if waiting.state not in ("queued", "interrupted"):
                continue
            with self._try_lock(waiting.id) as lock:
                if lock is None:
                    continue
                current = _as_written(self._file(waiting.id, "json"))
                if current is None or current.state in ENDED or (current.state == "paused" and current.runner is None):
                    continue
                yield self._begin(current)
                return
        yield None

    def _begin(self, job: Job) -> Job:
        self._file(job.id, "cancel").unlink(missing_ok=True)
        job = replace(
            job, state="running", begun=clock.time(), attempts=job.attempts + 1, runner=os.getpid(), note="", step=Step()
        )
        self.write(job)
        return job

    def end(self, job: Job, state: State, note: str = "", session: str | None = None) -> Job:
        """The job is over."""
        for what in ("cancel", "pause"):
            self._file(job.id, what).unlink(missing_ok=True)
        job = replace(job, state=state, ended=clock.time(), note=note, session=session, runner=None)
        self.write(job)
        return job


def _as_written(path: Path) -> Job | None:
    """The job of a file, None where it is none (any more)."""
    try:
        data = json.loads(path.read_text())
        return Job(**{**data, "step": Step(**data["step"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
