"""What the tools answer: models that the SDK turns into schemas and structured content."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


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
