"""What a kernel answered: everything, and in few tokens what an agent should read of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agentlog.events import Change
from agentlog.tokens import estimate_tokens
from agentlog_ipy.fitting import Stretch, fitted, fitted_parts
from agentlog_ipy.images import IMAGE_SUFFIXES, Image, saved
from agentlog_ipy.spool import Spool
from agentlog_ipy.transcript import Display, Error, Transcript

ReplyStatus = Literal["ok", "error", "interrupted", "timed_out", "died", "not_run", "running"]
MAX_TOKENS = 1_000
TEXT_TYPES = ("text/llm+plain", "text/markdown", "text/plain", "text/latex", "application/json", "text/html")


@dataclass(frozen=True, slots=True)
class Output:
    """A result or a display: MIME type -> text or JSON, and the images among it as files."""

    result: bool
    data: Mapping[str, Any]
    images: tuple[Image, ...] = ()

    @property
    def text(self) -> str:
        """The form that is best to read."""
        for mime in TEXT_TYPES:
            if mime in self.data:
                value = self.data[mime]
                return value if isinstance(value, str) else str(value)
        return f"[{', '.join(self.data)}]" if self.data else ""


@dataclass(frozen=True, slots=True)
class Look:
    """What ran at the deadline: frames outermost first, each (where, source line, locals in words), and the raw
    stacks of all threads where only those could be had. `awaiting`: None where that is not known."""

    how: str
    frames: tuple[tuple[str, str, Mapping[str, str]], ...] = ()
    stacks: str = ""
    awaiting: bool | None = None

    def __str__(self) -> str:
        lines = []
        for where, source, names in self.frames:
            lines.append(f"  {where}: {source}" if source else f"  {where}")
            lines.extend(f"      {name} = {text}" for name, text in names.items())
        return "\n".join(lines) or self.stacks


@dataclass(frozen=True)
class Reply:
    """How one execution went.

    status      ok | error | interrupted | timed_out | died | not_run; running: only what it put out so far
    execution   its id, in the store too
    count       In[n]
    outputs     results and displays in order
    error       the last error, also one that was shown while the kernel said ok (`%run`, `%%capture`)
    context     the debugging context of a failure, where the kernel is recorded
    notes       what an honest answer must add: which interrupt worked, what was lost, what was cut
    look        what ran when the deadline came
    death       how the process ended
    seconds     from the request to the answer
    memory      resident bytes after it; `peak`: the most the process ever had
    changes     what it did to the user's names, where the kernel is recorded (looked up when asked for)
    """

    status: ReplyStatus
    execution: str
    code: str = ""
    count: int | None = None
    outputs: tuple[Output, ...] = ()
    error: Error | None = None
    context: str | None = None
    notes: tuple[str, ...] = ()
    look: Look | None = None
    death: Any = None
    seconds: float = 0.0
    memory: int | None = None
    peak: int | None = None
    max_tokens: int = MAX_TOKENS
    handle: str = "k.output({execution!r}, {start}, {end})"
    transcript: Transcript = field(default_factory=Transcript, repr=False, compare=False)
    store: Path | None = None
    session: str | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Names made, rebound, changed in place, deleted; read from the store, waiting for it 2 s at most."""
        from agentlog_ipy.recorded import changes_of

        if self.store is None or self.session is None:
            return ()
        return changes_of(self.store, self.session, self.execution, self.code)

    @property
    def ok(self) -> bool:
        """Did it do what it should?"""
        return self.status == "ok"

    @property
    def stdout(self) -> str:
        """All of it."""
        return self.transcript.text("stdout")

    @property
    def stderr(self) -> str:
        """All of it."""
        return self.transcript.text("stderr")

    @property
    def result(self) -> str | None:
        """The text of the last result, None without one."""
        results = [output for output in self.outputs if output.result]
        return results[-1].text if results else None

    @property
    def images(self) -> tuple[Image, ...]:
        """The images of all outputs, each once."""
        return tuple(dict.fromkeys(image for output in self.outputs for image in output.images))

    def render(self, max_tokens: int | None = None) -> str:
        """What an agent should read, in at most `max_tokens` (estimated): the verdict, notes and error first in the
        budget, then the end and the beginning of what was put out, with a handle to the rest."""
        budget = max_tokens or self.max_tokens
        head = [self._headline(), *(f"note: {note}" for note in self.notes)]
        if self.death is not None:
            head.append(str(self.death))
        if self.look is not None:
            head.append(f"running at the deadline ({self.look.how}):\n{self.look}")
        failure = self.context or (self._error_text() if self.error is not None else "")
        top = fitted("\n".join(head), max(60, budget // 2))
        tail = fitted(failure, max(40, (budget - estimate_tokens(top)) * 3 // 4)) if failure else ""
        left = budget - estimate_tokens(top) - estimate_tokens(tail) - 12
        body = self._body(left)
        return "\n".join(part for part in (top, body, tail) if part)

    __str__ = render

    def _headline(self) -> str:
        number = f"In[{self.count}] " if self.count else ""
        return f"{number}{self.status.replace('_', ' ')} in {self.seconds:.3g} s ({self.execution[-6:]})"

    def _error_text(self) -> str:
        assert self.error is not None
        return self.error.traceback or str(self.error)

    def _body(self, tokens: int) -> str:
        """The items in order; those that are long share what the short ones leave."""
        return "\n".join(text for text in fitted_parts(self._parts(), tokens) if text)

    def _parts(self) -> list[str | Stretch]:
        parts: list[str | Stretch] = []
        outputs = iter(self.outputs)
        seen: set[Image] = set()
        begin = {"stdout": 0, "stderr": 0}
        for item in self.transcript.items:
            if isinstance(item, Spool):
                parts.append(Stretch(item, begin.get(item.name, 0), self._rest))
                begin[item.name] = begin.get(item.name, 0) + len(item)
            elif isinstance(item, Display):
                output = next(outputs, None)
                if output is not None:
                    new = [image for image in output.images if image not in seen]
                    seen.update(new)
                    parts.append("\n".join(map(str, new)) if output.images else output.text)
        return parts

    def _rest(self, stream: str, start: int, end: int) -> str:
        """How to get characters `start` to `end` of a stream."""
        handle = self.handle.format(execution=self.execution[-6:], start=start, end=end)
        return f"{handle[:-1]}, stream='stderr')" if stream == "stderr" and handle.endswith(")") else handle


def outputs_of(transcript: Transcript, folder: Path) -> tuple[Output, ...]:
    """The displays of a transcript; images are saved in `folder`, which is `files` in the store."""
    return tuple(_output(item, folder) for item in transcript.items if isinstance(item, Display))


def _output(display: Display, folder: Path) -> Output:
    images = tuple(image for mime, body in display.data.items() if (image := saved(mime, body, folder)) is not None)
    data = {mime: body for mime, body in display.data.items() if mime not in IMAGE_SUFFIXES or mime == "image/svg+xml"}
    return Output(display.result, data, images)
