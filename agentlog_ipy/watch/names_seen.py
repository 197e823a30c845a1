"""Which names of a namespace stand for another object than at the last look: one pass, at the speed of C.

A cell of a large session is followed by one look at thousands of names of which a few are new. Names, objects and types
are therefore kept beside each other, the last two as arrays of numbers, and compared as wholes; Python code sees the rest only.
"""

from __future__ import annotations

import operator
import re
from array import array
from collections.abc import Iterator
from itertools import compress
from typing import Any

_INTERNAL = re.compile(r"_{1,3}|_i{1,3}|_i?\d+|_[iod]h|_exit_code|_sh|_dh|__\w+__|In|Out|exit|quit|get_ipython|open")


class NamesSeen:
    """The user's own names of `shell.user_ns`: neither IPython's nor hidden ones."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._internal: dict[str, bool] = {}
        self._names: list[Any] = []
        self._objects = array("Q")
        self._kinds = array("Q")

    def look(self) -> tuple[list[tuple[str, Any]], set[str] | None]:
        """((name, object) of each name that is new or stands for another object, all names where some are gone, else None)."""
        namespace = _copied(self._shell.user_ns)
        names, objects = list(namespace), array("Q", map(id, namespace.values()))
        kinds = array("Q", map(id, map(type, namespace.values())))
        known = len(self._names)
        grown = len(names) >= known and all(map(operator.is_, names, self._names))
        found = list(self._visible(namespace, self._differing(names, objects, kinds) if grown else names))
        self._names, self._objects, self._kinds = names, objects, kinds
        return found, None if grown else {name for name, _ in self._visible(namespace, names)}

    def _differing(self, names: list[Any], objects: array[int], kinds: array[int]) -> list[Any]:
        known = len(self._names)
        other = map(operator.ne, objects, self._objects)
        if kinds[:known] != self._kinds:
            other = map(operator.or_, other, map(operator.ne, kinds, self._kinds))
        return [*compress(names, other), *names[known:]]

    def _visible(self, namespace: dict[Any, Any], names: list[Any]) -> Iterator[tuple[str, Any]]:
        internal, hidden = self._internal, self._shell.user_ns_hidden
        for name in names:
            if type(name) is not str:
                continue
            if name not in internal:
                internal[name] = _INTERNAL.fullmatch(name) is not None
            if not internal[name]:
                value = namespace[name]
                if not (name in hidden and hidden[name] is value):
                    yield name, value


def _copied(namespace: dict[Any, Any]) -> dict[Any, Any]:
    """The namespace at one moment; a thread may be changing it."""
    for _ in range(10):
        try:
            return dict.copy(namespace)
        except RuntimeError:
            continue
    return {}
