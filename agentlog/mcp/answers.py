"""What the tools answer: models that the SDK turns into schemas and structured content."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from mcp_types import CallToolResult, ImageContent, TextContent
from pydantic import BaseModel

from agentlog.past import Execution, Session
from agentlog_ipy.images import Image
from agentlog_ipy.reply import Reply

SOURCE_CHARS = 200
IMAGE_BYTES = 1_000_000
"""larger images are named by their file only"""


class Told(BaseModel):
    """A text for the agent. `next`: where to go on reading, 0 when this is all."""

    text: str
    next: int = 0


class Ran(BaseModel):
    """An execution. `status`: one of events.Status; `running`: call again with its id."""

    execution: str
    status: str
    kernel: str
    session: str = ""
    text: str
    images: list[str] = []


class Listed(BaseModel):
    """Rows, and the same as a table."""

    text: str
    rows: list[dict[str, Any]] = []


def lean(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema in as few tokens as it can be: without titles, and without what says nothing."""
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "properties":
            out[key] = {name: lean(inner) for name, inner in value.items()}
        elif key == "additionalProperties" and value is True:
            continue
        else:
            out[key] = lean(value) if isinstance(value, dict) else value
    return out


def lean_output(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an answer: names and types; which of them may be left out, and for what, concerns nobody who reads."""
    found = lean(schema)
    for inner in found.get("properties", {}).values():
        inner.pop("default", None)
    for key in ("description", "required"):
        found.pop(key, None)
    return found


def answer_of(answer: BaseModel) -> CallToolResult:
    """The text for those who read, the model for programs; one call, both kinds of clients."""
    content: list[Any] = [TextContent(type="text", text=getattr(answer, "text", ""))]
    return CallToolResult(content=content, structured_content=answer.model_dump(mode="json"))


def execution_row(one: Execution) -> dict[str, Any]:
    return _full({
        "execution": one.id, "session": one.session, "cell": one.count, "status": one.status, "ms": one.ms,
        "started": one.started, "source": one.source[:SOURCE_CHARS], "error": one.error,
    })  # fmt: skip


def session_row(one: Session) -> dict[str, Any]:
    return _full({
        "session": one.id, "title": one.title, "agent": one.agent, "task": one.task, "notebook": one.notebook,
        "started": one.started, "how": one.how, "executions": one.executions, "failures": one.failures,
    })  # fmt: skip


def _full(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def shown_images(reply: Reply) -> list[Image]:
    """One image of each output: what comes in several formats is one picture."""
    return list(dict.fromkeys(output.images[0] for output in reply.outputs if output.images))


def image_content(image: Image) -> ImageContent | None:
    if image.bytes > IMAGE_BYTES or image.mime == "image/svg+xml":
        return None
    return ImageContent(type="image", data=base64.b64encode(Path(image.path).read_bytes()).decode(), mime_type=image.mime)
