"""What is different between two texts, outputs or values, and what only looks different: addresses, times, last digits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from agentlog.diffs.sides import Entry, Output
from agentlog.events import Value
from agentlog.value_changes import difference

TOLERANCE = 1e-9
"""Relative difference below which two numbers count as the same."""

_NOISE = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    (re.compile(r"\b0x[0-9a-fA-F]{4,}\b"), "0x#"),
    (re.compile(r"<ipython-input-\d+-[0-9a-f]+>|/tmp/ipykernel_\d+/\d+\.py"), "<cell>"),
    (re.compile(r"(/tmp|/var/folders|[A-Z]:\\[^\s'\"]*\\Temp)[/\\][^\s'\":,)]*"), "<tmp>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"(?m)^(CPU times|Wall time|\s*[\d.]+ ?(?:[µun]s|ms|s|min) ± ).*$"), "<timing>"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:ns|µs|us|ms|sec|secs|seconds?|minutes?|it/s|s/it|s)\b"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b(?=[^\n]*(?:INFO|DEBUG|WARN|ERROR|it/s|\]))"), "<time>"),
    (re.compile(r"\bid=\d{9,}\b|\bpid[ =:]+\d+"), "<id>"),
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_VOLATILE_FACTS = frozenset({"at", "file", "init", "left", "version"})
_SHOWN = 4
"""Lines of an output that only one side has."""
_UNCOMPARED = frozenset({"module", "builtin_function_or_method"})


def normal(text: str, day: str | None = None) -> str:
    """`text` without what changes by itself from run to run. `day`: the date of the run, whose times of day do not count."""
    for pattern, put in _NOISE:
        text = pattern.sub(put, text)
    if day:
        text = re.sub(
            rf"{re.escape(day)}[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?(?:Z|[+-]\d{{2}}:?\d{{2}})?|{re.escape(day)}",
            "<now>",
            text,
        )
    return text


def same_text(one: str, other: str) -> bool:
    """Equal, numbers within the tolerance."""
    if one == other:
        return True
    first, second = _NUMBER.split(one), _NUMBER.split(other)
    return first == second and all(map(close, _NUMBER.findall(one), _NUMBER.findall(other)))


def close(one: str | float, other: str | float) -> bool:
    """Equal numbers within the tolerance; "1e400" and the like as texts."""
    try:
        return math.isclose(float(one), float(other), rel_tol=TOLERANCE, abs_tol=1e-12) or one == other
    except (ValueError, OverflowError):
        return one == other


# --- outputs --------------------------------------------------------------------------------------------------


def output_differences(one: Entry, other: Entry) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(in words, lines of detail) for each pair of outputs that differ."""
    days = (one.started or "")[:10] or None, (other.started or "")[:10] or None
    for number in range(max(len(one.outputs), len(other.outputs))):
        first = one.outputs[number] if number < len(one.outputs) else None
        second = other.outputs[number] if number < len(other.outputs) else None
        yield from _output_difference(first, second, days)


def _output_difference(
    first: Output | None, second: Output | None, days: tuple[str | None, str | None]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if first is None or second is None:
        there = first or second
        assert there is not None
        yield f"{there.kind} only on {'the first' if first else 'the second'} side", _lines(there)
    elif first.image or second.image:
        if first.image != second.image:
            yield f"{second.kind} shows another image", ()
    else:
        a, b = normal(first.text, days[0]), normal(second.text, days[1])
        if not same_text(a, b):
            yield f"{second.kind} differs", tuple(changed_lines(a, b))


def _lines(output: Output) -> tuple[str, ...]:
    lines = output.text.strip().splitlines()
    return ("an image",) if output.image else tuple(line[:160] for line in lines[:_SHOWN])


def changed_lines(one: str, other: str, most: int = 12) -> Iterator[str]:
    """Lines that differ, "- " of the first and "+ " of the second; numbers within the tolerance do not count."""
    first, second = one.splitlines(), other.splitlines()
    left = most
    for what, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if what == "equal" or (b - a == d - c and all(map(same_text, first[a:b], second[c:d]))):
            continue
        for mark, lines in (("-", first[a:b]), ("+", second[c:d])):
            for line in lines[:left]:
                yield f"{mark} {line[:200]}"
                left -= 1
        if left <= 0:
            return


# --- sources --------------------------------------------------------------------------------------------------


def word_diff(one: str, other: str) -> list[tuple[str, str]]:
    """The two sources as one: ("=", text), ("-", text), ("+", text), word by word."""
    first, second = _WORDS.findall(one), _WORDS.findall(other)
    out: list[tuple[str, str]] = []
    for what, a, b, c, d in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if what == "equal":
            out.append(("=", "".join(first[a:b])))
            continue
        if b > a:
            out.append(("-", "".join(first[a:b])))
        if d > c:
            out.append(("+", "".join(second[c:d])))
    return out


def marked(words: list[tuple[str, str]]) -> list[str]:
    """The lines of a word diff that changed, as text: `x = [-1-]{+2+}`."""
    marks = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
    text = "".join(_put(part, *marks[mark]) for mark, part in words)
    return [line for line in text.splitlines() if "[-" in line or "{+" in line]


def _put(part: str, begin: str, end: str) -> str:
    """Marked line by line: each line can be read alone."""
    return "\n".join(f"{begin}{line}{end}" if line else "" for line in part.split("\n"))


# --- values ---------------------------------------------------------------------------------------------------


def value_difference(one: Value | None, other: Value | None) -> str:
    """What is different between two values of one name in two runs; "" where nothing is, as far as was seen."""
    if one is None or other is None:
        return "" if one is other else "deleted on one side"
    if one.type == other.type and (one.type in _UNCOMPARED or _equal_numbers(one, other)):
        return ""
    said = difference(one, other)
    if said and not _only_noise(one, other):
        return said
    for key, words in (("digest", "content differs"), ("sample", "content differs (seen in a sample)")):
        if key in one.facts and key in other.facts:
            return words if one.facts[key] != other.facts[key] else ""
    return _parts_difference(one, other)


def _equal_numbers(one: Value, other: Value) -> bool:
    values = (one.value, other.value)
    return all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values) and close(*values)  # type: ignore[arg-type]


def _only_noise(one: Value, other: Value) -> bool:
    """The only difference is a short text, equal but for addresses and times."""
    if not (isinstance(one.value, str) and isinstance(other.value, str)):
        return False
    return one.type == other.type and (one.type in ("function", "type") or same_text(normal(one.value), normal(other.value)))


def _parts_difference(one: Value, other: Value) -> str:
    for name, part in one.entries.items():
        if name in other.entries and (said := value_difference(part, other.entries[name])):
            return f"{name}: {said}"
    for number, (first, second) in enumerate(zip(one.items, other.items, strict=False)):
        if said := value_difference(first, second):
            return f"[{number}]: {said}"
    facts = {k: v for k, v in one.facts.items() if k not in _VOLATILE_FACTS and k in other.facts and other.facts[k] != v}
    return ", ".join(f"{key} {value} -> {other.facts[key]}" for key, value in facts.items())
