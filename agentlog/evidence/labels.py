"""Labels of the wrong kind: how many of each there are, which an encoder has not seen, what a score was told to average."""

from __future__ import annotations

import ast
from collections import Counter
from typing import Any

from agentlog import peek
from agentlog.evaluate import PLAIN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.estimators import estimators_of
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector

_LABELS = r"label|(?<![a-z])class(?:es)?(?![a-z_])|target|multiclass|binary|continuous|stratify|n_splits|number of splits|pos_label|least populated|y_true|y_pred"


_LEARNERS = frozenset({"sklearn", "xgboost", "lightgbm", "catboost", "imblearn", "keras", "statsmodels"})


@collector("ValueError", "TypeError", pattern=_LABELS)
def labels(failing: Failing) -> list[Fact]:
    """Of each one-dimensional input: dtype, distinct values and how many of each."""
    if not any((level.module or "").partition(".")[0] in _LEARNERS for level in failing.levels):
        return []
    pairs = [
        *failing.data(),
        *((failing.name_of(value) or f"argument {name}", value) for name, value in failing.handed() if name != "X"),
    ]
    facts: dict[str, Fact] = {}
    for about, value in pairs:
        for fact in label_facts(about, value) if _one_dimensional(value) and not probe.is_tensor(value) else ():
            facts.setdefault(fact.text.partition("; ")[2], fact)
    return _sets(pairs, failing) + list(facts.values())[:6]


def _one_dimensional(value: object) -> bool:
    shape = probe.shape_of(value)
    if shape is not None:
        return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    return peek.exactly(value, list, tuple) and bool(value) and all(type(part) in PLAIN for part in value[:100])  # type: ignore[index]


def label_facts(about: str, value: Any) -> list[Fact]:
    items = probe.column(value, 0).tolist()[: probe.SCAN] if probe.is_frame(value) else probe.items_of(value)
    plain = [item for item in items if type(item) in PLAIN]
    counts = Counter(plain)
    fractions = sum(1 for item in plain if type(item) is float and item == item and not item.is_integer())
    odd = f", {fractions} of them not whole numbers" if fractions else ""
    said = f"{probe.say(value)}; {len(counts)} distinct values{odd}: {_how_many(counts)}"
    return [Fact(said, about=about, kind="answers" if fractions else "observes")]


def _how_many(counts: Counter[Any]) -> str:
    """The most frequent values and how many of each; of values that all occur once a few."""
    ranked = counts.most_common()
    if ranked and ranked[0][1] == 1:
        return f"each once, such as {probe.some([item for item, _ in ranked], 4)}"
    few = ", ".join(f"{probe.show(item)} {count} times" for item, count in ranked[:8])
    return few + (f"; rarest {probe.show(ranked[-1][0])} {ranked[-1][1]} times" if len(ranked) > 8 else "")


def _sets(pairs: list[tuple[str, object]], failing: Failing) -> list[Fact]:
    """Labels that an encoder has not seen."""
    for _, model in estimators_of(failing):
        classes = peek.own(model, "classes_")
        known = set(probe.comparable(probe.items_of(classes))) if probe.is_array(classes) else set()
        for about, value in pairs:
            if known and _one_dimensional(value):
                plain = dict.fromkeys(item for item in probe.items_of(value) if type(item) in PLAIN)
                unseen = [item for item in plain if item not in known]
                if unseen:
                    said = f"{len(unseen)} values are not among the {len(known)} known classes: {probe.some(unseen, 10)}"
                    return [Fact(said, about=about, kind="answers")]
    return []


@collector("ValueError", "NotFittedError", "AttributeError")
def comparison_scores(failing: Failing) -> list[Fact] | None:
    """`average=`, `pos_label=` and other words passed on the failing call: what was chosen."""
    if "average" not in failing.message and "pos_label" not in failing.message:
        return None
    words = [f"{word.arg}={ast.unparse(word.value)}" for call in failing.nodes(ast.Call) for word in call.keywords if word.arg]  # type: ignore[attr-defined]
    return [Fact(f"passed: {', '.join(words)}" if words else "no keyword was passed", kind="answers")]
