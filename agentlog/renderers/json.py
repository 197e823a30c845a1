"""The JSON object: {section: {name: text} or [text]}, in the order of the sections; `gap` for what was left out."""

from __future__ import annotations

import json
from typing import Any

from agentlog.outline import Cut, Part


def entry(title: str, name: str | None, text: str) -> str:
    """What one entry adds: the worst case, a name and a text of their own."""
    return f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(text, ensure_ascii=False)}, "


def opening(title: str) -> str:
    return f'"{title}": [{{}}], '


def document(cut: Cut) -> str:
    return json.dumps(as_object(cut), ensure_ascii=False)


def as_object(cut: Cut) -> dict[str, Any]:
    """The cut as JSON data."""
    found: dict[str, Any] = {part.title: _part(part) for part in cut.parts}
    return {**found, "gap": cut.gap} if cut.gap else found


def _part(part: Part) -> Any:
    """One text alone stands for itself; names make an object, texts without a name a list."""
    if len(part.entries) == 1 and part.entries[0].name is None:
        return part.entries[0].text
    names = [said.name for said in part.entries]
    if None not in names and len(set(names)) == len(names):
        return {said.name: said.text for said in part.entries}
    return [{said.name: said.text} if said.name else said.text for said in part.entries]
