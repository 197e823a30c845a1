"""What is read back: a session, an execution, a death, as plain data; and the filter that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentlog.events import FAILED, Scalar
from agentlog.ids import is_id


def event_id(at: str) -> str:
    """The id of the event that stands at `at` in the order of all."""
    return at[-20:] if is_id(at[-20:]) else at


@dataclass(frozen=True, slots=True)
class Session:
    """One life of a kernel or process, or one task inside it.

    how         "running", "exit", "shutdown", "unloaded", "ended", or "died": its process is gone and said no goodbye
    executions  how many cells it ran (of the user's own; not those of front ends or of agentlog)
    failures    how many of them failed
    errors      exceptions that reached the recorder, in cells or not
    """

    id: str
    life: str = "process"
    agent: str | None = None
    task: str | None = None
    parent: str | None = None
    host: str | None = None
    pid: int | None = None
    python: str | None = None
    notebook: str | None = None
    kernel: str | None = None
    cwd: str | None = None
    argv: tuple[str, ...] = ()
    git: Mapping[str, Scalar] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    started: str | None = None
    ended: str | None = None
    how: str = "running"
    detail: str | None = None
    executions: int = 0
    failures: int = 0
    errors: int = 0

    @property
    def title(self) -> str:
        """What a person calls it: its task, its notebook, the program it ran."""
        if self.task:
            return self.task
        if self.notebook:
            return self.notebook.replace("\\", "/").rsplit("/", 1)[-1]
        if self.life in ("kernel", "ipython") or not self.argv:
            return self.life
        program = self.argv[0].replace("\\", "/").rsplit("/", 1)[-1]
        return " ".join((program or "python", *self.argv[1:]))


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of one cell. Times are the text of `ids.timestamp`; memory is in bytes.

    number   its place among the session's executions, from 1; count: its In[n]
    within   the execution that ran it (`%%capture`, `run_cell`); outer: the In[n] of that one
    status   see events.Status; a running one whose process is gone is "died"
    error    one line: "KeyError: 'x'"; hash: the failure's
    """

    id: str
    session: str
    number: int = 0
    count: int | None = None
    cell_id: str | None = None
    source: str = ""
    started: str | None = None
    ended: str | None = None
    status: str = "running"
    ms: float | None = None
    own: bool = False
    internal: bool = False
    within: str | None = None
    notebook: str | None = None
    error: str | None = None
    hash: str | None = None
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    rss: int | None = None
    peak: int | None = None
    outer: int | None = None

    @property
    def label(self) -> str:
        """ "In[14]"; "In[14]/272f6k" for a cell that In[14] ran; the short id where there is no number."""
        if self.count is not None:
            return f"In[{self.count}]"
        return f"In[{self.outer}]/{self.id[-6:]}" if self.outer is not None else self.id[-6:]

    @property
    def failed(self) -> bool:
        """Did it not end as it should?"""
        return self.status in FAILED


@dataclass(frozen=True, slots=True)
class Death:
    """How a process died while an execution ran.

    how     in words: "killed by SIGKILL (exit code -9)", "Segmentation fault", "its process is gone"
    seen    somebody saw the process end (the runner); else only its traces are known
    stack   the Python stack of the thread at fault, from faulthandler; None where none can exist or none was left, `no_stack` says why
    output  the last lines the execution printed
    """

    execution: str
    how: str
    seen: bool = False
    signal: str | None = None
    exit_code: int | None = None
    hint: str | None = None
    stack: str | None = None
    no_stack: str | None = None
    output: tuple[str, ...] = ()
    stderr: str | None = None


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """All errors of one hash: the latest message, how often, and when last (`ids.timestamp`)."""

    hash: str
    type: str
    message: str
    times: int
    last: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One error as the index knows it.

    at: where it stands in the order of all events; execution: None outside cells; said: "KeyError: 'x'", one line; hash: its kind
    """

    at: str
    session: str
    execution: str | None
    said: str
    origin: str
    hash: str

    @property
    def id(self) -> str:
        """Of the event."""
        return event_id(self.at)
