"""Rules about a failure inside a function that another cell defines: that cell, or what it was given."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

from agentlog.ancestry import assigning_line, tree_of
from agentlog.events import Failure, Frame
from agentlog.faults.called import as_called
from agentlog.faults.parts import is_columns, parted
from agentlog.faults.verdict import Blame, here, made
from agentlog.situation import Situation
from agentlog.suspects import FEATURES, calls_of, offending_word, suspects

_SIZES = re.compile(r"size|shape|dimension|broadcast|index out of range|out of bounds|inhomogeneous|mismatch", re.I)
_SHAPED = re.compile(r"=\s*(?:np|numpy|torch|tf)\.(?:random\.)?(?:zeros|ones|empty|full|eye|randn?|random|normal|uniform)\(")
_NO_LABELS = re.compile(r"indices must be|is not subscriptable")


def own_function(case: Situation, failure: Failure) -> Blame | None:
    """Raised in a function that another cell defines: that cell, unless the offending word stands in the crashed one."""
    frame = case.innermost
    assert case.execution is not None
    if frame is None or frame.cell is None or frame.cell == case.execution.id or frame.count is None:
        return None
    defining = case.by_id.get(frame.cell)
    word = offending_word(failure)
    if word and word in case.execution.source and (defining is None or word not in defining.source):
        return here(case, f"{word!r} is given there to {frame.function} of In[{frame.count}]")
    if defining is not None and _sized_by_its_maker(defining.source, frame, failure):
        return None
    given = _made_here(case, failure)
    if given:
        return here(case, f"{given} was made there and given to {frame.function} of In[{frame.count}]")
    shaped = _made_of_a_shape(case, failure)
    if shaped is not None:
        return shaped
    columns = _columns_given(case, failure)
    if columns:
        return here(case, f"the columns of {columns} are written down there and given to {frame.function} of In[{frame.count}]")
    worked = _worked_with(case, failure, frame.function)
    if worked:
        return here(case, f"{frame.function} of In[{frame.count}] {worked}")
    function = frame.function.partition(".<locals>")[0]
    return Blame(f"In[{frame.count}]", frame.cell, False, f"line {frame.line} of {function}, defined there")


def _made_here(case: Situation, failure: Failure) -> str:
    """Of sizes that do not go together: what the crashed cell itself made and handed over, "" where that is nothing."""
    passed = (
        as_called(case, case.root or failure, rebound=True)
        if _SIZES.search(failure.message) or "aligned" in failure.message
        else None
    )
    names = suspects(passed) if passed is not None else []
    source = case.execution.source if case.execution else ""
    return next((name for name in names if assigning_line(source, name) and name not in case.values), "")


def _made_of_a_shape(case: Situation, failure: Failure) -> Blame | None:
    """Of sizes that do not go together: the earlier cell that made what was handed over by saying a shape."""
    passed = (
        as_called(case, case.root or failure, rebound=True)
        if _SIZES.search(failure.message) or "aligned" in failure.message
        else None
    )
    names = suspects(passed) if passed is not None else []
    lines = {name: made for name in names if (made := _made_by(case, name)) and _SHAPED.search(made.reason)}
    return next(iter(lines.values())) if len(lines) == 1 else None


def _made_by(case: Situation, name: str) -> Blame | None:
    """The earlier cell that bound `name`, with its line."""
    cell = made(case, name, "")
    return (
        replace(cell, reason=f"{name} got its shape there: {assigning_line(case.by_id[cell.execution].source, name)}")
        if cell
        else None
    )


def _columns_given(case: Situation, failure: Failure) -> str:
    """Of columns that do not match: the table of which the crashed cell wrote down what it hands over, "" where the function does so."""
    if not FEATURES.search(failure.message) or case.root is None or parted(case.root, is_columns):
        return ""
    return next(iter(sorted(parted(as_called(case, case.root) or failure, is_columns))), "")


def _worked_with(case: Situation, failure: Failure, function: str) -> str:
    """`worked in In[3], with sales`: it lacks a label or an attribute now, and did not when it was given something else."""
    if failure.type not in ("KeyError", "AttributeError", "TypeError") or "NoneType" in failure.message or case.execution is None:
        return ""
    now = {_arguments(call) for call in calls_of(case.execution.source, function)}
    if failure.type == "TypeError" and not _NO_LABELS.search(failure.message):
        return ""
    for run in reversed(case.earlier):
        known = [_arguments(call) for call in calls_of(run.source, function)] if run.status == "ok" and now else []
        if known and not now & set(known):
            return f"worked in {run.label}, with {known[0]}"
    return ""


def _sized_by_its_maker(source: str, frame: Frame, failure: Failure) -> bool:
    """Does a size not fit, in a method, that comes from a parameter of the class? Then whoever made the object gave it, or did not."""
    class_name, _, _ = frame.function.rpartition(".")
    text = f"{frame.source or ''} {failure.expression.text if failure.expression else ''}"
    used = set(re.findall(r"\bself\.(\w+)", text))
    if not class_name or not used or not _SIZES.search(failure.message):
        return False
    tree = tree_of(source)
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)) if tree is not None else ()
    makers = (part for node in classes if node.name == class_name for part in node.body if isinstance(part, ast.FunctionDef))
    maker = next((part for part in makers if part.name == "__init__"), None)
    return maker is not None and any(_from_parameter(maker, attribute) for attribute in used)


def _from_parameter(maker: ast.FunctionDef, attribute: str) -> bool:
    """Is `self.attribute` (also a buffer that is registered by name) made from a parameter of `maker`, through its other names?"""
    known = {part.arg for part in (*maker.args.args[1:], *maker.args.kwonlyargs)}
    for node in ast.walk(maker):
        if isinstance(node, ast.Assign) and any(name.id in known for name in _names(node.value)):
            known |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            if any(isinstance(target, ast.Attribute) and target.attr == attribute for target in node.targets):
                return True
        if isinstance(node, ast.Call) and any(isinstance(a, ast.Constant) and a.value == attribute for a in node.args[:1]):
            return any(name.id in known for argument in node.args[1:] for name in _names(argument))
    return False


def _names(node: ast.AST) -> list[ast.Name]:
    return [part for part in ast.walk(node) if isinstance(part, ast.Name)]


def _arguments(call: ast.Call) -> str:
    return ", ".join(ast.unparse(part) for part in (*call.args, *(word.value for word in call.keywords)))[:80]
