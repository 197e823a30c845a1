"""One execution on its way, and the reply that comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agentlog.clock import clock
from agentlog.ids import new_id
from agentlog_ipy.channels import Request
from agentlog_ipy.death import Death
from agentlog_ipy.ladder import Climb
from agentlog_ipy.link import Link
from agentlog_ipy.reply import Look, Reply, ReplyStatus, outputs_of
from agentlog_ipy.transcript import Error, Transcript, error_of
from agentlog_ipy.wire import Message

_RATE_LIMIT = re.compile(r"^IOPub (data|message) rate exceeded", re.MULTILINE)
END_OF_INPUT = "\x04"
"""what ipykernel turns into an EOFError"""


@dataclass(eq=False)
class Run:
    """What was asked and what has come for it so far."""

    code: str
    answers: list[str] = field(default_factory=list)
    listen: Callable[[Message], None] | None = None
    metadata: Message = field(default_factory=dict)
    execution: str = field(default_factory=new_id)
    transcript: Transcript = field(default_factory=Transcript)
    late: Transcript = field(default_factory=Transcript)
    begun: float = field(default_factory=clock.monotonic)
    seconds: float = 0.0
    heard: float = 0.0
    notes: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    interrupted: bool = False
    climb: Climb | None = None
    look: Look | None = None
    death: Death | None = None
    _request: Request | None = None
    _over: bool = False
    _news: int = 0

    @property
    def sent(self) -> bool:
        """Is it with the kernel?"""
        return self._request is not None

    @property
    def request(self) -> Request:
        """The message that asked for it."""
        assert self._request is not None
        return self._request

    @property
    def aborted(self) -> bool:
        """Did the kernel refuse to run it?"""
        return self.request.complete and self.request.reply.result().get("status") in ("aborted", "abort")

    def send(self, link: Link) -> None:
        """Ask the kernel to run it."""
        content = {
            "code": self.code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": True, "stop_on_error": False,
        }  # fmt: skip
        metadata = {**self.metadata, "agentlog": {**self.metadata.get("agentlog", {}), "execution": self.execution}}

        def heard(channel: str, message: Message) -> None:
            if channel == "stdin":
                link.dispatch.answer({"value": self._answer(message)}, message)
            else:
                self._heard(message)

        self._request = link.dispatch.send("shell", "execute_request", content, metadata=metadata, listen=heard)

    def _answer(self, message: Message) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.unanswered.append(str(message["content"].get("prompt", "")))
        return END_OF_INPUT

    def _heard(self, message: Message) -> None:
        kind = message["header"]["msg_type"]
        if kind in ("stream", "display_data", "execute_result", "error", "update_display_data"):
            self.heard = clock.monotonic()
        (self.late if self._over else self.transcript).add(kind, message["content"])
        if self.listen is not None and not self._over:
            self.listen(message)

    def finish(self) -> None:
        """Output from here on is late."""
        self._over = True

    def has_news(self) -> bool:
        """Did something come late that nobody was told of?"""
        return bool(self.late.items) and len(self.late.text("stdout")) + len(self.late.text("stderr")) > self._news

    def late_note(self) -> str:
        """What came late, said once."""
        text = self.late.text("stdout") + self.late.text("stderr")
        new, self._news = text[self._news :], len(text)
        return f"late output of In[{self.transcript.count}] ({self.execution[-6:]}): {new.strip()[-300:]}"

    def read(self, stream: str, start: int, end: int | None) -> str:
        """Characters of a stream, what came late at the end."""
        size = sum(len(spool) for spool in self.transcript.spools(stream))
        text = self.transcript.read(stream, start, end)
        return text + self.late.read(stream, max(0, start - size), None if end is None else max(0, end - size))


def reply_of(run: Run, link: Link | None, images: Path, notes: list[str], max_tokens: int, handle: str) -> Reply:
    """The frozen answer for `run`; nothing that comes later changes it."""
    run.finish()
    content: Message = run.request.reply.result() if run.sent and _answered(run.request) else {}
    status = _status(run, content)
    error = _error(run, content)
    footprint = link.footprint if link is not None else None
    return Reply(
        status=status,
        execution=run.execution,
        code=run.code,
        count=content.get("execution_count") or run.transcript.count,
        outputs=outputs_of(run.transcript, images),
        error=error if status != "ok" else None,
        notes=(*notes, *_notes(run, content)),
        look=run.look if status == "timed_out" else None,
        death=run.death if status == "died" else None,
        seconds=run.seconds,
        memory=footprint.resident if footprint else None,
        peak=footprint.peak if footprint else None,
        max_tokens=max_tokens,
        handle=handle,
        transcript=run.transcript,
        store=images.parent,
        session=link.facts.session if link is not None else None,
    )


def _answered(request: Request) -> bool:
    return request.reply.done() and not request.reply.cancelled()


def _status(run: Run, content: Message) -> ReplyStatus:
    if run.climb is not None:
        return "timed_out"
    if not run.sent or (content.get("status") in ("aborted", "abort") and not run.interrupted):
        return "not_run"
    if run.death is not None:
        return "died"
    failed = content.get("status") != "ok" or bool(run.transcript.errors)
    if failed and (run.interrupted or content.get("ename") == "KeyboardInterrupt"):
        return "interrupted"
    return "error" if failed else "ok"


def _error(run: Run, content: Message) -> Error | None:
    """The error: as it was displayed where the reply knows less (a display's error, `%run`)."""
    shown = run.transcript.errors[-1] if run.transcript.errors else None
    told = error_of(content) if content.get("status") == "error" else None
    found = shown or told
    if found is not None and run.unanswered and found.name == "EOFError":
        prompt = run.unanswered[-1]
        return Error(
            "EOFError", f"input({prompt!r}) was called and no answer was given: run(..., answers=[...])", found.traceback
        )
    if shown is None and told is not None and not told.traceback:
        return Error(told.name, told.message, run.transcript.text("stderr")[-2_000:])
    return found


def _notes(run: Run, content: Message) -> list[str]:
    notes = [
        f"input({prompt!r}) had no answer and got the end of the input; run(..., answers=[...]) gives some"
        for prompt in run.unanswered
    ]
    if content.get("status") in ("aborted", "abort") and run.climb is None and not run.interrupted:
        notes.append("the kernel aborted it: the code did not run")
    if run.climb is not None:
        notes.append(_of_climb(run.climb, content))
    elif run.look is not None:
        notes.append("it ended by itself while it was being looked at, after its deadline")
    if run.sent and run.request.gave_up:
        notes.append("the kernel never said that all output was sent; some may be missing")
    if run.interrupted and content.get("status") == "ok":
        notes.append("it was interrupted, held that back and ended in order")
    if _RATE_LIMIT.search(run.transcript.text("stderr")[-5_000:]):
        notes.append(
            "the Jupyter server dropped output (its iopub rate limit): raise ZMQChannelsWebsocketConnection.iopub_data_rate_limit"
        )
    dropped = sum(spool.dropped for name in ("stdout", "stderr") for spool in run.transcript.spools(name))
    if dropped:
        notes.append(f"{dropped:,} characters of output beyond the limit were dropped")
    return notes


def _of_climb(climb: Climb, content: Message) -> str:
    after = f"{climb.seconds:.1f} s after the deadline"
    if climb.rung is None:
        return "nothing stopped it: the cell is still running; the next run waits for it, restart() ends it"
    if not climb.survived:
        return f"stopped by {climb.rung}, {after}; all variables are lost; the next run gets a fresh kernel"
    after += "" if climb.drained else " (output is still arriving: k.output() has it)"
    held = " (it held the exception back and ended in order)" if content.get("status") == "ok" else ""
    return f"stopped by {climb.rung}, {after}{held}; the kernel lives on with its variables"
