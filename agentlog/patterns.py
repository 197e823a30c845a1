"""Recognising a failure that was seen before: a hash that survives moved lines, other paths, addresses and numbers.

What counts: the exception's type, its message with everything removed that differs from run to run or from one Python
to the next, and the user's function that it happened in. Not the callers: the same failure reached from a test, a
script or a cell is one. Comprehensions are part of their function (from 3.12 on they have no frame of their own).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

_VERSIONS = (
    (r"\.? Did you mean:? .*?\?(?=$|\n)", ""),
    (r" \(consider renaming .*?\)(?=$|\n)", ""),
    (r"(maximum recursion depth exceeded).*", r"\1"),
    (r"(\(expected \d+), got \d+\)", r"\1)"),
    (r"\b(?:float |complex |integer )?(?:division or modulo|division|modulo|floor division|divmod\(\))(?: by zero)", "division by zero"),
    (r"^float modulo$|^float (?:floor division|divmod\(\))$|^complex division$", "division by zero"),
    (r"(?<![\w.])(?:[\w<>]+\.)+(\w+\(\))", r"\1"),
    (r"\bnp\.(?:float|int|uint|complex|longlong|bool|str|bytes)\w*\(([^()]*)\)", r"\1"),
    (r"cannot access local variable '(\w+)' where it is not associated with a value", r"local variable '\1' referenced before assignment"),
    (r"cannot access free variable '(\w+)' where it is not associated with a value in enclosing scope",
     r"free variable '\1' referenced before assignment in enclosing scope"),
    (r"cannot use '[^']*' as a (?:dict key|set element) \((unhashable type: [^)]*)\)", r"\1"),
    (r"property '(\w+)' of '[^']*' object has no (setter|deleter|getter)", r"can't \2 attribute '\1'"),
    (
        r"abstract class (\w+) without an implementation for abstract methods? ('\w+'(?:, '\w+')*)",
        lambda found: f"abstract class {found[1]} with abstract method{'s' * (',' in found[2])} {found[2].replace(chr(39), '')}",
    ),
    (r"can't set attribute '(\w+)'", r"can't setter attribute '\1'"),
    (r"can't delete attribute '(\w+)'", r"can't deleter attribute '\1'"),
    (r"unreadable attribute '(\w+)'", r"can't getter attribute '\1'"),
    (r"Illegal trailing comma before end of object", "Expecting property name enclosed in double quotes"),
    (r"Illegal trailing comma before end of array", "Expecting value"),
    (r"^'?(\w+)'? object is not an? (?:async iterator|asynchronous iterator)", r"'\1' object is not an async iterator"),
)  # fmt: skip
"""How the same message reads in other versions of Python and numpy (pattern, replacement)."""

_PATH = r"(?:[A-Za-z]:[\\/]|~?/|\.{1,2}[\\/])(?:[^\s'\"<>|:,;()]+[\\/]+)*[^\s'\"<>|:,;()]*"
_CHANGING = (
    (r"\b0x[0-9a-fA-F]+\b", "0x#"),
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<uuid>"),
    (r"(?<=\()[^\s()]+(?=, line \d+\))", "<path>"),
    (r"(?<=['\"])(?:[A-Za-z]:[\\/]|~?/|\.{1,2}[\\/])[^'\"\n]*(?=['\"])", "<path>"),
    (rf"(?<![\w/]){_PATH}", "<path>"),
    (r"(?<=['\"])(?:[\w .-]+[\\/]+)+[\w .-]+\.\w{1,8}(?=['\"])", "<path>"),
    (r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", "<hex>"),
    (r"(?<![A-Za-z_])[-+]?\d+(?:[.,_:]\d+)*(?:[eE][-+]?\d+)?", "#"),
    (r"(?<=[A-Za-z_])\d{4,}", "#"),
    (r"\s+", " "),
)  # fmt: skip
"""What differs from run to run (pattern, replacement)."""

_INLINED = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
_TOP = re.compile(r"<module>|<cell line: \d+>|async-def-wrapper")


@cache
def _rules() -> tuple[tuple[re.Pattern[str], Any], ...]:
    return tuple((re.compile(pattern, re.M), put) for pattern, put in (*_VERSIONS, *_CHANGING))


def normalise_message(message: str) -> str:
    """`message` with addresses, identifiers, paths and numbers replaced; at most its first 2,000 characters count."""
    text = message[:2000]
    for pattern, put in _rules():
        if pattern.search(text):  # `sub` reads what it puts before it looks
            text = pattern.sub(put, text)
    return text.strip()


def hash_error(kind: str, message: str, functions: Iterable[str] = ()) -> str:
    """16 hex digits for an exception of type `kind`; `functions`: those of the user on its stack, outermost first."""
    inner = next((name for name in reversed(list(functions)) if name not in _INLINED), "")
    place = "" if _TOP.fullmatch(inner) else inner
    text = "\x1f".join([kind, normalise_message(message), place])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
