"""Everything a context is made from, drawn from the store once: the session, the execution, its failure, what came before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any

from agentlog.causes import find as find_causes
from agentlog.events import Change, ErrorRaised, Failure, Frame, NamespaceChanged, Value
from agentlog.lineage import Lineage, looks_of, same_cell
from agentlog.reasons.case import Cause

if TYPE_CHECKING:
    from agentlog.past import Execution, Session
    from agentlog.store import Store

USER_FRAMES = frozenset({"cell", "user"})
BESIDE, LATEST = frozenset({"thread", "asyncio"}), 10
"""Origins of errors that a cell's threads and tasks put on stderr, also after it; so many of the newest are looked at."""
STEPS, RECENT = 1000, 100
"""Executions looked back at for one name, and for all names: older ones are not opened while a context is built."""


@dataclass(frozen=True, slots=True)
class Version:
    """A name as one execution left it."""

    execution: Execution
    change: Change

    @property
    def value(self) -> Value | None:
        return self.change.new


@dataclass(frozen=True)
class Situation:
    """`execution`: the one in focus (None: only the session); `error`: why it failed. All else is read when it is asked for."""

    store: Store
    session: Session
    execution: Execution | None = None
    error: ErrorRaised | None = None
    found_out: dict[str, Any] = field(default_factory=dict)
    """conclusions that several parts of a context ask for"""
    _namespaces: dict[str, NamespaceChanged | None] = field(default_factory=dict)

    @cached_property
    def known(self) -> list[Execution]:
        """All executions of the session, in order."""
        return self.store.executions(self.session.id)

    @cached_property
    def earlier(self) -> list[Execution]:
        """Those before the one in focus."""
        focus = self.execution
        return self.known if focus is None else [other for other in self.known if other.id < focus.id]

    @property
    def failure(self) -> Failure | None:
        return self.error.failure if self.error else None

    @cached_property
    def root(self) -> Failure | None:
        """The failure at the bottom of the chain of causes: where it began."""
        failure = self.failure
        while failure is not None and failure.cause is not None and user_frames(failure.cause):
            failure = failure.cause
        return failure

    @cached_property
    def way(self) -> list[Frame]:
        """The user's frames from the crashed cell to where it began: a library that catches and goes on cuts the root's own short."""
        found = user_frames(self.root) if self.root else []
        outer = user_frames(self.failure) if self.failure and self.failure is not self.root else []
        if not found or not outer or found[0].function.startswith("<module"):
            return found
        known = {(frame.file, frame.function) for frame in found}
        return [*takewhile(lambda frame: (frame.file, frame.function) not in known, outer), *found]

    @cached_property
    def innermost(self) -> Frame | None:
        """The last frame of the user's own code."""
        found = user_frames(self.root) if self.root else []
        return found[-1] if found else None

    @cached_property
    def causes(self) -> list[Cause]:
        """Why it failed where the notebook is the reason; see `causes.find`."""
        if self.execution is None or self.failure is None:
            return []
        last = None if self.failure.type == "NameError" else RECENT
        lineage = Lineage.of(
            self.store, self.session, notebook=self.execution.notebook, last=last, executions=self.known, looks=self.looks
        )
        return find_causes(self.store, self.execution, self.failure, lineage)

    @cached_property
    def same_cell(self) -> list[Execution]:
        """Earlier runs of the cell in focus, in order."""
        return [run for run in self.earlier if self.execution is not None and same_cell(run, self.execution)]

    def value_before(self, name: str, execution: Execution) -> Value | None:
        """What `name` was when `execution` began."""
        return next((version.value for version in self.versions(name) if version.execution.id < execution.id), None)

    @cached_property
    def by_id(self) -> dict[str, Execution]:
        known = {execution.id: execution for execution in self.earlier}
        return {**known, self.execution.id: self.execution} if self.execution else known

    def described(self, name: str) -> Value | None:
        """`name` as the failing expression or a frame of the user's described it, else as an earlier execution left it."""
        if self.root is not None:
            for operand in self.root.expression.operands if self.root.expression else ():
                if operand.text == name:
                    return operand.value
            for frame in reversed(user_frames(self.root)):
                if name in frame.locals:
                    return frame.locals[name]
            border = next((frame for frame in self.root.frames if frame.arguments), None)
            if border is not None and name.startswith("argument "):
                return border.arguments.get(name.removeprefix("argument "))
        version = self.values.get(name)
        return version.value if version else None

    def _at_failure(self, name: str) -> Value | None:
        """`name` as the frame of the crashed cell described it, where the cell had not bound it anew."""
        if self.execution is None or name in self.execution.writes:
            return None
        frames = user_frames(self.root) if self.root is not None else []
        value = next((f.locals[name] for f in frames if f.function.startswith("<") and name in f.locals), None)
        return value if not _unseen(value) else None

    def seen(self, name: str, value: Value) -> Value:
        """`value`, or what the look at the namespace after the cell said of `name`, where there was no time at the failure."""
        if not _unseen(value):
            return value
        namespace = self.namespace(self.execution) if self.execution else None
        after = next((change.new for change in namespace.changes if change.name == name), None) if namespace else None
        version = self.values.get(name)
        known = after or (version.value if version else None)
        return known if known is not None and known.type == value.type else value

    def namespace(self, execution: Execution) -> NamespaceChanged | None:
        """What `execution` changed."""
        if execution.id not in self._namespaces:
            found = self.store.events(execution=execution.id, kinds={NamespaceChanged.kind})
            self._namespaces[execution.id] = next((e for e in found if isinstance(e, NamespaceChanged)), None)
        return self._namespaces[execution.id]

    def versions(self, name: str) -> Iterator[Version]:
        """`name` as the earlier executions left it, newest first.

        Where the look at the namespace had no time for it, the source tells who bound it; what the last of those
        left is what the failure found.
        """
        newest = True
        for execution in reversed(self.earlier[-STEPS:]):
            if name not in execution.writes and name not in execution.source:
                continue
            change = self._change(execution, name)
            if change is not None and change.kind == "unknown":
                change = replace(change, kind="rebound") if name in execution.writes else None
            if change is not None and newest and _unseen(change.new):
                change = replace(change, new=self._at_failure(name) or change.new)
            if change is not None:
                newest = False
                yield Version(execution, change)

    def _change(self, execution: Execution, name: str) -> Change | None:
        """What `execution` did to `name`; `unknown` where nobody looked."""
        namespace = self.namespace(execution)
        if namespace is None:
            return Change(name, "unknown")
        return next((change for change in namespace.changes if change.name == name), None)

    @cached_property
    def values(self) -> dict[str, Version]:
        """Every name that exists before the execution in focus, as it was last left."""
        found: dict[str, Version] = {}
        self._read_recent()
        for execution in reversed(self.earlier[-RECENT:]):
            namespace = self.namespace(execution)
            for change in namespace.changes if namespace else ():
                found.setdefault(change.name, Version(execution, change))
        return {name: version for name, version in found.items() if version.change.kind != "deleted"}

    @cached_property
    def looks(self) -> dict[str, list[NamespaceChanged]]:
        """What the recent executions changed, and those after them, in one question to the store."""
        recent = self.earlier[-RECENT:]
        return looks_of(self.store, self.session.id, recent[0].id) if recent else {}

    def _read_recent(self) -> None:
        self._namespaces.update({execution.id: None for execution in self.earlier[-RECENT:]})
        self._namespaces.update({execution: looks[-1] for execution, looks in self.looks.items()})

    def made_by(self, name: str) -> str:
        """`In[2], changed In[5]`: the cells that made and changed `name`, in words; "" where nobody knows."""
        made, changed = None, []
        for version in self.versions(name):
            if version.change.kind in ("made", "rebound"):
                made = version.execution.label
                break
            if version.change.kind == "mutated":
                changed.append(version.execution.label)
        later = f"changed {' '.join(reversed(changed))}" if changed else ""
        return ", ".join(part for part in (made, later) if part)


def _unseen(value: Value | None) -> bool:
    """Is it not known, or was there no time to look at it?"""
    return value is None or (value.cut or "").startswith("not looked at")


def user_frames(failure: Failure) -> list[Frame]:
    """The frames of cells and of files under the project, outermost first."""
    return [frame for frame in failure.frames if frame.kind in USER_FRAMES]


def situation(store: Store, session: str | None = None, execution: str | None = None, *, failed: bool = True) -> Situation:
    """The situation of `execution` (a reference), else of the last failure of `session` where `failed`, else of the session alone.

    session: None is the latest, where that is a task the whole process around it."""
    where = store.session(session) if session is not None else store.whole_of(store.session())
    if execution is not None:
        focus: Execution | None = store.execution(execution, where.id)
    else:
        focus = _failed(store, where.id) if failed else None
    if focus is not None and focus.session not in store.members(where.id):
        where = store.session(focus.session)
    if focus is None:
        return Situation(store, where, error=_session_error(store, where.id) if failed else None)
    return Situation(store, where, focus, _error(store, focus))


def _failed(store: Store, session: str) -> Execution | None:
    """The last execution that failed, or a later one that ended well and left something running that did not."""
    last = store.last_failure(session)
    for error in islice(store.errors(session, newest=True), LATEST):
        if error.execution is not None and last is not None and error.execution <= last.id:
            break
        if error.execution is not None and error.origin in BESIDE:
            return store.execution(error.execution)
    return last


def _error(store: Store, focus: Execution) -> ErrorRaised | None:
    found = [e for e in store.events(execution=focus.id, kinds={ErrorRaised.kind}) if isinstance(e, ErrorRaised)]
    return found[-1] if found else None


def _session_error(store: Store, session: str) -> ErrorRaised | None:
    """An error outside any execution: an uncaught exception of a plain program, a thread."""
    return next(store.errors(session, newest=True), None)
