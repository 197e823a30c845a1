"""What commands say, in the words of an agent that has these tools: hints as calls, errors as answers of one line."""

from __future__ import annotations

import re

from mcp.server.mcpserver.exceptions import ToolError

from agentlog.errors import AgentlogError

_AS_TOOLS = (
    (re.compile(r"\bagentlog show (\S+) --full"), r"show_execution('\1')"),
    (re.compile(r"\bagentlog context --tokens (\d+)"), r"get_context(tokens=\1)"),
    (re.compile(r"\bagentlog timeline lists"), "search_history() lists"),
    (re.compile(r"\bagentlog (?:timeline|why) (\w+)(?=$|[;,)\]])"), r"explain_name('\1')"),
    (re.compile(r"\bagentlog history\b"), "search_history()"),
    (re.compile(r"\bagentlog sessions\b"), "list_sessions()"),
    (re.compile(r"\brestart\(replay=True\)"), "control_kernel('restart', replay=True)"),
    (re.compile(r"(?<![\w.])restart\(\)"), "control_kernel('restart')"),
)
"""Hints for a shell -> the same for an agent that has these tools."""
_HINT = re.compile(r"^(?:…|\.\.\.|\[|note: |\+|no |restart\()|--tokens \d+|--full")
"""What lines with hints look like."""


def in_tools(text: str) -> str:
    """`text` with its hints as calls of these tools; other lines, the user's own, stay as they are."""
    return "\n".join(_hint_in_tools(line) if _HINT.search(line) else line for line in text.split("\n"))


def _hint_in_tools(line: str) -> str:
    for pattern, call in _AS_TOOLS:
        line = pattern.sub(call, line)
    return line


class Refusing:
    """What we raise on purpose becomes a one-line answer that the agent reads; the rest is the SDK's to hide."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: object) -> None:
        if isinstance(error, AgentlogError):
            raise ToolError(in_tools(str(error))) from None


class RefusingLater(Refusing):
    """The same around code that awaits."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: object) -> None:
        self.__exit__(kind, error, where)
