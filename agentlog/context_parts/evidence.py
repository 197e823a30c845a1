"""Why: the facts that the collectors saw while the objects were alive, and the reasons that lie in the notebook itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentlog.events import Evidence, Fact
from agentlog.outline import Item, Section, deepening, item, section
from agentlog.reasons.case import Cause
from agentlog.situation import Situation
from agentlog.valuetext import depths

UNBOUND = frozenset({"failed", "deleted", "restart", "unrun", "edited", "local", "near", "nowhere", "skipped branch"})
"""Kinds of notebook causes that say why a name is not bound."""
_WORD = re.compile(r"[A-Za-z_]+|\d+")
_FILLERS = frozenset(
    {"is", "of", "x", "in", "empty", "from", "to", "Index", "labels", "index", "len", "list", "columns", "left", "right"}
)
_DESCRIBES = re.compile(
    r"(?:is )?(?:an? )?(?:ndarray|DataFrame|Series|Index|list|tuple|dict|set|str|int|float|Tensor|[A-Z]\w+)\b(?! not)"
)
"""How a fact begins that only says what something is."""
_SIGNS = re.compile(r"\W+")


def sections(case: Situation) -> list[Section]:
    """The section `evidence`: reasons in the notebook where they are sure, then each fact once, collectors in their order."""
    if case.root is None:
        return []
    sure = [cause for cause in case.causes if cause.kind != "none"]
    told = {"undefined_name"} if any(cause.kind in UNBOUND for cause in sure) else set()
    told |= {"chain"} if case.failure is not None and case.failure.cause is not None else set()
    news = (_news(case, fact) for fact in distinct(e for e in case.root.evidence if e.collector not in told))
    facts = [fact for fact in news if fact is not None]
    return [section("evidence", [*map(_of_notebook, sure), *(_item(fact, rank) for rank, fact in enumerate(facts))])]


def distinct(evidence: Iterable[Evidence]) -> list[Fact]:
    """The facts, without those that another about the same thing contains."""
    facts = list({(fact.about, fact.text): fact for one in evidence for fact in one.facts}.values())
    return [fact for fact in facts if not any(_contains(other, fact) for other in facts if other is not fact)]


def _news(case: Situation, fact: Fact) -> Fact | None:
    """The fact without the clauses that the line of that name among the values tells anyway; None where nothing is left."""
    value = case.described(fact.about) if fact.about else None
    if value is None:
        return fact
    known = _words(depths(value)[-1][0])
    left = [clause for clause in fact.text.split("; ") if not _words(clause) <= known]
    return replace(fact, text="; ".join(left)) if left else None


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
    """A fact's first clause, all of it; with what belongs to it; with its details."""
    worth = (1.5 if _DESCRIBES.match(fact.text) else 9.0) / (1 + 0.25 * rank)
    clauses = fact.text.split("; ")
    value = [text for text, _ in depths(fact.value)][:2] if fact.value is not None and fact.value.type not in clauses[0] else []
    deeper = [f"{fact.text}\n" + "\n".join(fact.detail[:count]) for count in (1, 4, 20) if fact.detail]
    found: Sequence[str] = [*(f"{fact.text}: {text}" for text in value), *deeper]
    shares = [0.85 + 0.05 * level for level in range(len(found))]
    return deepening(worth, [(clauses[0], 0.6), (fact.text, 0.8), *zip(found, shares, strict=True)], name=fact.about)
