"""Secrets that are known by their exact value."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote, quote_plus

MOST = 200
"""Values remembered at most; the oldest learned ones are forgotten first."""
_SHORTEST_LEARNED = 8


class KnownValues:
    """Secret values and the markers that take their place, longest first, in the spellings in which texts carry them.

    Without locks, which a fork or a signal handler could find taken: every step is one operation on a dict.
    """

    def __init__(self, changed: Callable[[], object] = lambda: None) -> None:
        """`changed` is called whenever a value is added."""
        self.version = 0
        self._changed = changed
        self._given: dict[str, str] = {}
        self._learned: dict[str, str] = {}
        self._ordered: tuple[tuple[str, str], ...] | None = ()

    def add(self, value: str, marker: str) -> None:
        """Hide `value` from now on, whatever it looks like."""
        self._given[value] = marker
        self._renew()

    def learn(self, value: str, marker: str) -> None:
        """Hide `value` from now on if it looks like a secret and nothing else: it stood under a secret name."""
        if value in self._learned or value in self._given or not _is_telling(value):
            return
        self._learned[value] = marker
        if len(self._learned) > MOST:
            self._forget_oldest()
        self._renew()

    def replace(self, text: str) -> str:
        """`text` with every known value replaced by its marker."""
        ordered = self._ordered
        if ordered is None:
            ordered = self._arranged()
        for value, marker in ordered:
            if value in text:
                text = text.replace(value, marker)
        return text

    def _renew(self) -> None:
        self._ordered = None
        self.version += 1
        self._changed()

    def _forget_oldest(self) -> None:
        try:
            self._learned.pop(next(iter(self._learned)), None)
        except (RuntimeError, StopIteration):  # another thread was faster
            pass

    def _arranged(self) -> tuple[tuple[str, str], ...]:
        while True:
            version = self.version
            known = {**self._learned, **self._given}
            spelled = {form: marker for value, marker in known.items() for form in _spellings(value)}
            self._ordered = ordered = tuple(sorted(spelled.items(), key=lambda item: -len(item[0])))
            if version == self.version:
                return ordered


@lru_cache(maxsize=2 * MOST)
def _spellings(value: str) -> frozenset[str]:
    """`value` as it stands in a text, in a literal, in JSON and in a URL."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    forms = {value, escaped, value.replace("\n", "\\n")}
    if not value.isalnum():
        forms |= {quote(value, safe=""), quote_plus(value), quote(value)}
    return frozenset(form for form in forms if len(form) >= 4)


def _is_telling(value: str) -> bool:
    """At least 8 characters without spaces, of two classes, one of them not letters; or a longer passphrase."""
    if len(value) < _SHORTEST_LEARNED or len(value) > 4000 or "[REDACTED:" in value:
        return False
    if any(letter.isspace() for letter in value.strip()):
        return len(value) >= 16
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    return letters and (digits or not value.isalnum()) and not value.startswith(("/", "~", "./", "http"))
