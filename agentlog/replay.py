"""A session told again: user input, thought, tool, result, failure, each at its moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from agentlog.events import (
    DecisionMade,
    ErrorRaised,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    Logged,
    MessageSaid,
    OutcomeTagged,
    SpanEnded,
    WorkspaceSeen,
)
from agentlog.ids import parse_timestamp, short
from agentlog.tables import Text, cut, duration, in_terminal, one_line, paint, width
from agentlog.trail import began, call_text, events_of, family
from agentlog.valuetext import nested

if TYPE_CHECKING:
    from agentlog.past import Session
    from agentlog.store import Store

_ROLES = {"user": "user", "thought": "thought", "agent": "answer", "handover": "handover"}
_COLOURS = {
    "user": "bold",
    "thought": "dim",
    "answer": "bold",
    "handover": "yellow",
    "failure": "red",
    "tool": "blue",
    "model": "blue",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the tale. `at`: seconds since the session began; `ms`: how long it took; `ok`: None where it cannot fail."""

    id: str
    at: float
    agent: str
    kind: str
    text: str
    result: str = ""
    ok: bool | None = None
    ms: float | None = None
    depth: int = 0


@dataclass(frozen=True, repr=False)
class Replay(Text):
    """The steps of `session` and of what it started, in order."""

    session: Session
    steps: tuple[Step, ...]
    agents: int = 1

    def __str__(self) -> str:
        one = self.session
        colour, room = in_terminal(), width()
        who = f"{one.agent}: " if one.agent else ""
        head = f"session {short(one.id)}  {who}{one.title}  {one.how}"
        lines = [line for step in self.steps for line in self._lines(step, room, colour)]
        return "\n".join([paint(head, "bold", colour), *(lines or ["nothing was said or done"])])

    def as_json(self) -> dict[str, Any]:
        """{"session", "agent", "task", "how", "steps": [...]}: the fields of `Step`."""
        one = self.session
        return {
            "session": one.id, "agent": one.agent, "task": one.task, "how": one.how, "steps": [asdict(step) for step in self.steps],
        }  # fmt: skip

    def _lines(self, step: Step, room: int, colour: bool) -> Iterator[str]:
        who = f"{step.agent:<12.12} " if self.agents > 1 else ""
        front = f"{step.at:>8.1f} s  {who}{'  ' * step.depth}"
        took = f"  {duration(step.ms)}" if step.ms is not None else ""
        label = "failed" if step.ok is False and step.kind != "failure" else step.kind
        said = cut(one_line(step.text), max(room - len(front) - 14, 30))
        yield f"{front}{paint(f'{label:<9}', _COLOURS.get(step.kind) if step.ok is not False else 'red', colour)} {said}{took}"
        if step.result:
            yield " " * len(front) + f"          -> {cut(one_line(step.result), max(room - len(front) - 14, 30))}"


def replay(store: Store, session: Session, *, everything: bool = False) -> Replay:
    """The tale of `session` and what it started. `everything`: plain log lines, spans and functions too."""
    tree = family(store, session)
    names = {node.session.id: node.name for node in tree.all()}
    events = events_of(store, tree)
    depths = _depths(events)
    first = parse_timestamp(session.started) if session.started else parse_timestamp(events[0].time) if events else None
    steps = []
    for event in events:
        told = _STEPS[type(event)](event, everything) if type(event) in _STEPS else None
        if told is not None and first is not None:
            at = (parse_timestamp(began(event)) - first).total_seconds()
            depth = depths.get(event.span, 0) if isinstance(event, SpanEnded) else 0
            steps.append(Step(event.id, round(at, 3), names.get(event.session, ""), **{"depth": depth, **told}))
    return Replay(session, tuple(_without_echo(steps)), len(set(names.values())))


def _depths(events: Sequence[Event]) -> dict[str, int]:
    """How deep each span lies in others."""
    parents = {event.span: event.parent for event in events if isinstance(event, SpanEnded)}
    return {span: len(list(_ancestors(span, parents))) for span in parents}


def _ancestors(span: str, parents: dict[str, str | None]) -> Iterator[str]:
    above = parents.get(span)
    seen = {span}
    while above is not None and above in parents and above not in seen:
        seen.add(above)
        yield above
        above = parents.get(above)


def _without_echo(steps: list[Step]) -> Iterator[Step]:
    """An error of a cell is told by its failure: the cell's own end says no more."""
    failed = False
    for step in steps:
        if not (failed and step.kind == "cell" and step.ok is False):
            yield step
        failed = step.kind == "failure"


# --- one function a kind of event ---------------------------------------------------------------------------------


def _message(event: MessageSaid, everything: bool) -> dict[str, Any]:
    to = f"to {event.to}: " if event.to else ""
    data = ", ".join(f"{name}={nested(value, 60)}" for name, value in event.data.items())
    return {"kind": _ROLES.get(event.role, event.role), "text": f"{to}{event.text}", "result": data}


def _span(event: SpanEnded, everything: bool) -> dict[str, Any] | None:
    if event.what not in ("tool", "llm") and event.ok and not everything:
        return None
    kind = {"llm": "model", "function": "call"}.get(event.what, event.what)
    result = nested(event.result, 200) if event.result is not None else (event.stdout or "").strip()
    return {
        "kind": kind, "text": call_text(event), "result": event.error or result or (event.stderr or "").strip(),
        "ok": event.ok, "ms": event.ms or None,
    }  # fmt: skip


def _decision(event: DecisionMade, everything: bool) -> dict[str, Any]:
    others = ", ".join(option for option in event.options if option != event.choice)
    rest = (f" (not {others})" if others else "") + (f" because {event.reason}" if event.reason else "")
    return {"kind": "decision", "text": f"{event.question}: {event.choice}{rest}"}


def _error(event: ErrorRaised, everything: bool) -> dict[str, Any]:
    failure = event.failure
    last = next((frame for frame in reversed(failure.frames) if frame.kind in ("cell", "user")), None)
    where = "" if last is None else f"In[{last.count}]" if last.count is not None else last.file.rsplit("/", 1)[-1]
    place = f"{where}:{last.line} {last.function}: {(last.source or '').strip()}" if last is not None else ""
    return {"kind": "failure", "text": failure.title, "result": place, "ok": False}


def _outcome(event: OutcomeTagged, everything: bool) -> dict[str, Any]:
    subject = f" of session {short(event.subject)}" if event.subject else ""
    why = f": {event.reason}" if event.reason else ""
    return {"kind": "outcome", "text": f"{event.outcome}{subject} ({event.confidence:g}){why}", "ok": event.outcome != "failure"}


def _line(event: Logged, everything: bool) -> dict[str, Any] | None:
    if not everything and event.level not in ("warning", "error", "critical"):
        return None
    data = ", ".join(f"{name}={nested(value, 60)}" for name, value in event.data.items())
    return {"kind": event.level, "text": event.message or data, "result": data if event.message else ""}


def _cell(event: ExecutionStarted, everything: bool) -> dict[str, Any] | None:
    label = f"In[{event.count}]" if event.count is not None else "cell"
    return None if event.own or event.internal else {"kind": "cell", "text": f"{label} {event.source}"}


def _cell_end(event: ExecutionEnded, everything: bool) -> dict[str, Any] | None:
    if event.status == "ok" and event.result is None:
        return None
    label = f"In[{event.count}]" if event.count is not None else "cell"
    result = nested(event.result, 200) if event.result is not None else ""
    return {"kind": "cell", "text": f"{label} {event.status}", "result": result, "ok": event.status == "ok", "ms": event.ms}


def _workspace(event: WorkspaceSeen, everything: bool) -> dict[str, Any] | None:
    changed = [line[6:] for line in (event.diff or "").splitlines() if line.startswith("+++ b/")]
    if not changed:
        return None
    return {"kind": "workspace", "text": f"changed since the last commit: {', '.join(changed)}"}


_STEPS: dict[type[Event], Callable[..., dict[str, Any] | None]] = {
    MessageSaid: _message, SpanEnded: _span, DecisionMade: _decision, ErrorRaised: _error, OutcomeTagged: _outcome, Logged: _line,
    ExecutionStarted: _cell, ExecutionEnded: _cell_end, WorkspaceSeen: _workspace,
}  # fmt: skip
