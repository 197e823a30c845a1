"""Why: the facts that the collectors saw while the objects were alive, and the reasons that lie in the notebook itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from agentlog.ancestry import parents
from agentlog.blame import blame
from agentlog.events import Column, Evidence, Fact, Failure
from agentlog.outline import Item, Section, deepening, item, section
from agentlog.reasons.case import Cause
from agentlog.situation import Situation
from agentlog.suspects import suspects
from agentlog.valuetext import depths

UNBOUND = frozenset({"failed", "deleted", "restart", "unrun", "edited", "local", "near", "nowhere", "skipped branch"})
"""Kinds of notebook causes that say why a name is not bound."""
_WORD = re.compile(r"[A-Za-z_]+|\d+")
_FILLERS = frozenset(
    {"is", "of", "x", "in", "empty", "from", "to", "Index", "labels", "index", "len", "list", "columns", "left", "right"}
)
_DESCRIBES = re.compile(
    r"(?:is )?(?:an? )?(?:ndarray|DataFrame|Series|Index|list|tuple|dict|set|str|int|float|Tensor|[A-Z]\w+)\b(?! not)|steps: |its attributes: |called with |.*could not be had\Z"
)
"""How a fact begins that only says what something is."""
_AS_SERIES = re.compile(r"\A(?:is )?Series \(\d+,\) [\w\[\], ]+?(?:: |; |\Z)")
"""What a fact says of a column that its table's name and the column's type say already."""
_SIDE = re.compile(r"(left side|right side) is Series \(")
_ASSIGNED = re.compile(r"last assigned by (In\[\d+\]) `.*", re.S)
_LOOP = re.compile(r"the loop `for (.+?) in ")
_LEAST = 2
"""Place of the facts that only say what something is."""
_QUOTED = re.compile(r"'([^'\n]{2,})'|\"([^\"\n]{2,})\"")
_SIGNS = re.compile(r"\W+")


def sections(case: Situation) -> list[Section]:
    """The section `evidence`: reasons in the notebook where they are sure, then each fact once, collectors in their order."""
    if case.root is None:
        return []
    sure = [cause for cause in case.causes if cause.kind != "none"]
    told = {"undefined_name"} if any(cause.kind in UNBOUND for cause in sure) else set()
    told |= {"chain"} if case.failure is not None and case.failure.cause is not None else set()
    news = (_news(case, fact) for fact in distinct(e for e in case.root.evidence if e.collector not in told))
    besides = (_besides_cause(case, fact) for fact in news if fact is not None)
    facts = _ranked(case, case.root, [_of_column(case, fact) for fact in besides if fact.text])
    items = (_item(fact, 1.5 if place == _LEAST else 9.0, rank) for rank, (place, fact) in enumerate(facts))
    return [section("evidence", [*map(_of_notebook, sure), *items])]


def _besides_cause(case: Situation, fact: Fact) -> Fact:
    """The fact without the assignment that the cause names."""
    first, _, rest = fact.text.partition("`; ")
    made, found = _ASSIGNED.fullmatch(first.removesuffix("`")), blame(case)
    if made is None or found is None or found.label != made[1] or f"{fact.about} became" not in found.reason:
        return fact
    return replace(fact, text=rest)


def _ranked(case: Situation, failure: Failure, facts: list[Fact]) -> list[tuple[int, Fact]]:
    """Where the file is, observations of what the message quotes, other observations, what tells least; else as the collectors gave them."""
    said = f"{failure.message} {failure.cause.message if failure.cause else ''}"
    quoted = [repr(word) for pair in _QUOTED.findall(said) for word in pair if word]

    def place(fact: Fact) -> int:
        if fact.text.startswith("a file of this name is at"):
            return -1
        if "of them not whole numbers" in fact.text:
            return 0
        if fact.text.startswith("steps: ") and any(word in fact.text for word in quoted):
            return 1
        if _DESCRIBES.match(fact.text) or _beside(case, failure, fact):
            return _LEAST
        return 0 if any(word in fact.text for word in quoted) else 1

    return sorted(((place(fact), fact) for fact in facts), key=lambda pair: pair[0])


def _beside(case: Situation, failure: Failure, fact: Fact) -> bool:
    """Is it about a loop around, from whose variables nothing of the failing expression was made?"""
    loop, frame = _LOOP.match(fact.text), case.innermost
    cell = case.by_id.get(frame.cell or "") if frame is not None else None
    if loop is None or cell is None or failure.expression is None:
        return False
    names = set(suspects(failure))
    sources = {source for name in names for source in parents(cell.source, name)}
    return not set(_WORD.findall(loop[1])) & (names | sources)


def _of_column(case: Situation, fact: Fact) -> Fact:
    """A fact about `df["price"]` as one about the table: `column 'price' (object): ...`."""
    owner, column = _column(case, fact.about or "")
    if owner is None or column is None:
        return fact
    told, side = _AS_SERIES.sub("", fact.text).removeprefix(f"{column.dtype}, "), _SIDE.match(fact.text)
    said = f" is the {side[1]}" if side is not None else f": {told}" if told else ""
    return replace(fact, about=owner, text=f"column {column.name!r} ({column.dtype}){said}")


def _column(case: Situation, about: str) -> tuple[str | None, Column | None]:
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
    found = next((column for column in table.columns if column.name == label), None) if table is not None and label else None
    return node.value.id, found


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


def _news(case: Situation, fact: Fact) -> Fact | None:
    """The fact without the clauses that the line of that name among the values tells anyway; None where nothing is left."""
    value = case.described(fact.about) if fact.about else None
    if value is None:
        return fact
    known = _words(f"{value.type} {depths(value)[-1][0]}")
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


def _item(fact: Fact, most: float, rank: int) -> Item:
    """A fact's first clause, all of it; with what belongs to it; with its details."""
    worth = most / (1 + 0.25 * rank)
    clauses = fact.text.split("; ")
    value = [text for text, _ in depths(fact.value)][:2] if fact.value is not None and fact.value.type not in clauses[0] else []
    deeper = [f"{fact.text}\n" + "\n".join(fact.detail[:count]) for count in (1, 4, 20) if fact.detail]
    found: Sequence[str] = [*(f"{fact.text}: {text}" for text in value), *deeper]
    shares = [0.85 + 0.05 * level for level in range(len(found))]
    return deepening(worth, [(clauses[0], 0.6), (fact.text, 0.8), *zip(found, shares, strict=True)], name=fact.about)
