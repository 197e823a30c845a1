"""What programs and agents ask for by name. None of these raises into the caller's program."""

from __future__ import annotations

from collections.abc import Callable, Collection

from agentlog.context import MAX_TOKENS, Context, build, recent
from agentlog.errors import AgentlogError
from agentlog.recorder import current
from agentlog.renderers import FORMATS
from agentlog.store import Store


def get_debug_context(max_tokens: int = MAX_TOKENS, session_id: str | None = None) -> str:
    """The context of the last failure, or where the session stands; never ""."""
    return get_formatted_context("text", max_tokens, session_id)


def get_formatted_context(format: str = "claude", max_tokens: int = MAX_TOKENS, session_id: str | None = None) -> str:
    """The same in one of `list_formats()`."""
    return _read(lambda store: build(store, session=session_id), format, max_tokens)


def get_context(max_tokens: int = MAX_TOKENS, tags: Collection[str] | str | None = None, session_id: str | None = None) -> str:
    """The most recent records, newest first; with `tags` only those that carry one of them."""
    wanted = [tags] if isinstance(tags, str) else tags
    return _read(lambda store: recent(store, session=session_id, tags=wanted), "text", max_tokens)


def list_formats() -> list[str]:
    """Names that `get_formatted_context` accepts."""
    return [name for name in FORMATS if name != "html"]


def _read(ask: Callable[[Store], Context], format: str, max_tokens: int) -> str:
    """What the store answers, after everything of this process is written; an error as its one line."""
    recorder = current()
    if recorder is not None:
        recorder.flush()
    try:
        store = Store.open()
        try:
            return ask(store).render(format, max_tokens)
        finally:
            store.close()
    except AgentlogError as error:
        return f"agentlog: {error}"
