"""Values that cannot be used: text where numbers belong, missing and infinite values, conversions that fail. Which column, how many, samples."""

from __future__ import annotations

import math
import re
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.conversions import column_facts, converted
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.source import assignments_of
from agentlog.expression import names_in, operands_of

CONVERSION = (
    r"could not convert|invalid literal for|unable to parse string|cannot convert|Cannot convert|must be real number|argument must be a string|"
    r"could not be converted|has no numeric|no numeric|cannot safely|non-numeric|Unsupported dtype|dtype=object|dtype object|object arrays|"
    r"Input contains|contains NaN|contains infinity|infs or NaNs|NaN|non-finite|dtypes for|pandas dtypes must be|Pandas data cast to numpy dtype of object|"
    r"agg function failed|does not support|could not be cast|cannot perform|Invalid comparison|not supported for the input types|ufunc '|can't convert np.ndarray|"
    r"cannot be converted|Failed to convert|Can only use \.(?:str|dt|cat) accessor|nan_policy|svd did not converge|exog contains|Invalid dtype: object|"
    r"Unsupported object type"
)
_LITERAL = re.compile(
    r"(?:to float|with base \d+|parse string|to int|value|literal)[^'\"]*:?\s*(?P<quote>['\"])(?P<text>.*?)(?P=quote)(?:$|[\s:,.])",
    re.S,
)
_OTHERS = {" infinite": "finite", " missing (": "present"}
"""What is counted -> what the examples beside it are."""
_STEPS = 3
"""Assignments gone back from an array to the table it was made from."""
_HANDED = "argument "
"""What the line made and handed over: no name holds it. Gaps and texts that what it was made of has, too, are told of that alone."""
_INSIDE = " in the library"
"""What the library had made of the user's data: told where the data itself shows nothing."""


@collector(
    "ValueError",
    "TypeError",
    "ArrowInvalid",
    "LinAlgError",
    "MissingDataError",
    "DataError",
    "IntCastingNaNError",
    "AttributeError",
    pattern=CONVERSION,
)
def unusable_content(failing: Failing) -> Evidence | None:
    """For each table, column or array involved: columns that are not numbers, missing and infinite values, the text that failed."""
    culprit, always = _literal(failing), "accessor" in failing.message
    facts: list[Fact] = []
    known: list[list[str]] = []
    for about, value in _involved(failing):
        if failing.late() or len(facts) > 8 or (facts and about.endswith(_INSIDE)):
            break
        if probe.is_frame(value):
            facts += [] if always else _frame_contents(failing, value, about, culprit)
            continue
        found = _found_in(value, culprit)
        if not (about.startswith(_HANDED) and found in known):
            facts += _contents(value, about, found, always)
        known.append(found)
    facts += converted(failing, culprit) + _made_of_texts(failing, culprit)
    first = {fact.text: fact for fact in reversed(facts)}
    facts = [fact for fact in facts if first[fact.text] is fact]
    return Evidence("unusable_content", tuple(facts[:10])) if facts else None


def _made_of_texts(failing: Failing, culprit: object) -> list[Fact]:
    """Of an array of objects: the table that it was made from, where that has columns of text."""
    arrays = [text for text, value in failing.data() if probe.is_array(value) and probe.dtype_of(value) == "object"]
    names, seen = [name for name in arrays if name.isidentifier()], set(arrays)
    for _ in range(_STEPS):
        sources = [word for name in names for one in assignments_of(failing, name)[-1:] for word in names_in(one.value)]
        names = [name for name in dict.fromkeys(sources) if name not in seen]
        seen.update(names)
        for name in names:
            table = failing.resolve(name)
            if probe.is_frame(table):
                return _frame_contents(failing, table, name, culprit)[:1]
    return []


def _literal(failing: Failing) -> object:
    """The text that the exception says it could not convert, else UNKNOWN."""
    hit = _LITERAL.search(failing.message)
    return hit.group("text") if hit else UNKNOWN


def _involved(failing: Failing) -> list[tuple[str, object]]:
    """Tables, columns and arrays of the user's line, then those handed to the library, then those it was working on; each once."""
    found = _without_owners(failing) + [
        (failing.name_of(value) or f"{_HANDED}{name}", value) for name, value in _opened(failing.handed())
    ]
    found += [pair for _, iterated in failing.loops() for pair in operands_of(iterated, failing.scope)]
    found += [
        (f"{name}{_INSIDE}", value)
        for name, value in failing.library_locals("self", "X", "values", "arr", "array", "data").items()
    ]
    out: dict[int, tuple[str, object]] = {}
    for about, value in found:
        if _is_content(value):
            out.setdefault(id(value), (about, value))
    return list(out.values())[:6]


def _without_owners(failing: Failing) -> list[tuple[str, Any]]:
    """What the line works on, without the tables of which it only takes a column."""
    known = failing.data()
    whole = [value for _, value in failing.handed()]
    return [
        (text, value)
        for text, value in known
        if not probe.is_frame(value)
        or any(value is other for other in whole)
        or not any(other.startswith((f"{text}[", f"{text}.")) and probe.is_series(part) for other, part in known)
    ]


def _opened(pairs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for name, value in pairs:
        out += (
            [(f"{name}[{i}]", part) for i, part in enumerate(value)]
            if type(value) is tuple and len(value) < 8
            else [(name, value)]
        )
    return out


def _is_content(value: Any) -> bool:
    return probe.is_tabular(value) or (
        peek.exactly(value, list, tuple) and len(value) > 0 and peek.exactly(value[0], str, int, float, type(None))
    )


def _found_in(value: Any, culprit: object) -> list[str]:
    """What there is in a column, list or array that may not be usable, in words."""
    items = probe.items_of(value)
    found = column_facts(items, culprit)
    return [f"in the first {len(items)}", *found] if found and len(items) < (probe.length_of(value) or 0) else found


def _contents(value: Any, about: str, found: list[str], always: bool) -> list[Fact]:
    if not found and probe.dtype_of(value) != "object" and not always:
        return []
    return [Fact("; ".join([probe.say(value), *found, *_examples(probe.items_of(value, 200), found)]), about=about)]


def _examples(items: list[Any], told: list[str]) -> list[str]:
    """The first distinct values, unless they are told as what is no number; beside a count of gaps it is said that they are none."""
    distinct = list(dict.fromkeys(item for item in items if peek.exactly(item, str, int, bool) or _finite(item)))
    all_told = any(text.startswith("not numbers") for text in told) and not any("of them not numbers" in text for text in told)
    which = next((f"{word} values " for gap, word in _OTHERS.items() if any(gap in text for text in told)), "")
    return [f"{which}e.g. {probe.some(distinct[:4])}"] if distinct and not all_told else []


def _finite(item: object) -> bool:
    return type(item) is float and math.isfinite(item)


def _frame_contents(failing: Failing, frame: Any, about: str, culprit: object) -> list[Fact]:
    """Columns that are not numbers, those with missing or infinite values; the cell with the text that failed."""
    kinds = probe.dtypes_of(frame)[:400]
    mixed = re.search(r"dtype of object|numpy\.object_", failing.message) is not None
    other = [(label, dtype) for label, dtype in kinds if not _numeric(dtype) or (mixed and dtype == "bool")]
    facts = []
    if other and all(dtype == "bool" for _, dtype in other):
        facts.append(Fact(_bools_among(kinds), about=about))
    elif other:
        shown = ", ".join(f"{label} ({dtype})" for label, dtype in other[:30])
        samples = tuple(
            f"{label}: {'; '.join(_column(frame, kinds, label, culprit))}" for label, _ in other[:12] if not failing.late()
        )
        facts.append(Fact(f"{len(other)} of {len(kinds)} columns are not numbers: {shown}", about=about, detail=samples))
    facts += _holding(frame, about, kinds, culprit)
    facts += _infinite_by_column(failing, frame, kinds)
    missing = _missing_by_column(failing, frame, kinds)
    if missing:
        shown = ", ".join(f"{label} {count}" for label, count in missing[:20])
        facts.append(
            Fact(f"missing values in {len(missing)} of {len(kinds)} columns, of {_rows(frame)} rows: {shown}", about=about)
        )
    return facts


def _bools_among(kinds: list[tuple[Any, str]]) -> str:
    """`2 of 3 columns are bool beside numbers, ...: member, paid; float64: age`: what together is a table of objects to numpy."""
    named = {dtype: [str(label) for label, kind in kinds if kind == dtype] for _, dtype in kinds}
    bools = named.pop("bool")
    numbers = "; ".join(f"{dtype}: {', '.join(labels[:8])}" for dtype, labels in named.items())
    return f"{len(bools)} of {len(kinds)} columns are bool beside numbers, objects to numpy: {', '.join(bools[:8])}; {numbers}"


def _infinite_by_column(failing: Failing, frame: Any, kinds: list[tuple[Any, str]]) -> list[Fact]:
    """Columns with infinite numbers, where the message is about those."""
    if not re.search(r"infinit|\binfs?\b", failing.message):
        return []
    found = []
    for position, (label, dtype) in enumerate(kinds):
        items = probe.items_of(probe.column(frame, position)) if dtype.startswith("float") and not failing.late() else []
        count = sum(1 for item in items if type(item) is float and math.isinf(item))
        found += [f"{label} {count}"] if count else []
    text = f"infinite values in {len(found)} of {len(kinds)} columns: {', '.join(found[:20])}"
    about = failing.name_of(frame)
    return [Fact(text, about=about), *_was_before(failing, about, frame)] if found else []


def _was_before(failing: Failing, about: str | None, frame: Any) -> list[Fact]:
    """What stood where the first infinite value is, in the table that this one was made from."""
    made = assignments_of(failing, about)[-1:] if about and about.isidentifier() else []
    sources: list[tuple[str, Any]] = [(name, failing.resolve(name)) for one in made for name in names_in(one.value)]
    for name, table in sources:
        if not probe.is_frame(table) or len(table) != len(frame):
            continue
        for position, label in enumerate(probe.columns_of(frame)[:200]):
            items = probe.items_of(probe.column(frame, position))
            row = next((i for i, item in enumerate(items) if type(item) is float and math.isinf(item)), None)
            if row is not None and label in probe.columns_of(table):
                was = probe.items_of(table[label])[row] if table.columns.is_unique else UNKNOWN
                return [Fact(f"column {label!r} holds {probe.show(was)} in row {row}, where {about} is infinite", about=name)]
    return []


def _rows(frame: Any) -> str:
    return f"{len(frame)}" if len(frame) <= probe.ROWS else f"the first {probe.ROWS} of {len(frame)}"


def _numeric(dtype: str) -> bool:
    return dtype.lower().startswith(("int", "uint", "float", "bool", "complex"))


def _column(frame: Any, kinds: list[tuple[Any, str]], label: Any, culprit: object) -> list[str]:
    position = [name for name, _ in kinds].index(label)
    items = probe.items_of(probe.column(frame, position), 20_000)
    found = column_facts(items, culprit)
    return [*_examples(items[:5000], found), *found]


def _holding(frame: Any, about: str, kinds: list[tuple[Any, str]], culprit: object) -> list[Fact]:
    """Where the text that failed stands."""
    if type(culprit) is not str:
        return []
    for position, (label, dtype) in enumerate(kinds):
        if _numeric(dtype):
            continue
        items = probe.items_of(probe.column(frame, position))
        if culprit in (text for text in items if type(text) is str):
            rows = [i for i, item in enumerate(items) if type(item) is str and item == culprit]
            return [
                Fact(
                    f"{culprit[:80]!r} is in column {label!r} ({dtype}), row {rows[0]}"
                    + (f" and {len(rows) - 1} more" if rows[1:] else ""),
                    about=about,
                )
            ]
    return []


def _missing_by_column(failing: Failing, frame: Any, kinds: list[tuple[Any, str]]) -> list[tuple[Any, int]]:
    found = []
    for position, (label, dtype) in enumerate(kinds):
        if failing.late():
            break
        if not dtype.startswith(("int", "uint", "bool")):
            count = missing_in(probe.column(frame, position).iloc[: probe.ROWS])
            if count:
                found.append((label, count))
    return sorted(found, key=lambda pair: -pair[1])


def missing_in(series: Any) -> int:
    """Missing values of a pandas Series."""
    return int(series.isna().sum())
