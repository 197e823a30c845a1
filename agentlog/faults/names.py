"""Rules about what earlier cells wrote down: names and what they mean, parameters, paths, words."""

from __future__ import annotations

import ast
import re

from agentlog.ancestry import ancestors, holder, tree_of
from agentlog.events import Failure, Value
from agentlog.faults.verdict import Blame, earlier, made
from agentlog.situation import Situation
from agentlog.suspects import article, in_library, names_parameter, of_type, offending_word, suspects

_NAMES_A_WORD = re.compile(
    r"keyword argument|Invalid parameter|not found in axis|not in index|Could not interpret|not (?:a )?columns? of"
)


def unbound_name(case: Situation, failure: Failure) -> Blame | None:
    """A name that a cell deleted, or would have bound had it not failed or gone another way: that cell."""
    if failure.type not in ("NameError", "UnboundLocalError"):
        return None
    found = next((cause for cause in case.causes if cause.kind in ("deleted", "failed", "skipped branch")), None)
    execution = case.by_id.get(found.execution or "") if found else None
    if found is None or execution is None or execution is case.execution:
        return None
    return Blame(execution.label, execution.id, False, found.text)


def shadowed(case: Situation, failure: Failure) -> Blame | None:
    """Called what is no function any more: the cell that gave the name, or the attribute, another meaning."""
    if failure.type != "TypeError" or "object is not callable" not in failure.message or failure.expression is None:
        return None
    called = re.match(r"[^\W\d][\w.]*(?=\()", failure.expression.text)
    if called is not None and "." in called[0]:
        return _attribute_set(case, called[0])
    value = case.described(called[0]) if called else None
    if called is None or value is None:
        return None
    kind = value.type
    found = holder(case, called[0], None, of_type(kind))
    return earlier(case, found, f"the name {{name}} was given to {article(kind)} there")


def _attribute_set(case: Situation, attribute: str) -> Blame | None:
    """The earlier cell with `plt.title = "Ages"`."""
    setting = re.compile(rf"(?:.*;)?\s*{re.escape(attribute)}\s*=(?!=)")
    for run in reversed(case.earlier):
        line = next((line.strip() for line in run.source.splitlines() if setting.match(line)), "")
        if line:
            return Blame(run.label, run.id, False, f"{attribute} was given another meaning there: {line}")
    return None


def folder_changed(case: Situation, failure: Failure) -> Blame | None:
    """A file that an earlier cell found by the same path: the cell that changed the working directory since."""
    if failure.type != "FileNotFoundError" or case.execution is None:
        return None
    facts = [fact.text for one in failure.evidence if one.collector == "file_trouble" for fact in one.facts]
    changed = next(
        (found[1] for text in facts if (found := re.match(r"the working directory was changed by (In\[\d+\])", text))), None
    )
    cell = next((run for run in reversed(case.earlier) if run.label == changed), None)
    paths = re.findall(r"'([^']+)'", failure.message)
    before = [run for run in case.earlier if cell is not None and run.id < cell.id and run.status == "ok"]
    if cell is None or not any(f"{quote}{path}{quote}" in run.source for run in before for path in paths for quote in "'\""):
        return None
    return Blame(cell.label, cell.id, False, "the working directory was changed there")


def configured(case: Situation, failure: Failure) -> Blame | None:
    """Parameters that do not go together, given when the object was made in an earlier cell."""
    receiver = re.match(r"([^\W\d]\w*)\.\w+\(", failure.expression.text) if failure.expression else None
    if receiver is None or not in_library(failure):
        return None
    value = case.described(receiver[1])
    if value is None or not names_parameter(value, failure.message):
        return None
    cell = made(case, receiver[1], f"{receiver[1]} was made there with these parameters")
    return _written(case, cell, offending_word(failure)) or cell


def _written(case: Situation, cell: Blame | None, word: str | None) -> Blame | None:
    """Where the word that the message complains of was given to the maker by a name: the earlier cell that wrote it down."""
    source = case.by_id[cell.execution].source if cell is not None else ""
    if cell is None or not word or word in source:
        return None
    for run in reversed(case.earlier):
        names = {name for name in run.writes if re.search(rf"\b{re.escape(name)}\b", source)}
        if run.id < cell.execution and names and re.search(rf"['\"]{re.escape(word)}['\"]|\b{re.escape(word)} *=", run.source):
            return Blame(run.label, run.id, False, f"{word!r} was written down there, in {', '.join(sorted(names))}")
    return None


def path_given(case: Situation, failure: Failure) -> Blame | None:
    """A file that is not there, by a path that an earlier cell wrote down."""
    if failure.type not in ("FileNotFoundError", "NotADirectoryError", "IsADirectoryError"):
        return None
    text = failure.expression.text if failure.expression else ""
    if any(path and f"{quote}{path}{quote}" in text for path in re.findall(r"'([^']+)'", failure.message) for quote in "'\""):
        return None  # it is written in the failing expression itself
    for name in (*suspects(failure), *_constants_of(case)):
        value = case.described(name)
        if value is not None and isinstance(value.value, str) and len(value.value) > 1 and value.value in failure.message:
            return made(case, name, f"{name} was given there")
    return None


def _constants_of(case: Situation) -> list[str]:
    """Names of other cells that the function it failed in reads: `DATA_DIR` of `open(f"{DATA_DIR}/{name}")`."""
    frame = case.innermost
    cell = case.by_id.get(frame.cell or "") if frame is not None else None
    tree = tree_of(cell.source) if cell is not None else None
    if frame is None or tree is None:
        return []
    called = frame.function.rpartition(".")[2]
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == called]
    used = [part for node in functions for part in ast.walk(node) if isinstance(part, ast.Name)]
    own = {name.id for name in used if isinstance(name.ctx, ast.Store)}
    return [name for name in dict.fromkeys(name.id for name in used) if name not in own and name in case.values]


def given_word(case: Situation, failure: Failure) -> Blame | None:
    """A label or a keyword that is not there, and that the crashed cell does not write itself: the cell that wrote it down in a name."""
    word = offending_word(failure) or _key_before(failure)
    source = case.execution.source if case.execution else ""
    if (
        not word
        or re.search(rf"(?<!\w){re.escape(word)}(?!\w)", source)
        or not (failure.type == "KeyError" or _NAMES_A_WORD.search(failure.message))
    ):
        return None
    known = {name: version.value for name, version in case.values.items() if version.value is not None}
    lacking = any(one.collector == "missing_columns" for one in failure.evidence)
    if any(column.name == word for value in known.values() for column in value.columns) and not lacking:
        return None
    used = set(ancestors(case, suspects(failure))) if lacking else set()
    near = [name for name in known if name in used or re.search(rf"\b{re.escape(name)}\b", source)]
    names = [name for name in near if _holds_word(case.described(name) or known[name], word)]
    return made(case, names[0], f"{word!r} was written down there, in {names[0]}") if len(names) == 1 else None


def _key_before(failure: Failure) -> str | None:
    """The key of the KeyError that a library turned into another exception."""
    before = failure.cause
    return offending_word(before) if before is not None and before.type == "KeyError" and failure.type != "KeyError" else None


def _holds_word(value: Value, word: str) -> bool:
    """Is it the word, or a list, a key, or an array of labels in which the word is seen?"""
    labels = {row[0] for row in value.head if row} if len(value.shape or ()) == 1 else set()
    return value.value == word or word in value.entries or word in labels or any(item.value == word for item in value.items)


def noted(case: Situation, failure: Failure) -> Blame | None:
    """What the notebook's order says, where nothing else was found: the cell that changed what a name was made from, or what it was."""
    found = next((cause for cause in case.causes if cause.kind in ("rerun", "stale", "schema") and cause.execution), None)
    cell = case.by_id.get(found.execution or "") if found is not None else None
    if found is None or found.kind == "rerun" or cell is None or cell is case.execution:
        return None
    return Blame(cell.label, cell.id, False, found.text)
