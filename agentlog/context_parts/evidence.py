"""Why: the facts that the collectors saw while the objects were alive, and the reasons that lie in the notebook itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agentlog.cause_case import Cause
from agentlog.events import Evidence, Fact
from agentlog.outline import Item, Section, deepening, item, section
from agentlog.situation import Situation
from agentlog.valuetext import depths

_WORD = re.compile(r"[A-Za-z_]+|\d+")
_FILLERS = frozenset({"is", "of", "x", "in", "empty", "from", "to", "Index", "labels", "index", "len", "list"})
_SIGNS = re.compile(r"\W+")


def sections(case: Situation) -> list[Section]:
    """The section `evidence`: reasons in the notebook where they are sure, then each fact once, collectors in their order."""
    if case.root is None:
        return []
    facts = [fact for fact in distinct(case.root.evidence) if not _told_by_value(case, fact)]
    sure = [cause for cause in case.causes if cause.kind != "none"]
    nothing = [item(0.1, cause.text) for cause in case.causes if cause.kind == "none"]
    return [section("evidence", [*map(_of_notebook, sure), *(_item(fact, rank) for rank, fact in enumerate(facts)), *nothing])]


def distinct(evidence: Iterable[Evidence]) -> list[Fact]:
    """The facts, without those that another about the same thing contains."""
    facts = list({(fact.about, fact.text): fact for one in evidence for fact in one.facts}.values())
    return [fact for fact in facts if not any(_contains(other, fact) for other in facts if other is not fact)]


def _told_by_value(case: Situation, fact: Fact) -> bool:
    """Does the fact say no more than the line of that name among the values?"""
    value = case.described(fact.about) if fact.about else None
    return value is not None and _words(fact.text) <= _words(depths(value)[-1][0])


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text)) - _FILLERS


def _contains(fact: Fact, part: Fact) -> bool:
    whole, some = (f" {_SIGNS.sub(' ', text)} " for text in (fact.text, part.text))
    return fact.about == part.about and len(whole) > len(some) and some in whole


def _of_notebook(cause: Cause) -> Item:
    others = (
        f"; also not bound: {', '.join(cause.names[1:])}" if len(cause.names) > 1 and cause.kind not in ("stale", "rerun") else ""
    )
    return item(5.5 * cause.confidence, cause.text + others, str(cause) + others, first=cause.confidence >= 0.9, shape=(0.9, 1.0))


def _item(fact: Fact, rank: int) -> Item:
    """A fact alone; with what belongs to it; with its details."""
    worth = 5.0 / (1 + 0.35 * rank)
    told = fact.text.split(";")[0]
    value = [text for text, _ in depths(fact.value)][:2] if fact.value is not None and fact.value.type not in told else []
    deeper = [f"{fact.text}\n" + "\n".join(fact.detail[:count]) for count in (1, 4, 20) if fact.detail]
    found: Sequence[str] = [fact.text, *(f"{fact.text}: {text}" for text in value), *deeper]
    shares = [0.8, *(0.85 + 0.05 * level for level in range(len(found) - 1))]
    return deepening(worth, zip(found, shares, strict=True), name=fact.about)
