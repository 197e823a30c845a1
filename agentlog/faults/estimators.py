"""Rules about what was fitted: not any more, again with other data."""

from __future__ import annotations

import ast
import re
from itertools import islice

from agentlog.ancestry import tree_of
from agentlog.events import Failure
from agentlog.faults.verdict import Blame
from agentlog.situation import Situation, Version
from agentlog.suspects import FEATURES, suspects

_OTHER_WIDTH = re.compile(rf"{FEATURES.pattern}|broadcast|not aligned", re.I)
_UNSEEN = re.compile(r"previously unseen labels|unknown categories")
_LOOKED_AT = 8
"""Versions of an estimator that are looked back at."""


def unfitted(case: Situation, failure: Failure) -> Blame | None:
    """Not fitted, where it was until a cell put a new one in its place."""
    if failure.type != "NotFittedError" and "not fitted" not in failure.message:
        return None
    for name in reversed(suspects(failure)):
        known = _versions(case, name)
        states = [_fact(version, "fitted") for version in known]
        if states[:1] == [False] and True in states:
            cell = known[states.index(True) - 1].execution
            return Blame(cell.label, cell.id, False, f"{name} was fitted until a new one was put in its place there")
    return None


def fitted_again(case: Situation, failure: Failure) -> Blame | None:
    """Fitted for what it is given now, until a cell fitted it with something else."""
    for name in suspects(failure):
        if case.execution is None or _fitting_line(case.execution.source, name):
            continue
        known = _versions(case, name)
        last = _until_columns(case, failure, known) if _OTHER_WIDTH.search(failure.message) else None
        last = _latest_fit(known) if _UNSEEN.search(failure.message) else last
        if last is not None:
            cell = last.execution
            return Blame(cell.label, cell.id, False, f"{name} was fitted again there: {_fitting_line(cell.source, name)}")
    return None


def _until_columns(case: Situation, failure: Failure, known: list[Version]) -> Version | None:
    """The version from which on it expects another number of columns than it is given."""
    widths = {value.shape[-1] for name in suspects(failure) if (value := case.described(name)) and value.shape}
    features = [_fact(version, "features") for version in known]
    knew = next((place for place, count in enumerate(features) if count in widths), 0)
    return known[knew - 1] if knew and features[0] is not None else None


def _latest_fit(known: list[Version]) -> Version | None:
    """The version of a second fit: in a cell of its own, or one after the other in a loop."""
    name = known[0].change.name if known else ""
    fitted = [version for version in known if _fact(version, "fitted") and _fitting_line(version.execution.source, name)]
    several = len({version.execution.source for version in fitted}) > 1
    return fitted[0] if several or any(_fits_in_loop(version.execution.source, name) for version in fitted[:1]) else None


def _fits_in_loop(source: str, name: str) -> bool:
    tree = tree_of(source)
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)] if tree is not None else []
    return any(_fitting_line(ast.unparse(loop), name) for loop in loops)


def _fitting_line(source: str, name: str) -> str:
    fits = re.compile(rf"\b{re.escape(name)}\.(?:fit|fit_transform|partial_fit|fit_predict)\(")
    return next((line.strip() for line in source.splitlines() if fits.search(line)), "")


def _versions(case: Situation, name: str) -> list[Version]:
    return list(islice(case.versions(name), _LOOKED_AT))


def _fact(version: Version, name: str) -> object:
    return version.value.facts.get(name) if version.value is not None else None
