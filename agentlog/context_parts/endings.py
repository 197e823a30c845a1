"""How an execution ended that raised nothing anybody saw: its process died, it was stopped, it ran out of time."""

from __future__ import annotations

from agentlog.context_parts.failure import shorten
from agentlog.events import StreamWritten
from agentlog.outline import Item, Section, item, section
from agentlog.situation import Situation

_WORDS = {
    "died": "its process died while it ran",
    "interrupted": "interrupted",
    "timed_out": "timed out",
    "running": "still running",
    "error": "failed; the error itself was not recorded",
    "error_shown": "showed an error; the error itself was not recorded",
}


def sections(case: Situation) -> list[Section]:
    """The section `failure` of an execution without an exception; empty where there is one, or where it ended well."""
    execution = case.execution
    if execution is None or case.failure is not None or execution.status == "ok":
        return []
    line = next((text.strip() for text in execution.source.splitlines() if text.strip()), "")
    spent = f" after {execution.ms / 1000:.1f} s" if execution.ms else ""
    headline = f"{execution.label} {_WORDS.get(execution.status, execution.status)}{spent}: {shorten(line, 120)}"
    return [section("failure", [item(10.0, headline, first=True), *_death(case)])]


def _death(case: Situation) -> list[Item]:
    death = case.store.death(case.execution) if case.execution is not None and case.execution.status == "died" else None
    if death is None:
        return []
    stack = death.stack.splitlines() if death.stack else []
    found = [item(8.0, death.how + (f"; {death.hint}" if death.hint else ""), first=True)]
    found.append(item(4.0, "\n".join(_ends(stack)), "\n".join(stack)) if stack else item(1.0, death.no_stack or ""))
    if death.output and "\n".join(death.output) not in _printed(case):
        found.append(item(2.0, "\n".join(death.output[-3:]), "\n".join(death.output), name="last output"))
    if death.stderr:
        lines = death.stderr.splitlines()
        found.append(item(2.0, "\n".join(lines[-3:]), "\n".join(lines[-20:]), name="stderr"))
    return found


def _printed(case: Situation) -> str:
    """What the execution printed as it recorded it itself: that is told as its output."""
    assert case.execution is not None
    events = case.store.events(execution=case.execution.id, kinds={StreamWritten.kind})
    return "".join(event.text for event in events if isinstance(event, StreamWritten))


def _ends(stack: list[str]) -> list[str]:
    """Where it failed, and the user code that led there; what lies between is the library's."""
    return stack if len(stack) <= 8 else [*stack[:3], f"  ... {len(stack) - 7} more", *stack[-4:]]
