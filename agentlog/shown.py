"""An execution whole, as `show` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from agentlog.errors import NotFound, StoreError
from agentlog.events import (
    Change,
    Displayed,
    ErrorRaised,
    Event,
    ExecutionEnded,
    Failure,
    Frame,
    NamespaceChanged,
    StreamWritten,
    Value,
    plain,
)  # fmt: skip
from agentlog.ids import short
from agentlog.past import Death, Execution
from agentlog.store import Store
from agentlog.tables import OF_STATUS, Text, ago, duration, in_terminal, paint
from agentlog.valuetext import brief

PARTS = ("source", "output", "error", "changes")
_KINDS = frozenset(cls.kind for cls in (StreamWritten, Displayed, ErrorRaised, ExecutionEnded, NamespaceChanged))
_TEXTS = ("text/plain", "text/markdown", "text/latex", "text/html", "application/json")
"""MIME types that can be shown as text, the best first."""


@dataclass(frozen=True, slots=True)
class Output:
    """One piece of output. `kind`: stdout, stderr, display or result; `missing`: characters that are not here, and where."""

    kind: str
    text: str
    missing: int = 0
    handle: str | None = None


@dataclass(frozen=True, repr=False)
class Page(Text):
    """Characters `start` to `end` of a text of `size` characters."""

    text: str
    start: int
    size: int

    @classmethod
    def of(cls, whole: str, start: int | None, end: int | None) -> Page:
        """That part of `whole`."""
        first = min(start or 0, len(whole))
        return cls(whole[first:end], first, len(whole))

    def __str__(self) -> str:
        end = self.start + len(self.text)
        rest = f"; the rest: --start {end}" if end < self.size else ""
        return f"{self.text}\n[characters {self.start} to {end} of {self.size}{rest}]"

    def as_json(self) -> dict[str, Any]:
        """{"text", "start", "end", "size"}."""
        return {"text": self.text, "start": self.start, "end": self.start + len(self.text), "size": self.size}


@dataclass(frozen=True, repr=False)
class Shown(Text):
    """An execution with everything that hangs on it; `parts`: what is printed."""

    execution: Execution
    outputs: tuple[Output, ...] = ()
    result: Value | None = None
    errors: tuple[ErrorRaised, ...] = ()
    changes: tuple[Change, ...] = ()
    death: Death | None = None
    parts: tuple[str, ...] = field(default=PARTS)

    def only(self, parts: tuple[str, ...]) -> Shown:
        """The same, with these parts printed."""
        return replace(self, parts=parts)

    def output_text(self) -> str:
        """All output, one piece after the other."""
        return "".join(output.text for output in self.outputs)

    def __str__(self) -> str:
        colour = in_terminal()
        head = [self._head(colour)] if self.parts == PARTS else []
        return "\n".join(
            [*head, *(line for part, lines in self.told().items() for line in self._part(part, lines, colour))]
        ).rstrip("\n")

    def as_json(self) -> dict[str, Any]:
        """The execution's fields, and "outputs", "result", "errors", "changes", "death" as far as they are asked for."""
        found: dict[str, Any] = {"source": self.execution.source, "outputs": [asdict(output) for output in self.outputs]}
        found["errors"] = [plain(error.failure) for error in self.errors]
        found["changes"] = [plain(change) for change in self.changes]
        found["result"] = plain(self.result)
        names = {"source": ("source",), "output": ("outputs", "result"), "error": ("errors",), "changes": ("changes",)}
        facts = {key: value for key, value in asdict(self.execution).items() if key != "source"}
        death = {"death": asdict(self.death)} if self.death else {}
        return {**facts, **death, **{name: found[name] for part in self.parts for name in names[part]}}

    def _head(self, colour: bool) -> str:
        one = self.execution
        label = f"In[{one.count}] {short(one.id)}" if one.count is not None else short(one.id)
        facts = (
            duration(one.ms),
            ago(one.started),
            f"session {short(one.session)}",
            f"cell {one.cell_id}" if one.cell_id else "",
        )
        status = paint(one.status, OF_STATUS.get(one.status, "red"), colour)
        return "  ".join(filter(None, (paint(label, "bold", colour), status, *facts)))

    def told(self) -> dict[str, list[str]]:
        """The lines of each part that is printed."""
        known = {"source": self._source, "output": self._output, "error": self._error, "changes": self._changes}
        return {part: list(known[part]()) for part in self.parts}

    def _repr_html_(self) -> str:
        from agentlog.html.story import show

        return show(self)

    def _part(self, part: str, lines: list[str], colour: bool) -> Iterator[str]:
        if lines and len(self.parts) > 1:
            yield paint(f"--- {part}", "dim", colour)
        yield from lines

    def _source(self) -> Iterator[str]:
        yield self.execution.source.rstrip("\n")

    def _output(self) -> Iterator[str]:
        for output in self.outputs:
            yield output.text.rstrip("\n") if output.kind == "stdout" else f"[{output.kind}] " + output.text.rstrip("\n")
            if output.missing:
                yield f"[{output.missing} characters are not shown: show {short(self.execution.id)} --full]"
        if self.result is not None and not any(output.kind == "result" for output in self.outputs):
            yield f"[result] {brief(self.result)}"

    def _error(self) -> Iterator[str]:
        for error in self.errors:
            if error.origin not in ("cell", "shown"):
                yield f"[{error.origin}]"
            yield from failure_lines(error.failure)
        if self.death is not None:
            yield from death_lines(self.death)

    def _changes(self) -> Iterator[str]:
        for change in self.changes:
            sides = [brief(side) for side in (change.old, change.new) if side is not None]
            told = f" ({change.how})" if change.how else ""
            yield f"{change.name}: {change.kind}{told}" + (f"  {' -> '.join(sides)}" if sides else "")


def gather(store: Store, execution: Execution, *, full: bool = False) -> Shown:
    """Everything about `execution`; `full`: outputs whole, from the blobs where the journal has only a part."""
    events = list(store.events(execution=execution.id, kinds=_KINDS))
    changed = [event for event in events if isinstance(event, NamespaceChanged)]
    return Shown(
        execution,
        tuple(output for event in events for output in _outputs(store, event, full)),
        next((event.result for event in events if isinstance(event, ExecutionEnded)), None),
        tuple(event for event in events if isinstance(event, ErrorRaised)),
        tuple(change for event in changed for change in event.changes),
        store.death(execution),
    )


def _outputs(store: Store, event: Event, full: bool) -> Iterator[Output]:
    if isinstance(event, StreamWritten):
        whole = _whole(store, event.blob) if full and event.blob else None
        missing = 0 if whole is not None or event.blob is None else max((event.size or 0) - len(event.text), 0)
        yield Output(event.name, event.text if whole is None else whole, missing, event.blob)
    elif isinstance(event, Displayed):
        kind = "result" if event.result else "display"
        mime = next((mime for mime in _TEXTS if mime in event.data or mime in event.blobs), None)
        others = sorted((event.data.keys() | event.blobs.keys()) - {mime})
        if mime is not None and (mime in event.data or full):
            text = event.data.get(mime)
            yield Output(kind, text if text is not None else _whole(store, event.blobs[mime]) or "", handle=event.blobs.get(mime))
        elif mime is not None or others:
            names = [mime, *others] if mime else others
            handle = next((event.blobs[name] for name in names if name in event.blobs), None)
            size = next((event.sizes[name] for name in names if name in event.sizes), None)
            yield Output(kind, f"<{', '.join(names)}{f', {size} bytes' if size else ''}>\n", handle=handle)


def _whole(store: Store, digest: str) -> str | None:
    try:
        return store.blob(digest).decode("utf-8", "replace")
    except (NotFound, StoreError) as error:
        return f"[{error}]\n"


def failure_lines(failure: Failure, indent: str = "") -> Iterator[str]:
    """A failure with its frames, user frames with their locals, then what it came from."""
    first = failure.message.strip().splitlines()
    yield f"{indent}{failure.type}: {first[0]}" if first else f"{indent}{failure.type}"
    yield from (f"{indent}  {line}" for line in first[1:])
    yield from (f"{indent}  note: {note}" for note in failure.notes)
    for frame in failure.frames:
        yield from (indent + line for line in _frame_lines(frame))
    if failure.expression is not None:
        yield f"{indent}  failed: {failure.expression.text}"
        yield from (f"{indent}    {operand.text} = {brief(operand.value)}" for operand in failure.expression.operands)
    for evidence in failure.evidence:
        yield from (f"{indent}  {f'{fact.about}: ' if fact.about else ''}{fact.text}" for fact in evidence.facts)
    for member in failure.group:
        yield from failure_lines(member, indent + "  | ")
    if failure.cause is not None:
        yield f"{indent}{'caused by' if failure.explicit_cause else 'while handling'}:"
        yield from failure_lines(failure.cause, indent + "  ")


def _frame_lines(frame: Frame) -> Iterator[str]:
    where = f"In[{frame.count}]" if frame.count is not None else frame.file
    yield f"  {where}:{frame.line} {frame.function}" + (f"   {frame.source.strip()}" if frame.source else "")
    if frame.kind in ("cell", "user"):
        yield from (f"      {name} = {brief(value)}" for name, value in frame.locals.items())
        if frame.omitted:
            yield f"      … {frame.omitted} more names"


def death_lines(death: Death) -> Iterator[str]:
    """How the process died, with the stack where there is one."""
    yield death.how
    if death.hint:
        yield f"  {death.hint}"
    yield from (f"  {line}" for line in (death.stack or death.no_stack or "").splitlines())
    if death.stderr:
        yield "  stderr at the end:"
        yield from (f"    {line}" for line in death.stderr.splitlines()[-10:])
