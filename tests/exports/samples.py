"""A store with a bit of everything, some of it meant to break a spreadsheet."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

from agentlog.blobs import Blobs
from agentlog.events import (
    Displayed,
    ErrorRaised,
    Event,
    ExecutionEnded,
    ExecutionSkipped,
    ExecutionStarted,
    Failure,
    Frame,
    OutcomeTagged,
    SessionEnded,
    SessionStarted,
    SpanEnded,
    StreamWritten,
    to_record,
)  # fmt: skip
from agentlog.ids import new_id, timestamp
from agentlog.journal import Journal
from agentlog.settings import Limits
from agentlog.store import Store

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
FORMULAS = ("=1+1", '=HYPERLINK("http://evil.example","x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "＝1+1")
ODD = (
    "a\x00b\x1b[31mred\x1b[0m\x07",
    "lone \udc80 half",
    "ünïcode 😀 漢字",
    'two\r\nlines, "quoted"',
    "x" * 40_000,
    "0012",
    "1e5",
    "",
)
LONG = "long output\n" * 5_000


class Samples:
    """Writes events to a store's folder as a recorder would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder, Limits())
        self.blobs = Blobs(folder)
        self.session = ""
        self.events: list[Event] = []
        self._opened: list[Store] = []

    def add(self, event: Event) -> Event:
        """One event, stamped."""
        event = replace(event, id=event.id or new_id(), time=event.time or timestamp(), session=event.session or self.session)
        self.journal.append(to_record(event))
        self.events.append(event)
        return event

    def begin(self, **facts: object) -> str:
        """A session, current from here on."""
        self.session = new_id()
        facts = {"life": "kernel", "python": "3.11.7", "cwd": "/home/ann/pricing", "packages": {"pandas": "3.0"}, **facts}
        self.add(SessionStarted(**facts))  # type: ignore[arg-type]
        return self.session

    def cell(
        self, count: int, source: str, *outputs: Event, error: Failure | None = None, ms: float = 12.5, started: str = "", **facts: object
    ) -> str:  # fmt: skip
        """A cell with what it put out."""
        execution = new_id()
        self.add(ExecutionStarted(execution=execution, number=count, count=count, source=source, time=started, **facts))  # type: ignore[arg-type]
        for output in outputs:
            self.add(replace(output, execution=execution))
        if error:
            self.add(ErrorRaised(execution=execution, failure=error, message=f"{error.type}: {error.message}"))
        self.add(ExecutionEnded(execution=execution, status="error" if error else "ok", count=count, ms=ms))
        return execution

    def end(self, how: str = "shutdown") -> None:
        """The session ends."""
        self.add(SessionEnded(how=how))

    def store(self) -> Store:
        """The store, reading."""
        self._opened.append(Store.open(self.folder))
        return self._opened[-1]

    def close(self) -> None:
        """Close the journal and what reads it."""
        self.journal.close()
        for store in self._opened:
            store.close()


def failure(text: str = "'price'") -> Failure:
    """A failure with a frame in a cell."""
    frame = Frame("cell", "<cell>", 1, "<module>", count=2, source="df['price']")
    return Failure("KeyError", text, frames=(frame,), hash="h1", cause=Failure("ValueError", "bad"), explicit_cause=True)


def call(model: str, tokens_in: int, tokens_out: int, cost: float | None) -> SpanEnded:
    """A model call."""
    return SpanEnded(
        what="llm", name=model, model=model, span=new_id(), ms=800.0, tokens={"input": tokens_in, "output": tokens_out}, cost=cost
    )


def a_bit_of_everything(folder: Path) -> Samples:
    """Two sessions: a notebook with every kind of output, and one full of odd text."""
    made = Samples(folder)
    made.begin(notebook="/home/ann/pricing/demo.ipynb", agent="coder", task="fix the price")
    made.cell(
        1,
        "df = load()",
        StreamWritten(text="one\n"),
        StreamWritten(text="two\n"),
        StreamWritten(name="stderr", text="warn\n"),
        cell_id="c-1",
    )
    made.cell(2, "df['price']", error=failure())
    picture = made.blobs.put(PNG)
    made.cell(
        3, "plot()", Displayed(display_id="d", data={"text/plain": "first"}),
        Displayed(data={"text/plain": "<Figure>"}, blobs={"image/png": picture}),
        Displayed(display_id="d", update=True, data={"text/plain": "second"}),
        Displayed(result=True, data={"text/plain": "42", "application/json": '{"a": 1}'}),
    )  # fmt: skip
    made.cell(4, "noise()", StreamWritten(text="gone\n"), Displayed(clear=True), StreamWritten(text="stays\n"))
    blob = made.blobs.put(LONG.encode())
    made.cell(5, "long()", StreamWritten(text="long output\n…", blob=blob, size=len(LONG)))
    made.add(ExecutionSkipped(source="never()", reason="an earlier cell failed"))
    made.add(call("claude-sonnet-4-5", 1200, 340, 0.0087))
    made.add(call("claude-sonnet-4-5", 800, 100, None))
    made.add(OutcomeTagged(outcome="success", tags=("config:fast",)))
    made.end()
    made.begin(agent="=cmd()", task="odd text")
    for number, text in enumerate((*FORMULAS, *ODD), 1):
        made.cell(number, text, StreamWritten(text=text), error=failure(text) if number % 2 else None)
    made.end()
    return made
