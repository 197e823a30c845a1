"""Rules about networks: tensors of another dtype, layers made for other sizes, targets of another rank, an index beyond the last row."""

from __future__ import annotations

import ast
import re

from agentlog.ancestry import Holds, author, tree_of, values_before
from agentlog.events import Failure, Value
from agentlog.faults.verdict import Blame, earlier, made
from agentlog.situation import Situation
from agentlog.suspects import in_library, passed, suspects

_DTYPES = re.compile(r"dtype|scalar types?\b", re.I)
_TOLD = re.compile(r"(?:got:?|found|Found dtype|but got)\s+(?:torch\.)?(\w+?)(?:Tensor)?\b(?:\s*(?:and|!=)\s*(\w+))?")
_BUILT = re.compile(
    r"shapes cannot be multiplied|to have \d+ channels|incompatible with|expected axis|expected (?:min_)?(?:ndim|shape)|input\.size\(-1\) must be|"
    r"size mismatch|Given (?:groups|normalized_shape)|[Ee]xpected \d+D|Matrix size-incompatible|Dimensions must be equal"
)
_TENSORS = {"float": "float32", "double": "float64", "long": "int64", "int": "int32", "half": "float16", "byte": "uint8", "char": "int8",
            "short": "int16", "bool": "bool"}  # fmt: skip
"""What torch's messages call a dtype -> its name."""
_RANKS = re.compile(
    r"target\.shape=\(([\w, ]*)\), output\.shape=\(([\w, ]*)\)|Shapes \(([\w, ]*)\) and \(([\w, ]*)\) are incompatible"
)
_OBJECTS = re.compile(r"Invalid dtype: object|Unsupported object type|numpy\.object_|np\.object_")
_BEYOND = re.compile(r"goes from \d+ to (\d+); valid are 0 to (\d+)")


def other_dtype(case: Situation, failure: Failure) -> Blame | None:
    """A tensor of the dtype that the message complains of: the cell that made it a tensor of that dtype."""
    if failure.type not in ("RuntimeError", "TypeError", "NotImplementedError") or not _DTYPES.search(failure.message):
        return None
    told = _TOLD.search(failure.message)
    kinds = {_TENSORS.get(word.lower(), word) for word in told.groups() if word} if told else set()
    kinds = kinds - {"float32"} or kinds
    names = passed(failure)[-1:] if "target" in failure.message else suspects(failure)
    found = [author(case, name, _tensor_of(kind)) for name in names if (kind := _tensor_kind(case, name)) in kinds]
    cells = {one.execution.id: one for one in found if one is not None}
    one = next(iter(cells.values())) if len(cells) == 1 else None
    return earlier(case, one, f"{{name}} became a tensor of {one.value.dtype} there") if one is not None else None


def _tensor_kind(case: Situation, name: str) -> str | None:
    value = case.described(name)
    return value.dtype if value is not None and value.type == "Tensor" else None


def _tensor_of(kind: str | None) -> Holds:
    return lambda value: value.type == "Tensor" and value.dtype == kind


def built_for(case: Situation, failure: Failure) -> Blame | None:
    """A network whose layers were made for another size than it is given: the later of the cells that made the two what they are."""
    if not _BUILT.search(failure.message) or not in_library(failure) or "state_dict" in failure.message:
        return None
    names = suspects(failure)
    model = next((n for n in names if (value := case.described(n)) and {"layers", "in_features"} & set(value.facts)), None)
    made = next((v for v in case.versions(model) if v.change.kind in ("made", "rebound")), None) if model else None
    if made is None or model is None or _other_axis(failure.message):
        return None
    given = [n for n in names if n != model and (value := case.described(n)) and value.shape is not None]
    author_of = author(case, given[0], _same_width(case.described(given[0]))) if given else None
    if author_of is not None and not author_of.raw and author_of.execution.id > made.execution.id:
        return earlier(case, author_of, "{name} got its shape there")
    return Blame(made.execution.label, made.execution.id, False, f"{model} was built there, for other sizes")


def _other_axis(message: str) -> bool:
    """Is the number of channels that the layer wants there, on another axis of what it was given? Then it is the data that lies wrong."""
    told = re.search(r"expected input\[([\d, ]+)\] to have (\d+) channels", message)
    return told is not None and told[2] in told[1].replace(" ", "").split(",")[2:]


def _same_width(value: Value | None) -> Holds:
    width = value.shape[1:] if value is not None and value.shape else ()
    return lambda other: bool(other.shape) and other.shape is not None and other.shape[1:] == width


def made_objects(case: Situation, failure: Failure) -> Blame | None:
    """An array of objects where numbers belong: the cell that made it one."""
    if not _OBJECTS.search(failure.message):
        return None
    for name in suspects(failure):
        value = case.described(name)
        if value is not None and _is_objects(value):
            return earlier(case, author(case, name, _is_objects), "{name} became an array of objects there")
    return None


def _is_objects(value: Value) -> bool:
    return value.type == "ndarray" and value.dtype == "object"


def other_rank(case: Situation, failure: Failure) -> Blame | None:
    """A target of more dimensions than what the network gives: the cell that gave it one more, where it had as many before."""
    told = _RANKS.search(failure.message)
    target, output = ([len(re.findall(r"\w+", shape)) for shape in told.groups() if shape is not None]) if told else (0, 0)
    for name in passed(failure)[1:2] if target > output else ():
        found = author(case, name, lambda value: len(value.shape or ()) == target)
        if found is not None and any(len(value.shape or ()) == output for value in values_before(case, found)):
            return earlier(case, found, f"{{name}} got {target} dimensions there, it had {output}")
    return None


def one_short(case: Situation, failure: Failure) -> Blame | None:
    """An embedding that lacks one row, where an earlier cell wrote down the number of rows: that cell."""
    facts = [fact.text for one in failure.evidence if one.collector == "class_range" for fact in one.facts]
    told = next((found for text in facts if (found := _BEYOND.search(text))), None)
    if told is None or int(told[1]) != int(told[2]) + 1:
        return None
    size = int(told[1])
    names = [
        name for name, version in case.values.items() if version.value and version.value.value == size and _is_given(case, name)
    ]
    return made(case, names[0], f"{names[0]} was made {size} there, and index {size} occurs") if len(names) == 1 else None


def _is_given(case: Situation, name: str) -> bool:
    """Does a cell hand the name over to a class?"""
    trees = [tree_of(run.source) for run in case.earlier if name in run.source]
    calls = [node for tree in trees if tree is not None for node in ast.walk(tree) if isinstance(node, ast.Call)]
    classes = [call for call in calls if ast.unparse(call.func).rpartition(".")[2][:1].isupper()]
    given = [part for call in classes for part in [*call.args, *(word.value for word in call.keywords)]]
    return any(isinstance(part, ast.Name) and part.id == name for part in given)
