"""The model: what can happen, what a value looks like, what a failure is.

Everything here is a frozen dataclass of plain data that outlives the process. Two vocabularies of short keys
are written to the store, and both are documented once, here:

record keys   `RECORD_KEYS`   i id, t time, e kind of event, s session, x execution, q sequence, l level, m message
value keys    `VALUE_KEYS`    t type, v value, n length, k keys, sh shape, dt dtype, cols columns, ...

`to_record` / `from_record` turn an event into a JSON object and back; what is None or empty is not written, and
a kind that this version does not know is read back as `Unknown` with all its fields, never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, Literal

SCHEMA = 1
"""Version of the journal's records. A higher one in a segment means: written by a newer agentlog."""

Scalar = str | int | float | bool | None

Status = Literal["running", "ok", "error", "error_shown", "interrupted", "timed_out", "not_run", "died"]
"""How an execution ended; one enumeration for recorder and runner. `error_shown`: an error that IPython
displayed while the cell counted as ok (`%run`, `%%capture`, a broken repr)."""

FAILED: frozenset[str] = frozenset({"error", "error_shown", "interrupted", "timed_out", "died"})


# --- values ---------------------------------------------------------------------------------------------------

VALUE_KEYS = {
    "type": "t", "module": "mod", "value": "v", "length": "n", "entries": "k", "items": "it", "attributes": "a",
    "shape": "sh", "dtype": "dt", "columns": "cols", "index": "ix", "range": "range", "nulls": "na", "head": "head",
    "facts": "f", "cut": "cut",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a frame. `nulls` is None where nobody counted; `sample` holds a few distinct values."""

    name: str
    dtype: str
    nulls: int | None = None
    sample: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A description of a live object, bounded in size, made without running the user's code.

    type        the class's name as a reader would say it: "DataFrame", "int", "Order"
    module      where the class lives; None for builtins
    value       the value itself where it is short (number, text), else a short text that stands for it
    length      len(), where it could be had safely
    entries     of a mapping: key text -> Value, the first ones
    items       of a sequence or set: the first ones (and the last, where `cut` says so)
    attributes  of an object: attribute -> Value; of an estimator: its parameters
    shape       of arrays, frames, series, tensors, images
    dtype       of arrays, series, tensors
    columns     of a frame
    index       of a frame or series: type, name, first and last label in words
    range       (least, greatest), where counted within the time allowed
    nulls       missing values, where counted
    head        first rows; each row is parallel to `columns` (a frame) or holds one scalar (series, array)
    facts       anything else observed, short: {"device": "cuda:0", "fitted": False, "sampled": 1000}
    cut         what was left out, in words: "990 of 1000 items"
    """

    type: str
    module: str | None = None
    value: Scalar = None
    length: int | None = None
    entries: Mapping[str, Value] = field(default_factory=dict)
    items: tuple[Value, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    columns: tuple[Column, ...] = ()
    index: str | None = None
    range: tuple[Scalar, Scalar] | None = None
    nulls: int | None = None
    head: tuple[tuple[Scalar, ...], ...] = ()
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    cut: str | None = None


# --- failures -------------------------------------------------------------------------------------------------

FrameKind = Literal["cell", "user", "library", "stdlib", "synthetic"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One level of a stack.

    cell        of a cell's frame: the execution id whose source this is; `count` its In[n]
    source      the text of the failing line; `context` a few (line number, text) around it
    locals      described locals (of a module-level frame: only the names that matter), most relevant first
    arguments   at the border, the first library frame after user code: what the user handed over
    omitted     locals that were not described
    same        local -> another name, of this frame or one further in, of the very same object
    """

    kind: FrameKind
    file: str
    line: int
    function: str
    module: str | None = None
    cell: str | None = None
    count: int | None = None
    source: str | None = None
    context: tuple[tuple[int, str], ...] = ()
    locals: Mapping[str, Value] = field(default_factory=dict)
    arguments: Mapping[str, Value] = field(default_factory=dict)
    omitted: int = 0
    same: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operand:
    """A part of the failing expression and what it was: `x.y` -> Value."""

    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class Expression:
    """The innermost expression that failed. `exact` when bytecode positions named it, else found by line."""

    text: str
    line: int
    exact: bool
    operands: tuple[Operand, ...] = ()


FactKind = Literal["points", "answers", "observes", "describes"]
"""What a fact is worth to who mends the failure, most first: it points at what to write or where to look instead; it is
just what the message complains of; it was observed beside that; it only says what something is."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One observed fact.

    about    the name or expression it is bound to, as the user wrote it: "df", "df['age']"; None: the failure itself
    text     the fact in words, short, its clauses parted by "; ": "no column 'Region_Code'; nearest 'region_code' (differs in case)"
    value    a description that belongs to it
    detail   more of the same for larger budgets, one line each, most useful first
    kind     see `FactKind`; what was recorded before there were kinds, observes
    """

    text: str
    about: str | None = None
    value: Value | None = None
    detail: tuple[str, ...] = ()
    kind: FactKind = "observes"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one collector observed at the moment of the failure. `names`: variables worth showing for it."""

    collector: str
    facts: tuple[Fact, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception as it was when it arrived: plain data.

    frames     outermost first
    cause      the exception it came from (`__cause__`, else `__context__` unless suppressed)
    group      members of an exception group
    hash       stable id of this kind of failure (see `patterns.hash_error`)
    """

    type: str
    message: str
    module: str | None = None
    frames: tuple[Frame, ...] = ()
    expression: Expression | None = None
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    cause: Failure | None = None
    explicit_cause: bool = False
    group: tuple[Failure, ...] = ()
    hash: str | None = None

    @property
    def title(self) -> str:
        """ "KeyError: 'x'"; the type alone where there is no message."""
        message = self.message.rstrip()
        return f"{self.type}: {message}" if message else self.type


# --- change ---------------------------------------------------------------------------------------------------

ChangeKind = Literal["made", "rebound", "mutated", "deleted", "unknown"]


@dataclass(frozen=True, slots=True)
class Change:
    """What an execution did to one name.

    how      for `mutated`: "seen" (the object was compared) or "source" (its in-place statement ran, the object was
             too large to compare); for `unknown`: what was looked at
    since    execution id of the last full look, where the change may have happened in any execution since then
    """

    name: str
    kind: ChangeKind
    old: Value | None = None
    new: Value | None = None
    how: str | None = None
    since: str | None = None


# --- events ---------------------------------------------------------------------------------------------------

RECORD_KEYS = {
    "id": "i", "time": "t", "kind": "e", "session": "s", "execution": "x", "sequence": "q", "level": "l", "message": "m",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event carries. `id`, `time` and `sequence` are stamped by the recorder."""

    kind: ClassVar[str] = "event"

    session: str = ""
    execution: str | None = None
    id: str = ""
    time: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """A kernel, a process or a task inside one came to life.

    life: "kernel" | "ipython" | "process" | "task"; git: {"commit","branch","dirty"}; packages: name -> version;
    trace: the W3C trace context that the process was started in (TRACEPARENT)
    """

    kind: ClassVar[str] = "session.start"
    life: str = "process"
    agent: str | None = None
    task: str | None = None
    parent: str | None = None
    host: str | None = None
    pid: int | None = None
    started_at: float | None = None
    python: str | None = None
    executable: str | None = None
    argv: tuple[str, ...] = ()
    cwd: str | None = None
    notebook: str | None = None
    kernel: str | None = None
    platform: str | None = None
    git: Mapping[str, Scalar] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    environment: tuple[str, ...] = ()
    agentlog: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLearned(Event):
    """Facts about the session that were known later: the notebook's path, packages imported since, git state."""

    kind: ClassVar[str] = "session.learned"
    notebook: str | None = None
    git: Mapping[str, Scalar] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """How: "exit" | "shutdown" | "unloaded" | "ended" (a task) | "died" (said by whoever saw it)."""

    kind: ClassVar[str] = "session.end"
    how: str = "exit"
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStarted(Event):
    """A cell is about to run; in the journal before its code runs. `count` is In[n] where it has one.

    own: the cell holds only %agentlog lines; internal: run by a front end (store_history off at depth 0);
    within: the execution that runs this one (nested); request: id of the message that asked for it.
    rss: resident bytes as last looked at, at the end of the cell before.
    """

    kind: ClassVar[str] = "cell.start"
    number: int = 0
    count: int | None = None
    cell_id: str | None = None
    source: str = ""
    notebook: str | None = None
    request: str | None = None
    within: str | None = None
    own: bool = False
    internal: bool = False
    thread: str | None = None
    rss: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEnded(Event):
    """The cell is done. `ms` from a monotonic clock; memory in bytes, of a cell that took no time as last looked at;
    `peak` only where it rose."""

    kind: ClassVar[str] = "cell.end"
    status: Status = "ok"
    count: int | None = None
    ms: float = 0.0
    rss: int | None = None
    peak: int | None = None
    result: Value | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceChanged(Event):
    """What the cell read, wrote and changed, found after it ran. `ms`: what looking took.

    reads: names read before any write in the cell; lazy: names its functions read when called;
    complete: False where the time allowed did not suffice (those names are `unknown`);
    surroundings: what is new or different around the cell since the one before, as short prints: "file:data.csv",
    "wrote:out.csv", "env:TZ" (keyed hash), "timezone", "hash_seed", "cwd", "package:numpy", "module:utils" (a local
    file), "edited:utils" (changed on disk since it was imported), "random:numpy" (state before the cell drew from it).
    """

    kind: ClassVar[str] = "cell.namespace"
    changes: tuple[Change, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True
    ms: float = 0.0
    surroundings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamWritten(Event):
    """A piece of stdout or stderr after the terminal model: the pieces of a cell's stream, joined in order, are the stream.
    `blob` holds all of this piece where `text` was cut.

    size: characters of the whole piece; late: arrived after the cell that caused it had ended; unfinished: what could still
    change, as it stood (a progress bar, the last lines of a long text): whatever follows of this stream takes its place.
    """

    kind: ClassVar[str] = "stream"
    name: str = "stdout"
    text: str = ""
    blob: str | None = None
    size: int | None = None
    late: bool = False
    unfinished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Displayed(Event):
    """A display or a result. `data`: MIME type -> text; `blobs`: MIME type -> digest of a large or binary body.

    clear: no display, but the cell's outputs so far were taken off the screen.
    """

    kind: ClassVar[str] = "display"
    result: bool = False
    update: bool = False
    display_id: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    blobs: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    clear: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRaised(Event):
    """An exception arrived. `origin`: "cell" | "shown" | "uncaught" | "thread" | "asyncio" | "unraisable" |
    "logging" | "captured" | "future" | "child" | "task" (it left a named task); `spent_ms`: what describing it took."""

    kind: ClassVar[str] = "error"
    level: str = "error"
    message: str = ""
    failure: Failure = field(default_factory=lambda: Failure("Exception", ""))
    origin: str = "cell"
    spent_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessDied(Event):
    """Said by whoever saw a process end badly. `signal` in words; `stack`: the faulthandler text where one exists; `output`: the
    last the execution put out, of which the process itself may not have lived to write all."""

    kind: ClassVar[str] = "process.died"
    pid: int | None = None
    exit_code: int | None = None
    signal: str | None = None
    hint: str | None = None
    stack: str | None = None
    stderr: str | None = None
    output: str | None = None
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSkipped(Event):
    """A cell that a run never reached, and why."""

    kind: ClassVar[str] = "cell.skipped"
    cell_id: str | None = None
    source: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Event):
    """A line of the user's program or of a library. `data`: described context; `tags` for filtering."""

    kind: ClassVar[str] = "log"
    level: str = "info"
    message: str = ""
    logger: str | None = None
    data: Mapping[str, Value] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEnded(Event):
    """A timed piece of work: a tool call, a model call, a function, a named span.

    span / parent: ids; what: "span" | "tool" | "llm" | "function"; data: whatever was noted, described;
    tokens: {"input","output","cache_read","cache_write","reasoning"}; trace: the W3C trace context that came with the request.
    """

    kind: ClassVar[str] = "span"
    what: str = "span"
    name: str = ""
    span: str = ""
    parent: str | None = None
    trace: str | None = None
    ok: bool = True
    error: str | None = None
    ms: float = 0.0
    arguments: Mapping[str, Value] = field(default_factory=dict)
    result: Value | None = None
    data: Mapping[str, Value] = field(default_factory=dict)
    model: str | None = None
    provider: str | None = None
    tokens: Mapping[str, int] = field(default_factory=dict)
    cost: float | None = None
    stdout: str | None = None
    stderr: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade(Event):
    """Why a path was taken."""

    kind: ClassVar[str] = "decision"
    question: str = ""
    choice: str = ""
    options: tuple[str, ...] = ()
    reason: str | None = None
    data: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSaid(Event):
    """role: "user" | "thought" | "agent" | "handover"; `to`: the other agent of a handover."""

    kind: ClassVar[str] = "message"
    role: str = "agent"
    text: str = ""
    to: str | None = None
    data: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerfMarked(Event):
    """A mark with time, memory, threads. `figures` are the caller's own."""

    kind: ClassVar[str] = "perf"
    name: str = ""
    figures: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTagged(Event):
    """success | failure | partial, of an execution or of the session; `subject` names another session."""

    kind: ClassVar[str] = "outcome"
    outcome: str = "success"
    confidence: float = 1.0
    reason: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSeen(Event):
    """A bounded look at the workspace: git diff (first lines) and hashes of tracked and touched files."""

    kind: ClassVar[str] = "workspace"
    git: Mapping[str, Scalar] = field(default_factory=dict)
    diff: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    cut: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSeen(Event):
    """A failure's pattern was recorded or was seen to be fixed. `action`: "seen" | "fixed" | "note"."""

    kind: ClassVar[str] = "pattern"
    action: str = "seen"
    pattern: str = ""
    note: str | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSet(Event):
    """From here on `sessions` are what the baseline `name` stands for."""

    kind: ClassVar[str] = "baseline"
    name: str = ""
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderFaulted(Event):
    """Something went wrong in the recorder itself; the user's program went on. Also counts what was dropped."""

    kind: ClassVar[str] = "fault"
    part: str = ""
    reason: str = ""
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentClosed(Event):
    """Last record of a segment that was closed in order; `head` is the hash chain's head before it."""

    kind: ClassVar[str] = "segment.end"
    records: int = 0
    head: str = ""
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Event):
    """A kind that this version does not know, with everything it carried."""

    kind: ClassVar[str] = "unknown"
    name: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def _subclasses(cls: type[Event]) -> list[type[Event]]:
    return [found for sub in cls.__subclasses__() for found in (sub, *_subclasses(sub))]


KINDS: dict[str, type[Event]] = {cls.kind: cls for cls in _subclasses(Event) if cls.kind != Unknown.kind}
"""Kind of event as written in the store -> its class."""


# --- plain data and back --------------------------------------------------------------------------------------


@cache
def _plan(cls: type) -> tuple[tuple[str, str], ...]:
    """(attribute, key in JSON) for each field of a model class."""
    keys = VALUE_KEYS if cls is Value else RECORD_KEYS if issubclass(cls, Event) else {}
    return tuple((f.name, keys.get(f.name, f.name)) for f in fields(cls))


@cache
def _layout(cls: type) -> tuple[Callable[[object], Any], tuple[str, ...], tuple[object, ...]]:
    """(what reads all fields of an object at once, their keys in JSON, the defaults that need not be written)."""
    defaults = [() if f.default is MISSING else f.default for f in fields(cls)]
    names, keys = zip(*_plan(cls), strict=True)
    always = [default if name != "level" else ... for name, default in zip(names, defaults, strict=True)]  # people filter by it
    return attrgetter(*names), keys, tuple(always)


_SCALARS = frozenset({str, int, float, bool})


def plain(thing: object) -> Any:
    """A model object as JSON data; fields that are None, empty or at their default are left out."""
    cls = thing.__class__
    if cls is str or cls is int or cls is float or cls is bool or thing is None:
        return thing
    if cls is dict or isinstance(thing, Mapping):
        return {key: plain(value) for key, value in thing.items()}  # type: ignore[attr-defined]
    if cls is tuple or cls is list:
        return [plain(item) for item in thing]  # type: ignore[attr-defined]
    if cls is Column:
        return _plain_column(thing)  # type: ignore[arg-type]
    read, keys, defaults = _layout(cls)  # type: ignore[arg-type]
    out = {}
    for key, default, value in zip(keys, defaults, read(thing)):  # noqa: B905  (all of one length; called for every event)
        if value is default or value is None:
            continue
        if value.__class__ in _SCALARS:
            out[key] = value
        elif value:
            out[key] = plain(value)
    return out


def _plain_column(column: Column) -> list[Any]:
    """[name, dtype, nulls, sample], without the empty tail: a frame has many columns."""
    row: list[Any] = [column.name, column.dtype, column.nulls, list(column.sample)]
    while row[-1] is None or row[-1] == []:
        row.pop()
    return row


def to_record(event: Event) -> dict[str, Any]:
    """`event` as a JSON object with the record keys first; the inverse of `from_record`."""
    if isinstance(event, Unknown):
        return {"e": event.name, **event.fields}
    record = {"e": event.kind}
    record.update(plain(event))
    return record


def from_record(record: Mapping[str, Any]) -> Event:
    """The event that was written as `record`. Unknown fields are ignored; unknown kinds become `Unknown`."""
    cls = KINDS.get(str(record.get("e")))
    if cls is None:
        known = {name: record[key] for name, key in RECORD_KEYS.items() if key in record and name in _ENVELOPE}
        return Unknown(name=str(record.get("e")), fields={k: v for k, v in record.items() if k != "e"}, **known)
    return _build(cls, record)  # type: ignore[no-any-return]


_ENVELOPE = ("id", "time", "session", "execution", "sequence")


def value_from_plain(data: Mapping[str, Any]) -> Value:
    """The Value that was written as `data`."""
    return _build(Value, data)  # type: ignore[no-any-return]


def failure_from_plain(data: Mapping[str, Any]) -> Failure:
    """The Failure that was written as `data`."""
    return _build(Failure, data)  # type: ignore[no-any-return]


def _build(cls: type, data: Mapping[str, Any]) -> Any:
    places = _places(cls)
    arguments = {}
    for key, value in data.items():
        place = places.get(key)
        if place is not None:
            name, reader = place
            arguments[name] = reader(value) if value is not None else None
    return cls(**arguments)


@cache
def _places(cls: type) -> dict[str, tuple[str, Callable[[Any], Any]]]:
    """key in JSON -> (attribute, what reads its value back)."""
    readers = {name: _READERS.get((cls, name)) or _READERS.get((Event, name)) or _frozen for name, _ in _plan(cls)}
    return {key: (name, readers[name]) for name, key in _plan(cls)}


def _frozen(data: Any) -> Any:
    return tuple([_frozen(item) for item in data]) if data.__class__ is list else data


def _one(cls: type) -> Any:
    return lambda data: _build(cls, data)


def _many(cls: type) -> Any:
    return lambda data: tuple([_build(cls, item) for item in data])


def _named(cls: type) -> Any:
    return lambda data: {key: _build(cls, item) for key, item in data.items()}


def _columns(rows: list[list[Any]]) -> tuple[Column, ...]:
    return tuple([Column(*row[:3], *map(tuple, row[3:4])) for row in rows])


_READERS: dict[tuple[type, str], Any] = {
    (Value, "entries"): _named(Value), (Value, "attributes"): _named(Value), (Value, "items"): _many(Value),
    (Value, "columns"): _columns,
    (Frame, "locals"): _named(Value), (Frame, "arguments"): _named(Value),
    (Operand, "value"): _one(Value), (Expression, "operands"): _many(Operand),
    (Fact, "value"): _one(Value), (Evidence, "facts"): _many(Fact),
    (Failure, "frames"): _many(Frame), (Failure, "expression"): _one(Expression), (Failure, "evidence"): _many(Evidence),
    (Failure, "cause"): _one(Failure), (Failure, "group"): _many(Failure),
    (Change, "old"): _one(Value), (Change, "new"): _one(Value),
    (Event, "failure"): _one(Failure), (Event, "changes"): _many(Change), (Event, "result"): None,
    (ExecutionEnded, "result"): _one(Value), (SpanEnded, "result"): _one(Value),
    (Event, "data"): None, (Logged, "data"): _named(Value), (SpanEnded, "data"): _named(Value),
    (SpanEnded, "arguments"): _named(Value), (DecisionMade, "data"): _named(Value), (MessageSaid, "data"): _named(Value),
}  # fmt: skip
"""How nested fields are read back. An entry for Event serves every event that has no entry of its own."""
