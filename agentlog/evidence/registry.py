"""The list of collectors, and running those that apply."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

from agentlog.events import Evidence, Fact
from agentlog.evidence.failing import Failing
from agentlog.guard import note

Collector = Callable[[Failing], "Evidence | list[Fact] | None"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A collector and when it applies: names of exception types (of any class in the type's MRO), and a pattern of the message."""

    name: str
    run: Collector
    types: frozenset[str]
    pattern: re.Pattern[str] | None


_RULES: list[Rule] = []


def collector(*types: str, pattern: str | None = None) -> Callable[[Collector], Collector]:
    """Register a collector for exceptions whose class, or a base of it, has one of these names (all, where none is given)."""

    def register(function: Collector) -> Collector:
        compiled = re.compile(pattern, re.I | re.S) if pattern else None
        _RULES.append(Rule(function.__name__, function, frozenset(types), compiled))
        return function

    return register


def arrange(modules: Sequence[ModuleType]) -> None:
    """Put the collectors in the order of their modules, whatever the order they were imported in."""
    rank = {module.__name__: place for place, module in enumerate(modules)}
    _RULES.sort(key=lambda rule: rank.get(rule.run.__module__, len(rank)))


def collect(failing: Failing) -> tuple[Evidence, ...]:
    """What the collectors that apply observed. One that fails or finds no time left is noted and left out."""
    names = {base.__name__ for base in type(failing.error).__mro__}
    text = failing.message[:4000]
    found = []
    for rule in _RULES:
        if (rule.types and not rule.types & names) or (rule.pattern and not rule.pattern.search(text)):
            continue
        if failing.late():
            note("evidence", f"out of time before {rule.name}")
            break
        evidence = _run(rule, failing)
        if evidence is not None and evidence.facts:
            found.append(evidence)
    return tuple(found)


def _run(rule: Rule, failing: Failing) -> Evidence | None:
    try:
        found = rule.run(failing)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        note(f"evidence.{rule.name}", error)
        return None
    return Evidence(rule.name, tuple(found)) if isinstance(found, list) else found
