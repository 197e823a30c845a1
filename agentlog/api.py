"""What programs and agents ask for by name. None of these raises into the caller's program."""

from __future__ import annotations

from agentlog.context import MAX_TOKENS, build
from agentlog.errors import AgentlogError
from agentlog.renderers import FORMATS
from agentlog.store import Store


def get_debug_context(max_tokens: int = MAX_TOKENS, session_id: str | None = None) -> str:
    """The context of the last failure, or where the session stands; never ""."""
    return get_formatted_context("text", max_tokens, session_id)


def get_formatted_context(format: str = "claude", max_tokens: int = MAX_TOKENS, session_id: str | None = None) -> str:
    """The same in one of `list_formats()`."""
    try:
        store = Store.open()
        try:
            return build(store, session=session_id).render(format, max_tokens)
        finally:
            store.close()
    except AgentlogError as error:
        return f"agentlog: {error}"


def list_formats() -> list[str]:
    """Names that `get_formatted_context` accepts."""
    return [name for name in FORMATS if name != "html"]
