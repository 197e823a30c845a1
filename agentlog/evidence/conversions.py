"""Text that is no number: which, how many, where it first stands; what a conversion was given."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.evaluate import UNKNOWN
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing

_DISTINCT = 3_000


_MISSING_TEXT = frozenset({"nan", "none", "na", "n/a", "null", "", "-", "?", "nat", "<na>"})


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
        facts.append(f"elements: {probe.tally_text(kinds)}")
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
        facts.append(f"not numbers: {probe.some(wrong, _samples(wrong))}")
    elif texts and all("." in text for text in texts[:50]):
        facts.append(f"texts of decimal numbers: {probe.some(texts, 3)}")
    return facts


def _samples(texts: list[str]) -> int:
    """How many of the texts to show: five short ones, fewer where they are long."""
    return max(2, min(5, 40 // max(1, max(map(len, texts[:5])))))


def _is_number(text: str) -> bool:
    if text.strip().lower() in _MISSING_TEXT:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def converted(failing: Failing, culprit: object) -> list[Fact]:
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
                kind = _shape_of_text(value)
                said = f"{node.func.id}() was given {probe.say(value)}{kind}"
                facts.append(Fact(said, about=ast.unparse(node.args[0]), kind="answers" if kind else "describes"))
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
