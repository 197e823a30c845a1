"""For Cursor: markdown that begins with what is asked of the agent."""

from __future__ import annotations

from agentlog.outline import Cut
from agentlog.renderers import markdown

entry = markdown.entry
opening = markdown.opening
_ASK = "Fix the failure below. State at the moment it happened, recorded by agentlog:\n"


def document(cut: Cut) -> str:
    """The request, then the sections."""
    return _ASK + markdown.document(cut)
