"""The first divergence of two runs: the earliest execution whose inputs were equal and whose effect was not, and why.

Where the code of that execution is different, that is it. Where it is the same, something outside the code was not:
the candidates are weighed by how they touch this execution (a file it read, a variable of the environment it asks for,
a package it uses, a generator it drew from).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agentlog.diffs.alignment import Pair
from agentlog.diffs.difference import CODE, EFFECTS, Difference
from agentlog.diffs.sides import Entry

_TIME_WORDS = re.compile(
    r"\b(datetime|time|tz|timezone|strftime|Timestamp|localtime|fromtimestamp|mktime|date|astimezone)\b", re.I
)
_ENVIRONMENT_WORDS = re.compile(r"environ|getenv|env\b")
_ORDER_WORDS = re.compile(r"\bset\(|\bhash\(|frozenset\(|\{[^:}]+\}")
_UNEXPLAINED = 10


@dataclass(frozen=True, slots=True)
class Divergence:
    """`cause`: what differs first; `effects`: what came of it there; `a`, `b`: labels; `number`: of the pair, from 0."""

    cause: Difference
    a: str | None
    b: str | None
    effects: tuple[Difference, ...] = ()
    number: int = 0
    explained: bool = True

    def __str__(self) -> str:
        where = self.b if self.a == self.b or self.a is None else self.a if self.b is None else f"{self.a} / {self.b}"
        effect = "; ".join(effect.text for effect in self.effects[:3])
        text = f"{where + ': ' if where else ''}{self.cause.text}"
        if effect and self.effects[0] is not self.cause:
            text += f" => {effect}"
        return text if self.explained else f"{text} (same code and, as far as was recorded, the same inputs)"


def first_divergence(
    pairs: Sequence[Pair], found: Sequence[Sequence[Difference]], whole: Sequence[Difference]
) -> Divergence | None:
    """The first divergence of aligned `pairs` with their differences; `whole`: differences of the sessions. None: no difference."""
    outside: list[tuple[int, Difference]] = [(-1, difference) for difference in whole]
    modules: dict[str, str] = {}
    for number, (pair, differences) in enumerate(zip(pairs, found, strict=True)):
        modules.update(_modules(pair))
        outside.extend((number, d) for d in differences if d.kind not in (*CODE, *EFFECTS, "duration", "cosmetic"))
        effects = tuple(sorted((d for d in differences if d.kind in EFFECTS and not d.volatile), key=lambda d: -d.weight))
        code = next((d for d in differences if d.kind in CODE and not d.volatile), None)
        if code is not None:
            return Divergence(code, code.a, code.b, effects, number)
        if effects:
            return _explain(pair, number, effects, outside, modules)
    return _without_effect(found, outside)


def _explain(
    pair: Pair, number: int, effects: tuple[Difference, ...], outside: list[tuple[int, Difference]], modules: dict[str, str]
) -> Divergence:
    entry = pair.b or pair.a
    assert entry is not None
    versions = {d.name for _, d in outside if d.kind == "package"}
    weighed = [
        (_relevance(d, entry, at == number, modules) if d.kind != "module" or d.name not in versions else 0, -position, d)
        for position, (at, d) in enumerate(outside)
    ]  # a module that says its version is told by it
    best = max(weighed, key=lambda one: one[:2], default=None)
    a, b = pair.a.label if pair.a else None, pair.b.label if pair.b else None
    if best is None or best[0] < _UNEXPLAINED:
        return Divergence(effects[0], a, b, effects, number, explained=False)
    return Divergence(best[2], a, b, effects, number)


def _relevance(d: Difference, entry: Entry, here: bool, modules: dict[str, str]) -> int:
    """0 to 100: how much a difference outside the code touches this execution."""
    source = entry.source
    if d.kind == "file":
        return 100 if here else 60
    if d.kind == "module":
        return 95 if _uses(entry, d.name or "", modules) else 72
    if d.kind == "environment":
        return (
            97 if d.name and re.search(rf"\b{re.escape(d.name)}\b", source) else 65 if _ENVIRONMENT_WORDS.search(source) else 30
        )
    if d.kind == "timezone":
        return 92 if _TIME_WORDS.search(source) else 40
    if d.kind == "seed":
        return 88 if here else 50
    if d.kind == "setting":
        return 75 if _uses(entry, (d.name or "").split(" ")[0], modules) else 42
    if d.kind == "package":
        return 85 if _uses(entry, d.name or "", modules) else 45
    if d.kind == "hash seed":
        return 86 if _ORDER_WORDS.search(source) else 20
    return {"python": 35, "git": 28, "cwd": 80 if "FileNotFound" in (entry.error or "") else 25, "host": 5}.get(d.kind, 20)


def _uses(entry: Entry, package: str, modules: dict[str, str]) -> bool:
    """Does the execution mention the package, under whatever name it was imported?"""
    top = package.split(".")[0]
    if re.search(rf"\b{re.escape(package)}\b", entry.source):
        return True
    return any(modules.get(name, "").split(".")[0] == top for name in entry.reads)


def _modules(pair: Pair) -> Iterator[tuple[str, str]]:
    """name -> module it comes from, for what the pair imported or defined."""
    for entry in (pair.a, pair.b):
        for name, value in (entry.values if entry else {}).items():
            if value is not None and value.type == "module" and isinstance(value.value, str):
                yield name, value.value
            elif value is not None and value.type in ("function", "type") and value.module:
                yield name, value.module


def _without_effect(found: Sequence[Sequence[Difference]], outside: list[tuple[int, Difference]]) -> Divergence | None:
    """No execution had another effect: the most telling difference there is."""
    rest = [
        (number, d) for number, differences in enumerate(found) for d in differences if d.kind in (*CODE, *EFFECTS, "cosmetic")
    ]
    every = [entry for entry in (*outside, *rest) if entry[1].kind not in ("host", "duration")]
    if not every:
        return None
    number, best = max(every, key=lambda entry: (entry[1].weight, -entry[0]))
    return Divergence(best, best.a, best.b, (), max(0, number))
