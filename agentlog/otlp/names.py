"""The names of OpenTelemetry that are written, in one place, with the versions they were read from.

exception.*, code.*, error.type, service.*, host.*, process.*, telemetry.*   semantic-conventions 1.44, stable
gen_ai.*, session.*, vcs.*    in development: the names of semantic-conventions 1.41 and of semantic-conventions-genai
agentlog.*                    our own, where there is no name yet
"""

from __future__ import annotations

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
SCOPE = "agentlog"

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
AGENT = "gen_ai.agent.name"
WORKFLOW = "gen_ai.workflow.name"
TOOL, TOOL_TYPE, TOOL_CALL = "gen_ai.tool.name", "gen_ai.tool.type", "gen_ai.tool.call.id"
TOOL_ARGUMENTS, TOOL_RESULT = "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"
REQUEST_MODEL = "gen_ai.request.model"
SESSION, PARENT_SESSION = "session.id", "agentlog.session.parent"
ERROR_TYPE = "error.type"
EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACK = "exception.type", "exception.message", "exception.stacktrace"
FILE, LINE, FUNCTION = "code.file.path", "code.line.number", "code.function.name"
COST = "agentlog.cost.usd"
STATUS, EXECUTION, COUNT, CELL = "agentlog.status", "agentlog.execution.id", "agentlog.cell.count", "agentlog.cell.id"

TOKENS = {
    "input": "gen_ai.usage.input_tokens", "output": "gen_ai.usage.output_tokens",
    "cache_read": "gen_ai.usage.cache_read.input_tokens", "cache_write": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}  # fmt: skip
"""Keys of `SpanEnded.tokens` -> attributes. Cached tokens are part of the input's, here as there."""

CELL_TOOL = "ipython_cell"
INTERNAL, CLIENT = 1, 3
"""Kinds of spans."""
UNSET, OK, ERROR = 0, 1, 2
"""Status codes of spans."""
SEVERITY = {"debug": 5, "info": 9, "warning": 13, "error": 17, "critical": 21}
SEVERITY_TEXT = {5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"}
