"""XML tags, as Claude reads best: one element a section, compact lines inside."""

from __future__ import annotations

from agentlog.outline import Cut
from agentlog.renderers import compact


def entry(title: str, name: str | None, text: str) -> str:
    """The compact line; the tag names the section. Nothing in the text can close a tag."""
    return compact.entry(title if title != "cause" else "failure", name, text).replace("</", "< /")


def opening(title: str) -> str:
    """Both tags."""
    tag = title.replace(" ", "_")
    return f"<{tag}>\n</{tag}>\n"


def document(cut: Cut) -> str:
    """All sections inside one element."""
    lines = ["<debug_context>\n"]
    for part in cut.parts:
        tag = part.title.replace(" ", "_")
        lines += [f"<{tag}>\n", *(entry(part.title, said.name, said.text) for said in part.entries), f"</{tag}>\n"]
    if cut.gap:
        lines.append(f"<gap>{cut.gap}</gap>\n")
    return "".join([*lines, "</debug_context>"])
