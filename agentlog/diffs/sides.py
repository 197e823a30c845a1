"""The two sides of a comparison, in one form: a recorded session, or an executed notebook file."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentlog.classes import dataclass
from agentlog.errors import AgentlogError, NotFound, UsageError
from agentlog.events import Change, Displayed, ErrorRaised, Event, NamespaceChanged, StreamWritten, Value, WorkspaceSeen
from agentlog.notebook_cells import NotebookCell, code_cells
from agentlog.past import Execution, Session

if TYPE_CHECKING:
    from agentlog.store import Store

_TEXT_FIRST = ("text/plain", "text/markdown", "text/html", "application/json", "text/latex")
_TEXTS = 200_000


@dataclass(frozen=True, slots=True)
class Output:
    """One output: text, or an image by the digest of its content. `kind`: a stream's name, "result" or "display"."""

    kind: str
    text: str = ""
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One execution as it is compared. `values`: name -> what it was made or changed to (None: deleted)."""

    label: str
    source: str
    id: str = ""
    cell_id: str | None = None
    status: str = "ok"
    error: str | None = None
    ms: float | None = None
    started: str | None = None
    outputs: tuple[Output, ...] = ()
    values: Mapping[str, Value | None] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, str] = field(default_factory=dict)
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Side:
    """A session or a notebook. `environment`: Python, host, packages and the like, by name."""

    title: str
    entries: tuple[Entry, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, str] = field(default_factory=dict)
    changed_files: Mapping[str, str] = field(default_factory=dict)
    git_diff: str | None = None


# --- a recorded session ---------------------------------------------------------------------------------------


def session_side(store: Store, session: Session) -> Side:
    """The session as a side: its executions (not those of front ends or of agentlog) with their effects and outputs."""
    by_execution: dict[str, list[Event]] = defaultdict(list)
    files: dict[str, str] = {}
    git_diff = None
    kinds = {NamespaceChanged.kind, StreamWritten.kind, Displayed.kind, ErrorRaised.kind, WorkspaceSeen.kind}
    for event in store.events(session=session.id, kinds=kinds):
        if isinstance(event, WorkspaceSeen):
            files, git_diff = {**files, **event.files}, event.diff or git_diff
        elif event.execution:
            by_execution[event.execution].append(event)
    entries = [entry_of(store, e, by_execution[e.id]) for e in store.executions(session.id) if e.within is None]
    return Side(
        _title(session), tuple(entries), _environment(session), {k: str(v) for k, v in session.git.items()}, files, git_diff
    )


def execution_entry(store: Store, execution: Execution) -> Entry:
    """One execution alone."""
    return entry_of(store, execution, list(store.events(execution=execution.id)))


def entry_of(store: Store, execution: Execution, events: list[Event]) -> Entry:
    """An execution with what its events say."""
    looks = [event for event in events if isinstance(event, NamespaceChanged)]
    changes = [change for look in looks for change in look.changes if change.kind != "unknown"]
    error = next((_error(event) for event in reversed(events) if isinstance(event, ErrorRaised)), execution.error)
    return Entry(
        execution.label, execution.source, execution.id, execution.cell_id, execution.status, error, execution.ms, execution.started,
        tuple(_outputs(store, events)), _values(changes), {change.name: change.kind for change in changes},
        {key: mark for look in looks for key, mark in look.surroundings.items()},
        frozenset(name for look in looks for name in (*look.reads, *look.lazy)),
    )  # fmt: skip


def _values(changes: list[Change]) -> dict[str, Value | None]:
    return {change.name: None if change.kind == "deleted" else change.new for change in changes}


def _error(event: ErrorRaised) -> str:
    return f"{event.failure.type}: {event.failure.message}" if event.failure.message else event.failure.type


def _outputs(store: Store, events: list[Event]) -> Iterator[Output]:
    streams: dict[str, str] = {}
    shown: list[Output] = []
    for event in events:
        if isinstance(event, StreamWritten):
            streams[event.name] = streams.get(event.name, "") + _stream(store, event)
        elif isinstance(event, Displayed) and event.clear:
            streams, shown = {}, []
        elif isinstance(event, Displayed) and not event.late:
            shown.append(_displayed(store, event))
    yield from (Output(name, text[:_TEXTS]) for name, text in sorted(streams.items()) if text)
    yield from shown


def _stream(store: Store, event: StreamWritten) -> str:
    try:
        return store.text(event) if event.blob else event.text
    except AgentlogError:
        return event.text


def _displayed(store: Store, event: Displayed) -> Output:
    kind = "result" if event.result else "display"
    image = next((mime for mime in (*event.blobs, *event.data) if mime.startswith("image/")), None)
    if image is not None:
        return Output(kind, image=_stored_image(store, event, image))
    mime = next((m for m in _TEXT_FIRST if m in event.data), None)
    if mime is None:
        digests = ",".join(sorted(event.blobs.values()))
        return Output(kind, text=digests or "".join(event.data.values())[:_TEXTS])
    return Output(kind, text=event.data[mime][:_TEXTS])


def _stored_image(store: Store, event: Displayed, mime: str) -> str:
    if mime not in event.blobs:
        return image_print(event.data[mime].encode(), mime)
    try:
        return image_print(store.blob(event.blobs[mime]), mime)
    except AgentlogError:
        return event.blobs[mime]


def _title(session: Session) -> str:
    when = (session.started or "")[:16].replace("T", " ")
    return f"{session.title} {session.id[-6:]} ({when})"


def _environment(session: Session) -> dict[str, str]:
    facts = {"python": session.python, "host": session.host, "cwd": session.cwd, "kernel": None}
    found = {key: str(value) for key, value in facts.items() if value}
    found.update({f"package:{name}": str(version) for name, version in session.packages.items()})
    return found


# --- an executed notebook -------------------------------------------------------------------------------------


def notebook_side(path: str | Path) -> Side:
    """The notebook file as a side. Raises NotFound or UsageError in one line."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError:
        raise NotFound(f"cannot read the notebook {path}: no such file, or no permission") from None
    except ValueError:
        raise UsageError(f"{path} is no notebook: it is not JSON") from None
    if not isinstance(document, dict) or not ("cells" in document or "worksheets" in document):
        raise UsageError(f"{path} is no notebook: it has no cells")
    language = (document.get("metadata") or {}).get("language_info") or {}
    environment = {"python": str(language["version"])} if language.get("version") else {}
    return Side(
        Path(path).name, tuple(_notebook_entry(cell) for cell in code_cells(document) if cell.source.strip()), environment
    )


def _notebook_entry(cell: NotebookCell) -> Entry:
    error = next((out for out in cell.outputs if out.get("output_type") in ("error", "pyerr")), None)
    message = f"{error.get('ename')}: {error.get('evalue')}" if error else None
    status = "error" if error else "ok" if cell.count is not None or cell.outputs else "not_run"
    label = f"In[{cell.count}]" if cell.count is not None else f"cell {cell.place + 1}"
    return Entry(label, cell.source, cell_id=cell.id, status=status, error=message, outputs=tuple(_notebook_outputs(cell)))


def _notebook_outputs(cell: NotebookCell) -> Iterator[Output]:
    streams: dict[str, str] = {}
    shown: list[Output] = []
    for out in cell.outputs:
        kind = out.get("output_type")
        if kind == "stream":
            name = str(out.get("name") or out.get("stream") or "stdout")
            streams[name] = streams.get(name, "") + _joined(out.get("text"))
        elif kind in ("execute_result", "display_data", "pyout"):
            shown.append(_notebook_output("display" if kind == "display_data" else "result", out))
    yield from (Output(name, text[:_TEXTS]) for name, text in sorted(streams.items()) if text)
    yield from shown


def _notebook_output(kind: str, out: dict[str, Any]) -> Output:
    data = out.get("data") or {"text/plain": out.get("text", "")}
    for mime, body in data.items():
        if mime.startswith("image/"):
            text = _joined(body)
            return Output(kind, image=image_print(text.encode() if mime.endswith("svg+xml") else _decoded(text), mime))
    mime = next((m for m in _TEXT_FIRST if m in data), None)
    return Output(kind, text=_joined(data[mime])[:_TEXTS] if mime else json.dumps(data, sort_keys=True)[:_TEXTS])


def _joined(text: Any) -> str:
    return (
        "".join(map(str, text)) if isinstance(text, list) else text if isinstance(text, str) else json.dumps(text, sort_keys=True)
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return text.encode()


# --- images ---------------------------------------------------------------------------------------------------


def image_print(body: bytes, mime: str) -> str:
    """A digest of what an image shows: of a PNG without its texts and dates, of an SVG without ids and dates."""
    if mime == "image/png" and body[:8] == b"\x89PNG\r\n\x1a\n":
        body = b"".join(_png_parts(body))
    elif mime.startswith("image/svg"):
        import re

        body = re.sub(rb"<dc:date>.*?</dc:date>|<!--.*?-->|\b(?:id|clip-path|xlink:href)=\"[^\"]*\"", b"", body, flags=re.S)
    return hashlib.sha256(body).hexdigest()[:16]


def _png_parts(body: bytes) -> Iterator[bytes]:
    """Header, palette and pixels, the pixels unpacked: another compression is no other image."""
    packed, place = b"", 8
    while place + 8 <= len(body):
        length, kind = int.from_bytes(body[place : place + 4], "big"), body[place + 4 : place + 8]
        chunk = body[place + 8 : place + 8 + length]
        if kind == b"IDAT":
            packed += chunk
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            yield chunk
        place += 12 + length
    try:
        yield zlib.decompressobj().decompress(packed, 100_000_000)
    except zlib.error:
        yield packed
