"""For Codex: compact text under a line that says what it is."""

from __future__ import annotations

from agentlog.outline import Cut
from agentlog.renderers import compact

entry = compact.entry
opening = compact.opening
_ASK = "# Recorded by agentlog: the failure to fix, with the state of its names\n"


def document(cut: Cut) -> str:
    """The line, then the compact text."""
    return _ASK + compact.document(cut)
