"""The subcommands of `%agentlog` that only a live kernel can answer: status, on, off, session, calls, hint."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentlog import guard
from agentlog.errors import AgentlogError
from agentlog.ids import short
from agentlog.session import current_session

if TYPE_CHECKING:
    from agentlog.recorder import Recorder
    from agentlog_ipy.extension import Attachment


class Said(str):
    """Text that displays as itself, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class LiveCommand:
    """Like a module of `agentlog.commands`, but for one attachment."""

    summary: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[Attachment, argparse.Namespace], object]


@dataclass(frozen=True, slots=True)
class Status:
    """What is recorded, where to, and what is off and why."""

    facts: dict[str, Any]
    faults: tuple[guard.Fault, ...]

    def as_json(self) -> dict[str, Any]:
        faults = [{"part": f.part, "reason": f.reason, "count": f.count, "off": f.off} for f in self.faults]
        return {**self.facts, "faults": faults}

    def __str__(self) -> str:
        lines = [f"{name:10} {value}" for name, value in self.facts.items() if value is not None]
        lines += [_fault_line(fault) for fault in self.faults] or ["faults     none"]
        return "\n".join(lines)

    __repr__ = __str__


def _fault_line(fault: guard.Fault) -> str:
    times = "once" if fault.count == 1 else f"{fault.count} times"
    state = "; switched off (%agentlog on tries again)" if fault.off else ""
    return f"fault      {fault.part}: {fault.reason} ({times}){state}"


def status(attachment: Attachment, _: argparse.Namespace) -> Status:
    """How the recorder does."""
    attachment.flush()
    known = attachment.recorder.status()
    on = known["recording"] and attachment.cells.recording
    facts = {
        "recording": "on" if on else "off (%agentlog on)",
        "folder": known["folder"],
        "session": known["session"],
        "segment": known["segment"],
        "notebook": attachment.whereabouts.notebook(),
        "kernel": attachment.whereabouts.kernel_id(),
        "events": f"{known['written']} written, {known['waiting']} queued, {known['dropped']} dropped, {known['in_memory']} in memory only",
        "hint": "on" if attachment.hint.on else "off",
        "reading": _reading(attachment.recorder),
    }
    return Status(facts, tuple(guard.faults()))


def _reading(recorder: Recorder) -> str | None:
    """What somebody who reads the store, or the records in memory where the disk takes none, is to know; None where there is nothing."""
    from agentlog.store import Store

    try:
        store = Store.open(recorder.folder, held=recorder.held())
    except AgentlogError as error:
        return str(error)
    try:
        known = store.status()
    finally:
        store.close()
    newer = [
        f"{name} was written by a newer agentlog (records of version {schema}): what is new there is not understood, upgrade to read it"
        for name, schema in known["newer_segments"].items()
    ]
    return "; ".join([*newer, *(note for note in known["notes"] if not note.endswith("there was none"))]) or None


def on(attachment: Attachment, _: argparse.Namespace) -> Said:
    """Record again, from the next cell on; parts that were switched off after faults get another chance."""
    guard.forget()
    attachment.resume()
    return Said(f"agentlog records from the next cell on, in {attachment.recorder.folder}")


def off(attachment: Attachment, _: argparse.Namespace) -> Said:
    """Record nothing after this cell."""
    attachment.cells.recording = False
    if attachment.cells.current() is None:
        attachment.pause()
    return Said("agentlog records nothing after this cell; %agentlog on goes on")


def session(attachment: Attachment, args: argparse.Namespace) -> Said:
    """Show the session, or begin and end a named task inside it."""
    from agentlog import tasks

    if args.action == "start":
        started = tasks.start_session(args.agent or "user", args.task or "", recorder=attachment.recorder)
        return Said(f"session {short(started)} of {args.agent or 'user'} started ({started})")
    if args.action == "end":
        ended = current_session(attachment.recorder)
        tasks.end_session(recorder=attachment.recorder)
        return Said(f"session {short(ended)} ended ({ended})")
    now = current_session(attachment.recorder)
    return Said(f"session {short(now)} ({now}) in {attachment.recorder.folder}")


def hint(attachment: Attachment, args: argparse.Namespace) -> Said:
    """Turn the quiet line after a failure on or off."""
    if args.switch is not None:
        attachment.hint.on = args.switch == "on"
    return Said(f"the line after a failure is {'on' if attachment.hint.on else 'off'}")


def calls(attachment: Attachment, args: argparse.Namespace) -> Said:
    """Keep the last calls of functions defined in cells (and of packages named), or stop."""
    from agentlog.hooks import calls as watching

    if args.switch == "on":
        watching.watch(["__main__", *args.packages])
    elif args.switch == "off":
        watching.stop()
    watch = watching.watched()
    if watch is None or not watch.on:
        return Said("calls are not watched; %agentlog calls on [PACKAGE ...]")
    return Said(f"the last calls of functions in {', '.join(watch.packages)} are kept ({len(watch.calls())} so far)")


def _nothing(_: argparse.ArgumentParser) -> None:
    """No options."""


def _session_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=["start", "end"], help="begin or end a task (default: show the session)")
    parser.add_argument("agent", nargs="?", help="who works on it")
    parser.add_argument("task", nargs="?", help="what it is about")


def _hint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("switch", nargs="?", choices=["on", "off"], help="default: show how it is")


def _calls_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("switch", nargs="?", choices=["on", "off"], help="default: show how it is")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="of these packages too")


LIVE: dict[str, LiveCommand] = {
    "status": LiveCommand("is it recording, where to, what is off and why", _nothing, status),
    "on": LiveCommand("record again", _nothing, on),
    "off": LiveCommand("record nothing from here on", _nothing, off),
    "session": LiveCommand("this session; start or end a named task in it", _session_arguments, session),
    "calls": LiveCommand("arguments and return values of the last calls of your functions: on or off", _calls_arguments, calls),
    "hint": LiveCommand("the quiet line after a failure: on or off", _hint_arguments, hint),
}
