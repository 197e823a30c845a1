"""Recognising a failure that was seen before: a hash that survives moved lines, other paths, addresses and numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_RULES = (
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "0x#"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.I), "<uuid>"),
    (re.compile(r"(?<![\w/])(?:[A-Za-z]:[\\/]|~?/|\.{1,2}/)(?:[^\s'\"<>|:,;()]+[\\/])*[^\s'\"<>|:,;()]*"), "<path>"),
    (re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:[.,_:]\d+)*(?:[eE][-+]?\d+)?"), "#"),
    (re.compile(r"\s+"), " "),
)


def normalise_message(message: str) -> str:
    """`message` with addresses, identifiers, paths and numbers replaced; at most its first 2,000 characters count."""
    text = message[:2000]
    for pattern, put in _RULES:
        text = pattern.sub(put, text)
    return text.strip()


def hash_error(kind: str, message: str, functions: Iterable[str] = ()) -> str:
    """16 hex digits for an exception of type `kind`; `functions`: those of the user on its stack, outermost first.

    A recursion counts as one: repeated functions are taken once.
    """
    seen = list(dict.fromkeys(functions))
    text = "\x1f".join([kind, normalise_message(message), *seen])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
