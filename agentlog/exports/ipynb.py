"""The executed notebook rebuilt from a recording: each cell as it ran, in the order in which it ran, with what it put out.

Outputs are merged as a front end would: streams that follow each other are one, `clear_output` empties the cell, an
update replaces the display it names. A cell that ran twice is there twice; its cell id goes into the metadata. What was
cut from the journal is read from its blob; what is gone is said. Needs no library (nbformat 4.5 is plain JSON).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentlog.errors import AgentlogError
from agentlog.events import Displayed, ErrorRaised, ExecutionSkipped, Failure, SessionStarted, StreamWritten
from agentlog.exports.selection import Selection
from agentlog.exports.tables import Table, as_text
from agentlog.exports.target import text_file
from agentlog.past import Execution, Session
from agentlog.store import Store

SUFFIX = ".ipynb"
_KINDS = frozenset({StreamWritten.kind, Displayed.kind, ErrorRaised.kind})
_BINARY = ("image/", "audio/", "video/", "application/pdf")
_TEXT_IMAGE = "image/svg+xml"
_JSON = ("application/json", "+json")
Output = dict[str, Any]


def write(selection: Selection, target: str | Path, *, table: Table | None = None) -> int:
    """Write one session (the selection's, else the latest) as a notebook; returns its cells."""
    store, session = selection.store, selection.store.session(selection.session)
    with text_file(target) as file:
        file.write('{"cells": [')
        count = 0
        for cell in _cells(store, session, selection):
            file.write(("," if count else "") + "\n " + json.dumps(cell, ensure_ascii=False))
            count += 1
        rest = {"metadata": _metadata(store, session), "nbformat": 4, "nbformat_minor": 5}
        file.write("\n],\n" + json.dumps(rest, ensure_ascii=False)[1:] + "\n")
    return count


def _cells(store: Store, session: Session, selection: Selection) -> Iterator[dict[str, Any]]:
    for one in store.executions(session.id, wanted=selection.wanted):
        if one.within is None and one.status != "not_run":
            yield _cell(one.id, one.source, one.count, list(_outputs(store, one)), _facts(one))
    for record in store.records(session=session.id, kinds={ExecutionSkipped.kind}):
        facts = {"status": "not_run", "reason": as_text(record.get("reason"))}
        yield _cell(str(record.get("i")), as_text(record.get("source")) or "", None, [], facts)


def _cell(identifier: str, source: str, count: int | None, outputs: list[Output], facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code", "id": identifier, "metadata": {"agentlog": {k: v for k, v in facts.items() if v is not None}},
        "execution_count": count, "source": as_text(source), "outputs": outputs,
    }  # fmt: skip


def _facts(one: Execution) -> dict[str, Any]:
    return {
        "cell_id": one.cell_id, "status": one.status, "ms": one.ms, "started": one.started, "ended": one.ended, "error": one.error,
    }  # fmt: skip


def _metadata(store: Store, session: Session) -> dict[str, Any]:
    start = next(store.events(session=session.id, kinds={SessionStarted.kind}), None)
    version = session.python or (start.python if isinstance(start, SessionStarted) else None)
    language: dict[str, Any] = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    if version:
        language["version"] = version
    facts = {
        "session": session.id,
        "title": as_text(session.title),
        "started": session.started,
        "packages": dict(session.packages),
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"kernelspec": kernel, "language_info": language, "agentlog": facts}


# --- outputs ------------------------------------------------------------------------------------------------------------


def _outputs(store: Store, one: Execution) -> Iterator[Output]:
    outputs: list[Output] = []
    for event in store.events(execution=one.id, kinds=_KINDS):
        if isinstance(event, StreamWritten):
            _add_stream(outputs, event.name, _text(store, event))
        elif isinstance(event, ErrorRaised):
            if event.origin in ("cell", "shown"):
                outputs.append(error_output(event.failure))
        elif isinstance(event, Displayed):
            _add_display(store, outputs, event, one)
    if one.status == "died":
        outputs.append({"output_type": "error", "ename": "DeadKernel", "evalue": one.error or "died", "traceback": []})
    for output in outputs:
        output.pop("display", None)
        yield output


def _add_stream(outputs: list[Output], name: str, text: str) -> None:
    last = outputs[-1] if outputs else {}
    if last.get("output_type") == "stream" and last["name"] == name:
        last["text"] += text
    else:
        outputs.append({"output_type": "stream", "name": name, "text": text})


def _add_display(store: Store, outputs: list[Output], event: Displayed, one: Execution) -> None:
    if event.clear:
        outputs.clear()
        return
    data = _data(store, event)
    same = [out for out in outputs if event.display_id and out.get("display") == event.display_id]
    for output in same:
        output["data"] = data
    if same or event.update:
        return
    kind = {"output_type": "execute_result", "execution_count": one.count} if event.result else {"output_type": "display_data"}
    outputs.append({**kind, "data": data, "metadata": {}, "display": event.display_id})


def _data(store: Store, event: Displayed) -> dict[str, Any]:
    found: dict[str, Any] = {mime: _as_data(mime, as_text(text) or "") for mime, text in event.data.items()}
    for mime, digest in event.blobs.items():
        try:
            body = store.blob(digest)
        except AgentlogError as error:
            found.setdefault("text/plain", f"[{mime}: {error}]")
            continue
        binary = mime.startswith(_BINARY) and mime != _TEXT_IMAGE
        found[mime] = base64.b64encode(body).decode() if binary else _as_data(mime, body.decode("utf-8", "replace"))
    return found


def _as_data(mime: str, text: str) -> Any:
    if mime.endswith(_JSON):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _text(store: Store, event: StreamWritten) -> str:
    try:
        return as_text(store.text(event)) or ""
    except AgentlogError:
        return as_text(event.text) or ""


def error_output(failure: Failure) -> Output:
    """A failure as a notebook's error output, its stack from what was recorded."""
    lines = [as_text(line) or "" for line in _stack(failure)]
    return {"output_type": "error", "ename": failure.type, "evalue": as_text(failure.message) or "", "traceback": lines}


def _stack(failure: Failure) -> Iterator[str]:
    if failure.cause is not None:
        yield from _stack(failure.cause)
        how = "The above exception was the direct cause of the following exception:"
        yield f"\n{how if failure.explicit_cause else 'During handling of the above exception, another exception occurred:'}\n"
    yield "Traceback (most recent call last)"
    for frame in failure.frames:
        place = f"In[{frame.count}]" if frame.count is not None else frame.file
        yield f"  {place}, line {frame.line}, in {frame.function}"
        if frame.source:
            yield f"    {frame.source.strip()}"
    yield failure.title
