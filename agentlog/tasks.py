"""Named tasks inside the session of a process: one agent at work, and the agents it starts.

    with start_session("coder", "fix the parser"):          or     id = start_session(...); ...; end_session()
        log_user_input(...)

Which task is current follows context variables: threads and asyncio tasks do not mix (a thread starts outside every
task, unless it runs in a copied context). Child processes learn their parent by `AGENTLOG_PARENT_SESSION`; while
several tasks are open side by side, that is the nearest task around all of them, for one environment serves them all.
The workspace is looked at when a task starts, after each turn of it (what the user said, what the agent answered) and
at its end, on the writer's thread; what has not changed since is not written again.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import TracebackType

from agentlog import recorder
from agentlog.clock import clock
from agentlog.events import ErrorRaised, SessionEnded, SessionStarted, WorkspaceSeen
from agentlog.frames import failure_of
from agentlog.gitstate import git_head_here, working_folder
from agentlog.guard import guarded
from agentlog.ids import new_id
from agentlog.notes import text_of
from agentlog.recorder import Recorder

PARENT_VARIABLE = "AGENTLOG_PARENT_SESSION"
LOOK_SECONDS = 1.0
"""Least time between two looks at the workspace within a task."""


@dataclass(slots=True)
class Task:
    """An open task. `outer`: the one around it in the same context; `passed`: an exception that left a task inside;
    `looked`, `seen`: the last look at the workspace."""

    id: str
    parent: str | None
    outer: Task | None
    door: Recorder
    passed: tuple[int, str] | None = None
    looked: float = 0.0
    seen: WorkspaceSeen | None = None
    ended: bool = False

    def chain(self) -> list[Task]:
        """The tasks around it that are still open, outermost first, and itself."""
        around = self.outer.chain() if self.outer is not None else []
        return around if self.ended else [*around, self]


@dataclass(slots=True)
class _Open:
    """All open tasks of this process, and what the environment said before the first of them."""

    tasks: list[Task] = field(default_factory=list)
    before: str | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)


_task: ContextVar[Task | None] = ContextVar("agentlog_task", default=None)
_open = _Open()


class SessionId(str):
    """The id of a task; as a context manager it ends the task when the block is left."""

    __slots__ = ()

    def __enter__(self) -> SessionId:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _end_id(str(self), "ended" if error is None else "failed", error)

    async def __aenter__(self) -> SessionId:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.__exit__(kind, error, trace)


def start_session(
    agent: str, task: str = "", parent_session_id: str | None = None, *, recorder: Recorder | None = None
) -> SessionId:
    """Open a task of `agent` and make it current in this context; "" when recording is off.

    parent_session_id: what it goes on from, or an earlier attempt; by default the session it is started in.
    """
    opened: str | None = _start(agent, task, parent_session_id, recorder)
    return SessionId(opened or "")


def end_session(*, recorder: Recorder | None = None) -> None:
    """End the task that is current in this context; without one, do nothing: the process's session ends with it."""
    task = current_task()
    if task is not None:
        _end(task, "ended")


def get_session_id() -> str | None:
    """The task that is current in this context, else the session of this process; None when recording is off."""
    door = recorder.current()
    if door is None:
        return None
    task = current_task()
    return (task.id if task is not None else door.session) or None


def get_parent_session_id() -> str | None:
    """The session that the current one was started from; None where there is none or it is not known."""
    task = current_task()
    if task is not None:
        return task.parent
    door = recorder.current()
    return door.parent if door is not None else None


def current_task() -> Task | None:
    """The innermost open task of this context."""
    task = _task.get()
    while task is not None and task.ended:
        task = task.outer
    return task


def task_id() -> str | None:
    """The id of the current task."""
    task = current_task()
    return task.id if task is not None else None


def turn() -> None:
    """Something was said: look at the workspace once what was said is written."""
    task = current_task()
    if task is not None and clock.monotonic() - task.looked >= LOOK_SECONDS:
        task.looked = clock.monotonic()
        task.door.later(lambda: _look(task))


def end_all(how: str) -> None:
    """The process ends: so do its tasks, the innermost first."""
    for task in reversed(list(_open.tasks)):
        _end(task, how)


# --- the work, guarded ----------------------------------------------------------------------------------------------


@guarded("session")
def _start(agent: str, task: str, parent: str | None, given: Recorder | None) -> str | None:
    door = given or recorder.current()
    if door is None:
        return None
    outer = current_task()
    above = str(parent) if parent else (outer.id if outer is not None else door.session) or None
    opened = Task(new_id(), above, outer, door)
    door.record(
        SessionStarted(
            session=opened.id, life="task", agent=text_of(agent), task=text_of(task) or None, parent=above, pid=os.getpid(),
            cwd=working_folder(), git=git_head_here(),
        ),
        now=True,
    )  # fmt: skip
    _task.set(opened)
    with _open.lock:
        _open.before = _open.before if _open.tasks else os.environ.get(PARENT_VARIABLE)
        _open.tasks.append(opened)
        _publish()
    opened.looked = clock.monotonic()
    door.later(lambda: _look(opened))
    return opened.id


def _end_id(identifier: str, how: str, error: BaseException | None) -> None:
    found = next((task for task in list(_open.tasks) if task.id == identifier), None)
    if found is not None:
        if isinstance(error, Exception):
            _failed(found, error)
        _end(found, how, None if error is None else type(error).__name__)


@guarded("session")
def _failed(task: Task, error: Exception) -> None:
    """Record what ended the task in its own session, while the objects live; tasks around it need not tell it again."""
    started = clock.perf_counter()
    failure = failure_of(error, limits=task.door.limits)
    spent = round((clock.perf_counter() - started) * 1000, 3)
    what = id(error), failure.hash or ""
    if task.passed != what:
        message = failure.title
        task.door.record(ErrorRaised(session=task.id, message=message, failure=failure, origin="task", spent_ms=spent), now=True)
    if task.outer is not None:
        task.outer.passed = what


@guarded("session")
def _end(task: Task, how: str, detail: str | None = None) -> None:
    with _open.lock:
        if task.ended:
            return
        task.ended = True
        _open.tasks[:] = [one for one in _open.tasks if one is not task]
        _publish()
    if _task.get() is task:
        _task.set(task.outer)
    task.door.later(lambda: _look(task))
    task.door.record(SessionEnded(session=task.id, how=how, detail=detail))


def _publish() -> None:
    """Tell child processes whose children they are: the nearest task around all open ones."""
    chains = [task.chain() for task in _open.tasks]
    inner = {id(task.outer) for task in _open.tasks}
    ends = [chain for chain in chains if chain and id(chain[-1]) not in inner]
    common = [task for task in ends[0] if all(any(task is one for one in chain) for chain in ends)] if ends else []
    if common:
        os.environ[PARENT_VARIABLE] = common[-1].id
    elif _open.before is not None:
        os.environ[PARENT_VARIABLE] = _open.before
    else:
        os.environ.pop(PARENT_VARIABLE, None)


@guarded("workspace")
def _look(task: Task) -> None:
    from agentlog.workspace import look

    here = working_folder()
    seen = look(here) if here is not None else None
    if seen is not None and seen != task.seen:
        task.seen = seen
        task.door.record(replace(seen, session=task.id), now=True)  # in the place of the job that looked


def _after_fork_in_child() -> None:
    _open.lock = threading.RLock()  # another thread of the parent's may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
