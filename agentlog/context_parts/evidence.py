"""Why: the facts that the collectors saw while the objects were alive, and the reasons that lie in the notebook itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentlog.blame import blame
from agentlog.events import Column, Evidence, Fact, Failure, Value
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
_CITED = re.compile(r"(In\[\d+\]) `([^`]+)`")
"""A line of a cell, as facts and causes cite it."""
_PLACES = {"points": 0, "answers": 1, "observes": 2, "describes": 3}
"""Where facts of a kind stand; an observation of what the message quotes answers it."""
_QUOTED = re.compile(r"'([^'\n]{2,})'|\"([^\"\n]{2,})\"")
_SIGNS = re.compile(r"\W+")


def sections(case: Situation) -> list[Section]:
    """The section `evidence`: reasons in the notebook where they are sure, then each fact once, by what it is worth."""
    if case.root is None:
        return []
    sure = [cause for cause in case.causes if cause.kind != "none"]
    told = {"undefined_name"} if any(cause.kind in UNBOUND for cause in sure) else set()
    told |= {"chain"} if case.failure is not None and case.failure.cause is not None else set()
    news = (_news(case, fact) for fact in distinct(e for e in case.root.evidence if e.collector not in told))
    facts = _ranked(case.root, [_of_column(case, fact) for fact in news if fact.text])
    items = (_item(fact, 1.5 if fact.kind == "describes" else 9.0, rank) for rank, fact in enumerate(facts))
    return [section("evidence", [*map(_of_notebook, sure), *items])]


def _ranked(failure: Failure, facts: list[Fact]) -> list[Fact]:
    """By kind, observations of what the message quotes before others; else as the collectors gave them."""
    said = f"{failure.message} {failure.cause.message if failure.cause else ''}"
    quoted = [repr(word) for pair in _QUOTED.findall(said) for word in pair if word]

    def place(fact: Fact) -> int:
        kind = "answers" if fact.kind == "observes" and any(word in fact.text for word in quoted) else fact.kind
        return _PLACES.get(kind, _PLACES["observes"])

    return sorted(facts, key=place)


def _news(case: Situation, fact: Fact) -> Fact:
    """The fact without the clauses that the cause, or the line of that name among the values, tells anyway."""
    value = _described(case, fact.about) if fact.about else None
    known = _words(f"{value.type} {depths(value)[-1][0]}") if value is not None else set()
    told = (clause for clause in fact.text.split("; ") if not (known and _words(clause) <= known) and not _caused(case, clause))
    return replace(fact, text="; ".join(told))


def _caused(case: Situation, clause: str) -> bool:
    """Does the clause cite the line that the cause names?"""
    cited, found = _CITED.search(clause), blame(case)
    return cited is not None and found is not None and found.label == cited[1] and _squeezed(cited[2]) in _squeezed(found.reason)


def _described(case: Situation, about: str) -> Value | None:
    """What the values tell of it: of a name, or of a column in the lines of its table."""
    known = case.described(about)
    table, column = _column(case, about) if known is None else (None, None)
    return Value("Series", shape=table.shape[:1], dtype=column.dtype) if table and table.shape and column else known


def _of_column(case: Situation, fact: Fact) -> Fact:
    """A fact about `df["price"]` as one about the table: `column 'price' (object): ...`."""
    table, column = _column(case, fact.about or "")
    if table is None or column is None:
        return fact
    owner = (fact.about or "").partition("[")[0]
    return replace(fact, about=owner, text=f"column {column.name!r} ({column.dtype}): {fact.text}")


def _column(case: Situation, about: str) -> tuple[Value | None, Column | None]:
    """(table, column) that the expression `about` means, by what is known of the table."""
    if not about.endswith("]"):
        return None, None
    try:
        node = ast.parse(about, mode="eval").body
    except (SyntaxError, ValueError):
        return None, None
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)):
        return None, None
    table, label = case.described(node.value.id), _label(case, node.slice)
    return table, next((column for column in table.columns if column.name == label), None) if table and label else None


def _label(case: Situation, node: ast.expr) -> object:
    """What stands in the square brackets: a constant, or a name that holds a text."""
    value = case.described(node.id) if isinstance(node, ast.Name) else None
    return node.value if isinstance(node, ast.Constant) else value.value if value is not None and value.type == "str" else None


def distinct(evidence: Iterable[Evidence]) -> list[Fact]:
    """The facts, without those that another about the same thing contains."""
    facts = list({(fact.about, fact.text): fact for one in evidence for fact in one.facts}.values())
    left = (replace(fact, text="; ".join(_own_clauses(fact, facts))) for fact in facts)
    return [fact for fact in left if fact.text]


def _own_clauses(fact: Fact, facts: list[Fact]) -> list[str]:
    """The clauses that no other fact about the same thing contains."""
    clauses = [replace(fact, text=clause) for clause in fact.text.split("; ")]
    return [clause.text for clause in clauses if not any(_contains(other, clause) for other in facts if other is not fact)]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text)) - _FILLERS


def _contains(fact: Fact, part: Fact) -> bool:
    whole, some = _squeezed(fact.text), _squeezed(part.text)
    return fact.about == part.about and len(whole) > len(some) and some in whole


def _squeezed(text: str) -> str:
    """The words of a text alone, however they are quoted and parted."""
    return f" {_SIGNS.sub(' ', text).strip()} "


def _of_notebook(cause: Cause) -> Item:
    others = (
        f"; also not bound: {', '.join(cause.names[1:])}" if len(cause.names) > 1 and cause.kind not in ("stale", "rerun") else ""
    )
    return item(5.5 * cause.confidence, cause.text + others, str(cause) + others, first=cause.confidence >= 0.9, shape=(0.9, 1.0))


def _item(fact: Fact, most: float, rank: int) -> Item:
    """A fact's first clause, all of it; with what belongs to it; with its details."""
    worth = most / (1 + 0.25 * rank)
    clauses = fact.text.split("; ")
    value = [text for text, _ in depths(fact.value)][:2] if fact.value is not None and fact.value.type not in clauses[0] else []
    deeper = [f"{fact.text}\n" + "\n".join(fact.detail[:count]) for count in (1, 4, 20) if fact.detail]
    found: Sequence[str] = [*(f"{fact.text}: {text}" for text in value), *deeper]
    shares = [0.85 + 0.05 * level for level in range(len(found))]
    return deepening(worth, [(clauses[0], 0.6), (fact.text, 0.8), *zip(found, shares, strict=True)], name=fact.about)
