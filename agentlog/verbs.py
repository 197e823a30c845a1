"""The log verbs: what a program or an agent says about itself, as plain functions.

Each is a few lines over the recorder. When recording is off they do nothing; they never raise into the caller's
program. Values are described, never kept, and never turned into text by code of the user's.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import ContextDecorator
from types import FrameType, TracebackType
from typing import Any

from agentlog import guard, recorder
from agentlog.callsite import argument_names, place
from agentlog.clock import clock
from agentlog.events import DecisionMade, ErrorRaised, Logged, MessageSaid, OutcomeTagged, PerfMarked, Scalar, SpanEnded
from agentlog.frames import failure_of
from agentlog.guard import guarded
from agentlog.ids import new_id
from agentlog.notes import described, noted_value, plain_described, text_of
from agentlog.rates import rate
from agentlog.spans import current_span

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
OUTCOMES = ("success", "failure", "partial")


def log(message: str, /, *, level: str = "info", tags: Iterable[str] = (), **context: object) -> None:
    """Record a line with its context: `log("loaded", rows=len(df), path=path)`."""
    door = recorder._current
    if door is not None:
        _log(door, message, level, tags, context, sys._getframe(1))


def log_vars(*values: object, **named: object) -> None:
    """Record values by name: `log_vars(x, df.shape)` finds the names at the call; `log_vars(total=a + b)` gives them."""
    door = recorder._current
    if door is not None:
        frame = sys._getframe(1)
        names = argument_names(frame, len(values)) if values else ()
        _log(door, "", "info", ("vars",), {**dict(zip(names, values, strict=True)), **named}, frame)


def log_state(name: str, value: object) -> None:
    """Record the state of something under a name of its own, so that its history can be asked for."""
    door = recorder._current
    if door is not None:
        _log(door, name, "info", ("state",), {name: value}, sys._getframe(1))


def log_error(message: str, error: BaseException | None = None, /, **context: object) -> None:
    """Record an error that the program handles: with `error`, or the one being handled, its frames and locals too."""
    door = recorder._current
    if door is not None:
        caught = error if error is not None else sys.exc_info()[1]
        if caught is not None:
            _failed(door, message, caught)
        if caught is None or context:
            _log(door, message, "error", (), context, sys._getframe(1))


def log_decision(
    question: str, choice: object, *, options: Iterable[object] = (), reason: str | None = None, **context: object
) -> None:
    """Record why a path was taken."""
    door = recorder._current
    if door is not None:
        _decided(door, question, choice, options, reason, context)


def log_perf(name: str, **figures: float | str | bool | None) -> None:
    """Record a mark: the caller's figures, with CPU seconds, resident memory (bytes), threads and process id."""
    door = recorder._current
    if door is not None:
        _marked(door, name, figures)


def log_user_input(text: str, **context: object) -> None:
    """Record what the user asked of the agent."""
    _say("user", text, context)


def log_agent_thought(text: str, **context: object) -> None:
    """Record what the agent thought."""
    _say("thought", text, context)


def log_agent_output(text: str, **context: object) -> None:
    """Record what the agent answered."""
    _say("agent", text, context)


def log_handover(to: str, text: str = "", **context: object) -> None:
    """Record that the current agent hands over to agent `to`, with the data it hands over."""
    _say("handover", text, context, to=to)


def log_tool_call(
    tool: str, name: str, arguments: Mapping[str, object] | None = None, *, result: object = None, ok: bool = True
) -> None:
    """Record a tool call that is already over; `tool_call` is the timed form."""
    door = recorder._current
    if door is not None:
        _called(door, tool, name, arguments or {}, result, ok)


class capture_errors(ContextDecorator):
    """Record an exception that leaves the block or the decorated function; it goes on unless `reraise=False`."""

    def __init__(self, message: str = "", *, reraise: bool = True) -> None:
        self._message, self._reraise = message, reraise

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if isinstance(error, Exception):
            log_error(self._message or type(error).__name__, error)
            return not self._reraise
        return False


def tag_outcome(outcome: str, confidence: float = 1.0, reason: str | None = None, *, tags: Iterable[str] = ()) -> None:
    """Say how the current execution or task went: success, failure or partial."""
    _tag(outcome, confidence, reason, tags, None)


def tag_session_outcome(
    session_id: str, outcome: str, confidence: float = 1.0, reason: str | None = None, *, tags: Iterable[str] = ()
) -> None:
    """Say how the session `session_id` went, also afterwards and from another process."""
    _tag(outcome, confidence, reason, tags, session_id)


# --- the work, guarded ----------------------------------------------------------------------------------------------


@guarded("log")
def _log(
    door: recorder.Recorder, message: str, level: str, tags: Iterable[str], context: Mapping[str, object], frame: FrameType
) -> None:
    if LEVELS.get(level, 20) < LEVELS.get(door.settings.level, 20):
        return
    file, line = place(frame)
    said: dict[str, Any] = {"l": level}
    if message:
        said["m"] = text_of(message)
    if context:
        said["data"] = plain_described(context)
    if tags:
        said["tags"] = list(tags)
    said["file"], said["line"] = file, line
    door.record_plain(Logged.kind, said)


@guarded("log_error")
def _failed(door: recorder.Recorder, message: str, error: BaseException) -> None:
    slot = rate.admit(door, error)
    if slot is None:
        return
    started = clock.perf_counter()
    failure = failure_of(error, limits=door.limits)
    slot.hash = failure.hash
    spent = (clock.perf_counter() - started) * 1000
    door.record(ErrorRaised(message=text_of(message), failure=failure, origin="captured", spent_ms=round(spent, 3)), now=True)


@guarded("log_decision")
def _decided(
    door: recorder.Recorder,
    question: str,
    choice: object,
    options: Iterable[object],
    reason: str | None,
    context: Mapping[str, object],
) -> None:
    door.record(
        DecisionMade(
            question=text_of(question),
            choice=text_of(choice),
            options=tuple(text_of(option) for option in options),
            reason=None if reason is None else text_of(reason),
            data=described(context),
        )
    )


@guarded("log_perf")
def _marked(door: recorder.Recorder, name: str, figures: Mapping[str, Scalar]) -> None:
    own: dict[str, Scalar] = {"cpu_s": round(clock.process_time(), 6), "threads": threading.active_count(), "pid": os.getpid()}
    rss = resident_bytes()
    if rss is not None:
        own["rss"] = rss
    plain = {
        key: value if isinstance(value, (int, float, str, bool, type(None))) else text_of(value) for key, value in figures.items()
    }
    door.record(PerfMarked(name=text_of(name), figures={**own, **plain}))


@guarded("message")
def _say(role: str, text: str, context: Mapping[str, object], to: str | None = None) -> None:
    door = recorder._current
    if door is not None:
        door.record(MessageSaid(role=role, text=text_of(text), to=to, data=described(context)))
        if role in ("user", "agent"):
            from agentlog.tasks import turn

            turn()


@guarded("log_tool_call")
def _called(door: recorder.Recorder, tool: str, name: str, arguments: Mapping[str, object], result: object, ok: bool) -> None:
    door.record(
        SpanEnded(
            what="tool",
            name=text_of(name),
            span=new_id(),
            parent=current_span(),
            ok=bool(ok),
            arguments=described(arguments),
            result=None if result is None else noted_value(result),
            data=described({"tool": tool}),
        )
    )


@guarded("outcome")
def _tag(outcome: str, confidence: float, reason: str | None, tags: Iterable[str], subject: str | None) -> None:
    door = recorder._current
    if door is None:
        return
    if outcome not in OUTCOMES:
        guard.note("outcome", f"outcome {text_of(outcome)!r} is not one of {', '.join(OUTCOMES)}")
        return
    door.record(
        OutcomeTagged(outcome=outcome, confidence=float(confidence), reason=reason, tags=tuple(tags), subject=subject), now=True
    )


def resident_bytes() -> int | None:
    """Resident memory of this process, where the system says so."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
