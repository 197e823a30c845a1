"""Sharing by name, for programs and agents: a session goes to Cloudflare D1, its handle to a colleague.

handle = share_session()                 the session of this process, else the latest
import_shared_session(handle)            there; returns the session's id
"""

from __future__ import annotations

from agentlog.api import own_store
from agentlog.errors import NotFound
from agentlog.followers.d1 import D1, Received, Synced, receive, sync
from agentlog.settings import store_folder


def sync_session_to_d1(session_id: str | None = None) -> Synced:
    """Bring the session in D1 up to date: only what is new is sent. Raises AgentlogError."""
    database = D1.from_environment()
    with own_store() as (store, mine):
        return sync(store, store.session(session_id or mine), database)


def share_session(session_id: str | None = None) -> str:
    """Share the session; returns the handle by which `import_shared_session` finds it. Raises AgentlogError."""
    return sync_session_to_d1(session_id).handle


def import_shared_session(handle: str) -> Received:
    """Add a shared session to the store of this process. Raises AgentlogError."""
    try:
        with own_store() as (store, _):
            folder = store.folder or store_folder()
    except NotFound:
        folder = store_folder()
    return receive(handle, folder, D1.from_environment())
