"""The program itself: names, entries, calls, what it may use."""

from __future__ import annotations

import re

from agentlog.events import Evidence, Failure
from agentlog.plainly.reason import NEAR, QUOTED, Reason

REGEX = Reason("a search pattern in the program is written wrongly", "mistakes in the program")
UNHASHABLE = Reason("a list was used as the name of an entry", "mistakes in the program")
UNSERIALISABLE = Reason("a result holds something that cannot be saved in the wanted format", "results that cannot be saved")
OUT_OF_MEMORY = Reason("the machine has not enough memory for the data", "too little memory")
RECURSION = Reason("a part of the program calls itself without end", "mistakes in the program")


def missing_key(failure: Failure, evidence: Evidence) -> Reason | None:
    nouns = {"column": "column", "key": "entry", "label": "row", "environment variable": "setting", "group": "group"}
    for fact in evidence.facts:
        found = re.match(rf"no (column|key|label|environment variable|group) {QUOTED}", fact.text)
        if found:
            noun = nouns[found[1]]
            near = NEAR.search(fact.text)
            has = f"; the {_holder(noun)} has {near[1]}" if near else ""
            return Reason(
                f"the {noun} {found[2]} does not exist{has}", "missing entries" if noun == "entry" else f"missing {noun}s"
            )
    return None


def _holder(noun: str) -> str:
    return {"column": "table", "row": "table", "group": "table", "setting": "machine"}.get(noun, "data")


def index_out_of_range(failure: Failure, evidence: Evidence) -> Reason:
    text = " ".join([*(fact.text for fact in evidence.facts), failure.message])
    asked = re.search(r"index (?:[^;]*= )?(\d+)", text)
    last, size = re.search(r"valid 0\.\.(\d+)", text), re.search(r"with size (\d+)", text)
    held = 0 if "nothing to index" in text else int(last[1]) + 1 if last else int(size[1]) if size else None
    if asked is None or held is None:
        return Reason("it asked for an item past the end of a list", "lists shorter than expected")
    return Reason(
        f"it asked for item number {int(asked[1]) + 1} of a list that has {f'only {held}' if held else 'none'}",
        "lists shorter than expected",
    )


def missing_attribute(failure: Failure, evidence: Evidence) -> Reason | None:
    if any("is None" in fact.text for fact in evidence.facts) or "'NoneType'" in failure.message:
        return Reason(
            f"{_called(evidence)} is empty where a result of an earlier step was expected", "empty results of earlier steps"
        )
    wanted = re.search(r"(?:attribute|no) '(\w+)'", failure.message) or re.search(r"no '(\w+)'", evidence.facts[0].text)
    near = next((found for fact in evidence.facts if (found := NEAR.search(fact.text))), None)
    if any("columns" in fact.text for fact in evidence.facts) and wanted:
        return Reason(
            f"the column '{wanted[1]}' does not exist" + (f"; the table has {near[1]}" if near else ""), "missing columns"
        )
    also = f"; it may mean {near[1]}" if near else ""
    return Reason(f"it used '{wanted[1] if wanted else '?'}' of something that has no such part{also}", "mistakes in the program")


def _called(evidence: Evidence) -> str:
    about = next((fact.about for fact in evidence.facts if fact.about), None)
    return f"'{about}'" if about and len(about) < 40 else "a value"


def undefined_name(failure: Failure, evidence: Evidence) -> Reason:
    name = re.search(r"'(\w+)'", failure.message)
    near = next((found for fact in evidence.facts if (found := re.search(r"nearest:? '?(\w+)", fact.text))), None)
    said = f"'{name[1]}'" if name else "something"
    return Reason(
        f"it uses {said}, which no step has made yet" + (f"; there is '{near[1]}'" if near else ""),
        "steps missing or out of order",
    )


def failed_import(failure: Failure, evidence: Evidence) -> Reason:
    module = re.search(r"No module named '([\w.]+)'", failure.message)
    if module:
        return Reason(f"the package '{module[1]}' that it needs is not installed", "packages that are not installed")
    part = re.search(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'", failure.message)
    if part:
        return Reason(f"the installed version of '{part[2]}' has no '{part[1]}'", "packages of the wrong version")
    return Reason("a package that it needs could not be loaded", "packages that cannot be loaded")


def syntax(failure: Failure, evidence: Evidence) -> Reason:
    line = next((found for fact in evidence.facts if (found := re.match(r"line (\d+)", fact.text))), None)
    return Reason(f"the program is written wrongly{f' in line {line[1]}' if line else ''}", "mistakes in the program")


def assertion(failure: Failure, evidence: Evidence) -> Reason:
    own = failure.message.strip().split("\n")[0]
    said = f": {own[:160]}" if own and not own.startswith(("assert", "(", "[")) else ""
    return Reason(f"a check of the program did not hold{said}", "checks that did not hold")


def wrong_call(failure: Failure, evidence: Evidence) -> Reason:
    name = re.search(r"(\w+)\(\)", failure.message)
    unknown = re.search(r"unexpected keyword argument '(\w+)'", failure.message)
    if unknown:
        return Reason(
            f"it gave {_function(name)} the option '{unknown[1]}', which it does not know", "packages of the wrong version"
        )
    return Reason(f"it used {_function(name)} with too much, too little or something unfitting", "mistakes in the program")


def _function(name: re.Match[str] | None) -> str:
    return f"'{name[1]}'" if name and name[1] != "__init__" else "a function"


def stopped(failure: Failure, evidence: Evidence) -> Reason:
    if failure.type == "KeyboardInterrupt":
        return Reason("somebody stopped it", "runs that were stopped")
    return Reason("it took longer than allowed", "runs that took too long")
