"""Replacing an attribute of a module or class for a while, and putting it back only if it is still ours."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class Patch:
    """`owner.name` wrapped: `around(previous)` makes the replacement. `undo` leaves alone what others replaced since."""

    def __init__(self, owner: object, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._owner, self._name = owner, name
        self._previous = getattr(owner, name)
        self._ours = functools.wraps(self._previous)(around(self._previous))
        setattr(owner, name, self._ours)

    def undo(self) -> None:
        """Put the previous one back, if ours is still there."""
        if getattr(self._owner, self._name, None) is self._ours:
            setattr(self._owner, self._name, self._previous)
