"""What programs and agents ask for by name. None of these raises into the caller's program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agentlog.context import MAX_TOKENS, Context, build, recent
from agentlog.errors import AgentlogError
from agentlog.renderers import FORMATS
from agentlog.store import Store

if TYPE_CHECKING:
    from agentlog.recorder import Recorder


def get_debug_context(max_tokens: int = MAX_TOKENS, session_id: str | None = None) -> str:
    """The context of the last failure, or where the session stands; never ""."""
    return get_formatted_context("text", max_tokens, session_id)


def get_formatted_context(format: str = "claude", max_tokens: int = MAX_TOKENS, session_id: str | None = None) -> str:
    """The same in one of `list_formats()`."""
    return _read(lambda store, mine: build(store, session=session_id or mine), format, max_tokens)


def get_context(max_tokens: int = MAX_TOKENS, tags: Collection[str] | str | None = None, session_id: str | None = None) -> str:
    """The most recent records, newest first; with `tags` only those that carry one of them."""
    wanted = [tags] if isinstance(tags, str) else tags
    return _read(lambda store, mine: recent(store, session=session_id or mine, tags=wanted), "text", max_tokens)


def list_formats() -> list[str]:
    """Names that `get_formatted_context` accepts."""
    return [name for name in FORMATS if name != "html"]


def _read(ask: Callable[[Store, str | None], Context], format: str, max_tokens: int) -> str:
    """What the store answers, after all that this process recorded is written; an error as its one line."""
    try:
        with own_store() as (store, mine):
            if mine:
                store.count_as_one(mine)
            return ask(store, mine).render(format, max_tokens)
    except AgentlogError as error:
        return f"agentlog: {error}"


@contextmanager
def own_store() -> Iterator[tuple[Store, str | None]]:
    """The store that this process records to (else the one of its place) and its session, all it recorded being written.

    Raises AgentlogError.
    """
    recorder = _recorder()
    if recorder is not None:
        recorder.flush()
    store = Store.open(recorder.folder if recorder else None)
    try:
        yield store, recorder.session if recorder else None
    finally:
        store.close()


def _recorder() -> Recorder | None:
    """This process's recorder, where it has one; reading alone never imports the writing side."""
    module = sys.modules.get("agentlog.recorder")
    return module.current() if module is not None else None
