"""A display message of the kernel as an event: text in place, large and binary bodies as blobs."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from agentlog.events import Displayed
from agentlog.recorder import Recorder

INLINE = 8_000
"""Characters of one representation that stay in the journal; more of it goes to a blob."""
EXCERPT = 2_000
"""Characters of a long text/plain that stay in the journal all the same: it is what a reader is shown."""
BINARY = ("image/", "audio/", "video/", "application/pdf")
OURS = "agentlog"
"""Mark in `transient` of what the recorder itself shows: no output of the user's."""
RESULT, DISPLAY, UPDATE, CLEAR = "execute_result", "display_data", "update_display_data", "clear_output"
KINDS = frozenset({RESULT, DISPLAY, UPDATE, CLEAR})


def displayed(kind: str, content: dict[str, Any], recorder: Recorder, *, execution: str | None, late: bool) -> Displayed | None:
    """The event of a display message; None for one that shows nothing."""
    if kind == CLEAR:
        return Displayed(execution=execution, clear=True, late=late)
    transient = content.get("transient") or {}
    if transient.get(OURS):
        return None
    data: dict[str, str] = {}
    blobs: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for mime, body in (content.get("data") or {}).items():
        _place(str(mime), body, recorder, data, blobs, sizes)
    if not data and not blobs:
        return None
    name = transient.get("display_id")
    return Displayed(
        execution=execution,
        result=kind == RESULT,
        update=kind == UPDATE,
        display_id=name,
        data=data,
        blobs=blobs,
        sizes=sizes,
        late=late,
    )


def _place(mime: str, body: Any, recorder: Recorder, data: dict[str, str], blobs: dict[str, str], sizes: dict[str, int]) -> None:
    binary = _binary(mime, body)
    limit = recorder.limits.blob_bytes
    if binary is not None:
        sizes[mime] = len(binary)
        if len(binary) <= limit:
            blobs[mime] = recorder.blob(binary)
        return
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    if len(text) <= INLINE:
        data[mime] = text
        return
    sizes[mime] = len(text)
    if mime == "text/plain":
        data[mime] = text[:EXCERPT] + f"\n[... {len(text) - EXCERPT:,} characters ...]"
    kept = text if len(text) <= limit else text[: limit // 2] + "\n[...]\n" + text[-limit // 2 :]
    blobs[mime] = recorder.text_blob(kept)


def _binary(mime: str, body: Any) -> bytes | None:
    """The bytes of a body that travels as base64; None for text."""
    if isinstance(body, bytes):
        return body
    if not isinstance(body, str) or not mime.startswith(BINARY) or mime.startswith("image/svg"):
        return None
    try:
        return base64.b64decode(body, validate=False)
    except (binascii.Error, ValueError):
        return None
