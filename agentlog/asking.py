"""A question of this process to the store it writes to: for public functions that never raise into the caller's program."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from agentlog import recorder
from agentlog.errors import AgentlogError

if TYPE_CHECKING:
    from agentlog.store import Store

T = TypeVar("T")


def asked(question: Callable[[Store], T], otherwise: T) -> T:
    """The answer of the store that this process writes to, or would; `otherwise` where there is none or it cannot be read."""
    from agentlog.store import Store  # a program that only records never pays for reading

    door = recorder.current()
    try:
        if door is not None:
            door.flush()
        store = Store.open(door.folder if door is not None else None)
        try:
            return question(store)
        finally:
            store.close()
    except AgentlogError:
        return otherwise
