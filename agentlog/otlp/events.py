"""What happened beside the spans: errors, log lines, decisions, messages, as name, severity, body and attributes.

The same facts become log records and events of the span they belong to. What was said and asked (messages, arguments,
results, sources) is content: it is left out unless OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentlog.events import (
    DecisionMade,
    ErrorRaised,
    Event,
    Failure,
    Frame,
    Logged,
    MessageSaid,
    OutcomeTagged,
    PerfMarked,
    ProcessDied,
    RecorderFaulted,
)
from agentlog.otlp import names
from agentlog.valuetext import brief

FATAL = 21


@dataclass(frozen=True, slots=True)
class Happened:
    """`name` of the event ("" for a plain log line), its severity number, body and attributes."""

    name: str
    severity: int
    body: str
    attributes: Mapping[str, object] = field(default_factory=dict)


def happened(event: Event, *, content: bool) -> Happened | None:
    """What `event` says; None for kinds that are told as spans, or not at all."""
    reader = _READERS.get(event.kind)
    return reader(event, content) if reader is not None else None


def _error(event: ErrorRaised, content: bool) -> Happened:
    failure = event.failure
    cell = event.origin in ("cell", "shown")
    severity = FATAL if event.origin == "uncaught" else names.SEVERITY["error"]
    where = {"agentlog.error.origin": event.origin, "agentlog.error.hash": failure.hash}
    name = "gen_ai.execute_tool.exception" if cell else "exception"
    return Happened(name, severity, one_line(failure), {**exception(failure), **_place(failure), **where})


def exception(failure: Failure) -> dict[str, object]:
    """exception.* of a failure."""
    return {
        names.EXCEPTION_TYPE: type_name(failure),
        names.EXCEPTION_MESSAGE: failure.message,
        names.EXCEPTION_STACK: stack_text(failure),
    }


def type_name(failure: Failure) -> str:
    """The class with its module; builtins without."""
    return f"{failure.module}.{failure.type}" if failure.module and failure.module != "builtins" else failure.type


def one_line(failure: Failure) -> str:
    first = failure.message.strip().splitlines()
    return f"{failure.type}: {first[0]}" if first else failure.type


def stack_text(failure: Failure) -> str:
    """The stack as Python prints it, as far as it was kept, causes first."""
    lines = []
    if failure.cause is not None:
        joint = "direct cause of the following exception" if failure.explicit_cause else "exception above was being handled"
        lines += [stack_text(failure.cause), "", f"({joint})", ""]
    if failure.frames:
        lines.append("Traceback (most recent call last):")
    for frame in failure.frames:
        lines.append(f'  File "{_file(frame)}", line {frame.line}, in {frame.function}')
        if frame.source:
            lines.append(f"    {frame.source.strip()}")
    name = type_name(failure)
    return "\n".join([*lines, f"{name}: {failure.message}" if failure.message else name, *failure.notes])


def _file(frame: Frame) -> str:
    return f"In[{frame.count}]" if frame.kind == "cell" and frame.count is not None else frame.file


def _place(failure: Failure) -> dict[str, object]:
    """Where the user's code was."""
    own = [frame for frame in failure.frames if frame.kind in ("cell", "user")]
    frame = own[-1] if own else failure.frames[-1] if failure.frames else None
    if frame is None:
        return {}
    return {names.FILE: _file(frame), names.LINE: frame.line, names.FUNCTION: frame.function}


def _logged(event: Logged, content: bool) -> Happened:
    data = {f"agentlog.data.{key}": brief(value) for key, value in event.data.items()}
    where = {names.FILE: event.file, names.LINE: event.line, "agentlog.logger": event.logger, "agentlog.tags": event.tags or None}
    return Happened("", names.SEVERITY.get(event.level, 9), event.message, {**where, **data})


def _decision(event: DecisionMade, content: bool) -> Happened:
    facts = {"agentlog.decision.choice": event.choice, "agentlog.decision.options": event.options or None}
    reason = {"agentlog.decision.reason": event.reason} if content else {}
    return Happened("agentlog.decision", 9, event.question, {**facts, **reason})


def _message(event: MessageSaid, content: bool) -> Happened:
    facts = {"agentlog.message.role": event.role, "agentlog.message.length": len(event.text), "agentlog.message.to": event.to}
    return Happened("agentlog.message", 9, event.text if content else "", facts)


def _perf(event: PerfMarked, content: bool) -> Happened:
    return Happened("agentlog.perf", 9, event.name, {f"agentlog.perf.{key}": value for key, value in event.figures.items()})


def _outcome(event: OutcomeTagged, content: bool) -> Happened:
    facts = {"agentlog.outcome.confidence": float(event.confidence), "agentlog.outcome.reason": event.reason}
    return Happened("agentlog.outcome", 9, event.outcome, {**facts, "agentlog.tags": event.tags or None})


def _died(event: ProcessDied, content: bool) -> Happened:
    facts = {"process.pid": event.pid, "process.exit.code": event.exit_code, "agentlog.signal": event.signal}
    return Happened(
        "agentlog.process.died",
        FATAL,
        event.hint or event.signal or "the process died",
        {**facts, names.EXCEPTION_STACK: event.stack},
    )


def _fault(event: RecorderFaulted, content: bool) -> Happened:
    facts = {"agentlog.recorder.part": event.part, "agentlog.recorder.dropped": event.dropped or None}
    return Happened("agentlog.recorder.fault", 13, event.reason, facts)


_READERS: dict[str, Callable[[Any, bool], Happened]] = {
    ErrorRaised.kind: _error, Logged.kind: _logged, DecisionMade.kind: _decision, MessageSaid.kind: _message, PerfMarked.kind: _perf,
    OutcomeTagged.kind: _outcome, ProcessDied.kind: _died, RecorderFaulted.kind: _fault,
}  # fmt: skip
KINDS = frozenset(_READERS)
