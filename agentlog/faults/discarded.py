"""A conversion whose result nobody kept: `pd.to_datetime(df["day"])` alone on its line changes nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from agentlog.ancestry import ancestors, tree_of
from agentlog.events import Failure
from agentlog.faults.verdict import Blame
from agentlog.situation import Situation
from agentlog.suspects import offending_word, suspects

_DATES = frozenset({"to_datetime", "astype", "to_timedelta"})
_GAPS = frozenset({"dropna", "fillna", "ffill", "bfill", "interpolate"})
_NUMBERS = frozenset({"astype", "to_numeric", "replace", "map", "get_dummies", "apply", "strip", "drop", "select_dtypes"})
_LABELS = frozenset(
    {"rename", "reset_index", "set_index", "assign", "merge", "join", "add_prefix", "add_suffix", "insert", "drop"}
)
MENDING: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile(r"\.dt accessor|datetimelike|[Dd]atetime|Timestamp|date"), _DATES),
    (re.compile(r"contains NaN|NaN, infinity|inf or nans|missing values|non-finite"), _GAPS),
    (re.compile(r"could not convert|unsupported operand|not supported between|must be numeric|dtype of object|agg function failed|not supported for dtype|Invalid comparison"), _NUMBERS),
    (re.compile(r"\A'|not in index|not found in axis|no column|Could not interpret"), _LABELS),
)  # fmt: skip
"""What the message says -> the calls that would have mended it."""


_GAPS_TOLD = MENDING[1][0]


def discarded(case: Situation, failure: Failure) -> Blame | None:
    """The earlier cell that called what mends this failure, on the very thing that failed, and did not keep what it returned."""
    wanted = frozenset(name for pattern, calls in MENDING if pattern.search(failure.message) for name in calls)
    own = suspects(failure)
    names = {*own, *(ancestors(case, own) if _GAPS_TOLD.search(failure.message) else ())}
    text = f"{failure.expression.text if failure.expression else ''} {' '.join(repr(label) for label in _holed(failure))}"
    for run in reversed(case.earlier) if wanted and names else ():
        if run.status == "ok" and any(f".{name}(" in run.source for name in wanted):
            for call in _lost(run.source):
                if _called(call) in wanted and names & _on(call) and _same_part(call, text, failure):
                    return Blame(run.label, run.id, False, f"the result was not kept there: {ast.unparse(call)[:160]}")
    return None


def _holed(failure: Failure) -> list[str]:
    """The columns in which the evidence saw missing values."""
    facts = [fact.text for one in failure.evidence for fact in one.facts]
    told = [text.rpartition(": ")[2] for text in facts if text.startswith("missing values in")]
    return [part.rpartition(" ")[0] for text in told for part in text.split(", ")]


def _lost(source: str) -> Iterator[ast.Call]:
    """Calls that are statements of their own, without `inplace=True`."""
    tree = tree_of(source)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            words = {
                word.arg for word in node.value.keywords if not (isinstance(word.value, ast.Constant) and not word.value.value)
            }
            if "inplace" not in words:
                yield node.value


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _on(call: ast.Call) -> set[str]:
    """The names that the call was made on: of the receiver, else of the first argument."""
    parts = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return {node.id for part in [*parts, *call.args[:1]] for node in ast.walk(part) if isinstance(node, ast.Name)}


def _same_part(call: ast.Call, text: str, failure: Failure) -> bool:
    """Where the call was made on one column, or gives labels, is it one of those that failed?"""
    labels = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    said = {part for part in re.findall(r"'([^']+)'|\"([^\"]+)\"", f"{text} {failure.message}") for part in part if part}
    word = offending_word(failure)
    column = any(isinstance(node, ast.Subscript) for node in ast.walk(call))
    if not labels:
        return failure.type != "KeyError" or _called(call) in ("reset_index",)
    return bool(labels & (said | {word})) or (not column and failure.type != "KeyError" and _called(call) in _GAPS)
