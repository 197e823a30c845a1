"""Secrets that are known by their exact value."""

from __future__ import annotations

import threading
from urllib.parse import quote, quote_plus

MOST = 300
"""Values remembered at most; the oldest learned ones are forgotten first."""
_SHORTEST_LEARNED = 8


class KnownValues:
    """Secret values and the markers that take their place, longest first, in the spellings in which texts carry them."""

    def __init__(self) -> None:
        self.version = 0
        self._lock = threading.Lock()
        self._given: dict[str, str] = {}
        self._learned: dict[str, str] = {}
        self._ordered: tuple[tuple[str, str], ...] = ()

    def add(self, value: str, marker: str) -> None:
        """Hide `value` from now on, whatever it looks like."""
        with self._lock:
            self._given[value] = marker
            self._arrange()

    def learn(self, value: str, marker: str) -> None:
        """Hide `value` from now on if it looks like a secret and nothing else: it stood under a secret name."""
        if value in self._learned or value in self._given or not _is_telling(value):
            return
        with self._lock:
            self._learned[value] = marker
            while len(self._learned) > MOST:
                del self._learned[next(iter(self._learned))]
            self._arrange()

    def replace(self, text: str) -> str:
        """`text` with every known value replaced by its marker."""
        for value, marker in self._ordered:
            if value in text:
                text = text.replace(value, marker)
        return text

    def _arrange(self) -> None:
        spelled = {form: marker for value, marker in {**self._learned, **self._given}.items() for form in _spellings(value)}
        self._ordered = tuple(sorted(spelled.items(), key=lambda item: -len(item[0])))
        self.version += 1


def _spellings(value: str) -> set[str]:
    """`value` as it stands in a text, in a literal, in JSON and in a URL."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    forms = {value, escaped, value.replace("\n", "\\n")}
    if not value.isalnum():
        forms |= {quote(value, safe=""), quote_plus(value), quote(value)}
    return {form for form in forms if len(form) >= 4}


def _is_telling(value: str) -> bool:
    """At least 8 characters without spaces, of two classes, one of them not letters; or a longer passphrase."""
    if len(value) < _SHORTEST_LEARNED or len(value) > 4000 or "[REDACTED:" in value:
        return False
    if any(letter.isspace() for letter in value.strip()):
        return len(value) >= 16
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    return letters and (digits or not value.isalnum()) and not value.startswith(("/", "~", "./", "http"))
