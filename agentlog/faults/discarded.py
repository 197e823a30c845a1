"""A conversion whose result nobody kept: `pd.to_datetime(df["day"])` alone on its line changes nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentlog.ancestry import ancestors, tree_of
from agentlog.events import Failure
from agentlog.faults.verdict import Blame
from agentlog.situation import Situation
from agentlog.suspects import offending_word, suspects

_GAPS = frozenset({"dropna", "fillna", "ffill", "bfill", "interpolate"})


@dataclass(frozen=True, slots=True)
class Mending:
    """Calls that mend what messages say.

    whole       they are about the rows, their labels or the form: no label says which part is meant
    inherited   they mend the failing name also where they are made on what it was made from
    """

    said: re.Pattern[str]
    calls: frozenset[str]
    whole: bool = False
    inherited: bool = False


def _mending(said: str, calls: str, *, whole: bool = False, inherited: bool = False) -> Mending:
    return Mending(re.compile(said), frozenset(calls.split()), whole, inherited)


MENDINGS = (
    _mending(r"\.dt accessor|datetimelike|[Dd]atetime|Timestamp|date", "to_datetime astype to_timedelta"),
    _mending(r"contains NaN|NaN, infinity|inf or nans|missing values|non-finite", " ".join(_GAPS), inherited=True),
    _mending(
        r"could not convert|unsupported operand|not supported between|must be numeric|dtype of object|agg function failed|not supported for dtype|"
        r"Invalid comparison|no numeric",
        "astype to_numeric replace map get_dummies apply strip drop select_dtypes", inherited=True,
    ),
    _mending(
        r"\A'|not in index|not found in axis|no column|Could not interpret",
        "rename reset_index set_index assign merge join add_prefix add_suffix insert drop strip lower",
    ),
    _mending(
        r"\b[Ff]req|period|PeriodIndex|DatetimeIndex|monotonic|must be sorted",
        "set_index asfreq to_period sort_index sort_values", whole=True, inherited=True,
    ),
    _mending(r"duplicate|must be unique|not unique", "drop_duplicates reset_index set_index", whole=True, inherited=True),
    _mending(
        r"Expected 2D|[Rr]eshape your data|1-dimensional|2-dimensional|expected (?:min_)?ndim|[Ee]xpected \dD",
        "reshape expand_dims to_frame squeeze unsqueeze flatten ravel view to_numpy", whole=True,
    ),
)  # fmt: skip
"""What the message says -> the calls that would have mended it."""


def discarded(case: Situation, failure: Failure) -> Blame | None:
    """The earlier cell that called what mends this failure, on the very thing that failed, and did not keep what it returned."""
    wanted = [mending for mending in MENDINGS if mending.said.search(failure.message)]
    own = suspects(failure)
    indexed = _index_names(case, own)
    older = ancestors(case, own) if any(mending.inherited for mending in wanted) else []
    spoken = [f".{called}(" for mending in wanted for called in mending.calls]
    for run in reversed(case.earlier) if wanted and own else ():
        calls = _lost(run.source) if run.status == "ok" and any(word in run.source for word in spoken) else ()
        for call in calls:
            for mending in wanted:
                names = {*own, *older} if mending.inherited else {*own}
                if _called(call) in mending.calls and names & _on(call) and (mending.whole or _same_part(call, failure, indexed)):
                    return Blame(run.label, run.id, False, f"the result was not kept there: {ast.unparse(call)[:160]}")
    return None


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


def _same_part(call: ast.Call, failure: Failure, indexed: set[str]) -> bool:
    """Where the call was made on one column, or gives labels, is it one of those that failed?"""
    labels = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    text = f"{failure.expression.text if failure.expression else ''} {failure.message}"
    said = {part for part in re.findall(r"'([^']+)'|\"([^\"]+)\"", text) for part in part if part}
    column = any(isinstance(node, ast.Subscript) for node in ast.walk(call))
    if not labels:
        return failure.type != "KeyError" or _called(call) in ("reset_index", "strip", "lower")
    meant = {*said, *indexed, *_columns_told(failure), offending_word(failure)}
    return bool(labels & meant) or (not column and failure.type != "KeyError" and _called(call) in _GAPS)


def _index_names(case: Situation, names: list[str]) -> set[str]:
    """What the columns were called that are the labels of the rows now."""
    known = [value.index for name in names if (value := case.described(name)) is not None and value.index]
    return {found[1] for index in known if (found := re.match(r"\w+ '([^']+)'", index))}


def _columns_told(failure: Failure) -> list[str]:
    """The columns in which the evidence saw missing values, or what did not fit."""
    facts = [fact.text for one in failure.evidence for fact in one.facts]
    told = [text.rpartition(": ")[2] for text in facts if text.startswith("missing values in")]
    holed = [part.rpartition(" ")[0] for text in told for part in text.split(", ")]
    return [*holed, *(found[1] for text in facts if (found := re.search(r"is in column '([^']+)'", text)))]
