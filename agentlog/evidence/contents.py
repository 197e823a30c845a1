"""Values that cannot be used: text where numbers belong, missing and infinite values, conversions that fail. Which column, how many, samples."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.expression import operands_of

CONVERSION = (
    r"could not convert|invalid literal for|unable to parse string|cannot convert|Cannot convert|must be real number|argument must be a string|"
    r"could not be converted|has no numeric|no numeric|cannot safely|non-numeric|Unsupported dtype|dtype=object|dtype object|object arrays|"
    r"Input contains|contains NaN|contains infinity|infs or NaNs|NaN|non-finite|dtypes for|pandas dtypes must be|Pandas data cast to numpy dtype of object|"
    r"agg function failed|does not support|could not be cast|cannot perform|Invalid comparison|not supported for the input types|ufunc '|can't convert np.ndarray|"
    r"cannot be converted|Failed to convert|Can only use \.(?:str|dt|cat) accessor|nan_policy|svd did not converge|exog contains"
)
_LITERAL = re.compile(
    r"(?:to float|with base \d+|parse string|to int|value|literal)[^'\"]*:?\s*(?P<quote>['\"])(?P<text>.*?)(?P=quote)(?:$|[\s:,.])",
    re.S,
)
_DISTINCT = 3_000
_INSIDE = " in the library"
"""What the library had made of the user's data: told where the data itself shows nothing."""
_MISSING_TEXT = frozenset({"nan", "none", "na", "n/a", "null", "", "-", "?", "nat", "<na>"})


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
    culprit = _literal(failing)
    facts: list[Fact] = []
    for about, value in _involved(failing):
        if failing.late() or len(facts) > 8 or (facts and about.endswith(_INSIDE)):
            break
        facts += _contents(failing, value, about, culprit, always="accessor" in failing.message)
    facts += _converted(failing, culprit)
    first = {fact.text: fact for fact in reversed(facts)}
    facts = [fact for fact in facts if first[fact.text] is fact]
    return Evidence("unusable_content", tuple(facts[:10])) if facts else None


def _literal(failing: Failing) -> object:
    """The text that the exception says it could not convert, else UNKNOWN."""
    hit = _LITERAL.search(failing.message)
    return hit.group("text") if hit else UNKNOWN


def _involved(failing: Failing) -> list[tuple[str, object]]:
    """Tables, columns and arrays of the user's line, then those handed to the library, then those it was working on; each once."""
    found = _without_owners(failing) + [
        (failing.name_of(value) or f"argument {name}", value) for name, value in _opened(failing.handed())
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
        type(value) in (list, tuple) and len(value) > 0 and type(value[0]) in (str, int, float, type(None))
    )


def _contents(failing: Failing, value: Any, about: str, culprit: object, always: bool) -> list[Fact]:
    if probe.is_frame(value):
        return [] if always else _frame_contents(failing, value, about, culprit)
    items = probe.items_of(value)
    found = column_facts(items, culprit)
    if len(items) < (probe.length_of(value) or 0) and found:
        found.insert(0, f"in the first {len(items)}")
    dtype = probe.dtype_of(value)
    if found or dtype == "object" or always:
        return [Fact("; ".join(filter(None, [probe.say(value), *found, *_sample(value, found)])), about=about)]
    return []


def _sample(value: Any, told: list[str]) -> list[str]:
    return _examples(probe.items_of(value, 200), told)


def _examples(items: list[Any], told: list[str]) -> list[str]:
    """The first distinct values, unless they are told as what is no number."""
    distinct = list(dict.fromkeys(item for item in items if type(item) in (str, int, float, bool, type(None))))
    all_told = any(text.startswith("not numbers") for text in told) and not any("of them not numbers" in text for text in told)
    return [f"e.g. {probe.some(distinct[:4])}"] if distinct and not all_told else []


def _frame_contents(failing: Failing, frame: Any, about: str, culprit: object) -> list[Fact]:
    """Columns that are not numbers, those with missing or infinite values; the cell with the text that failed."""
    kinds = probe.dtypes_of(frame)[:400]
    mixed = "dtype of object" in failing.message
    other = [(label, dtype) for label, dtype in kinds if not _numeric(dtype) or (mixed and dtype == "bool")]
    facts = []
    if other:
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
    return [Fact(text, about=failing.name_of(frame))] if found else []


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


def column_facts(items: list[Any], culprit: object) -> list[str]:
    """In words: how many are missing, infinite, the failing text, not numeric text, of which types."""
    facts = []
    kinds = probe.tally(items)
    floats = [item for item in items if type(item) is float]
    nullish = {id(value) for value in (None, peek.loaded("pandas", "NaT"), peek.loaded("pandas", "NA"))}
    missing = sum(map(math.isnan, floats))
    missing += sum(1 for item in items if id(item) in nullish) if len(floats) < len(items) else 0
    infinite = sum(map(math.isinf, floats))
    if missing:
        facts.append(f"{missing} of {len(items)} missing (NaN or None)")
    if infinite:
        facts.append(f"{infinite} infinite")
    texts = [item for item in items if type(item) is str]
    if texts:
        facts += _text_facts(texts, len(items), culprit)
    if len(kinds) > 1:
        facts.append(f"types: {probe.tally_text(kinds)}")
    return facts


def _text_facts(texts: list[str], total: int, culprit: object) -> list[str]:
    counts = Counter(texts)
    looked = list(islice(counts, _DISTINCT))
    wrong = [text for text in looked if not _is_number(text)]
    bad = sum(counts[text] for text in wrong)
    more = " at least" if len(counts) > _DISTINCT else ""
    facts = [f"{len(texts)} texts,{more} {bad} of them not numbers"] if wrong and bad < len(texts) else []
    if type(culprit) is str and (same := texts.count(culprit)):
        facts.append(f"{culprit[:60]!r} {same} times of {total}, first at position {texts.index(culprit)}")
    if wrong:
        facts.append(f"not numbers: {probe.some(wrong, 5)}")
    elif texts and all("." in text for text in texts[:50]):
        facts.append(f"texts of decimal numbers: {probe.some(texts, 3)}")
    return facts


def _is_number(text: str) -> bool:
    if text.strip().lower() in _MISSING_TEXT:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _converted(failing: Failing, culprit: object) -> list[Fact]:
    """`int(x)`, `float(x)`: what x was."""
    facts = []
    for node in failing.nodes(ast.Call):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("int", "float", "complex", "round")
            and node.args
        ):
            value = failing.resolve(node.args[0])
            if value is not UNKNOWN:
                facts.append(
                    Fact(f"{node.func.id}() was given {probe.say(value)}{_shape_of_text(value)}", about=ast.unparse(node.args[0]))
                )
            elif type(culprit) is str:
                facts.append(Fact(f"was {culprit[:80]!r}{_shape_of_text(culprit)}", about=ast.unparse(node.args[0])))
    return facts[:3]


def _shape_of_text(value: object) -> str:
    """What kind of text it is, as seen."""
    if type(value) is not str:
        return ""
    text = value.strip()
    if not text:
        return ": an empty text"
    if text.lower() in _MISSING_TEXT:
        return ": a missing value written as text"
    if _is_number(text):
        return ": a decimal number as text"
    return ": with a thousands separator" if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", text) else ""
