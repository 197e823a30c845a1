"""Why: the facts that the collectors saw while the objects were alive."""

from __future__ import annotations

from collections.abc import Iterable

from agentlog.events import Evidence, Fact
from agentlog.outline import Item, Section, item, section
from agentlog.situation import Situation
from agentlog.valuetext import texts


def sections(case: Situation) -> list[Section]:
    """The section `evidence`: each fact once, collectors in their order."""
    failure = case.root
    if failure is None:
        return []
    return [section("evidence", [_item(fact, rank) for rank, fact in enumerate(_unique(failure.evidence))])]


def _unique(evidence: Iterable[Evidence]) -> list[Fact]:
    found: dict[tuple[str | None, str], Fact] = {}
    for one in evidence:
        for fact in one.facts:
            found.setdefault((fact.about, fact.text), fact)
    return list(found.values())


def _item(fact: Fact, rank: int) -> Item:
    deeper = [fact.text + "\n" + "\n".join(fact.detail[:count]) for count in (1, 4, 20) if fact.detail]
    value = [f"{fact.text}: {text}" for text in texts(fact.value)] if fact.value else []
    return item(5.0 / (1 + 0.35 * rank), fact.text, *value[:2], *deeper, name=fact.about)
