"""A key, column or label that does not exist: what does, and what is nearest to it."""

from __future__ import annotations

import ast
import os
import re
from itertools import islice, pairwise
from typing import Any

from agentlog import peek
from agentlog.evaluate import DICTS, UNKNOWN, package_of
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.elsewhere import elsewhere, grouped_by, in_elements, inside
from agentlog.evidence.facts import absent, tabled
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.stack import arguments_of, cause_of

_SENTENCE = re.compile(r"[A-Z](?:\S+ ){6,}\S+\.")
_KEYS = 3_000
SEPARATORS = (";", "\t", "|", ",")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|(?<![\w.])(-?\d+)(?![\w.])")


@collector("KeyError")
def missing_key(failing: Failing) -> Evidence | None:
    """The container that was asked, its keys, and the nearest to the one asked for."""
    keys = wanted_keys(failing)
    grouped = grouped_by(failing)
    if grouped is not None:
        return grouped
    owner, about = owner_of(failing, keys)
    facts = facts_about(owner, about, keys, failing) if owner is not UNKNOWN else []
    facts += in_elements(failing, keys) + inside(owner, about, keys) + elsewhere(failing, keys, owner)
    return Evidence("missing_key", tuple(facts), tuple(filter(None, [about])))


def wanted_keys(failing: Failing) -> list[object]:
    """The keys that were not found: the exception's argument, or those its text lists; none where a library says something else."""
    args = arguments_of(failing.error)
    key = args[0] if args else UNKNOWN
    if type(key) is str:
        if _SENTENCE.fullmatch(key):
            return []
        listed = _listed(key)
        return listed or [re.sub(r"\AColumns? not found: '?([^']*)'?\Z", r"\1", key)]
    scalar = probe.scalar_of(key)
    return [key if scalar is UNKNOWN else scalar]


def _listed(text: str) -> list[object]:
    """Labels of "None of [Index(['a', 'b'], dtype='str')] are in the [columns]", "['x'] not in index"."""
    if not re.search(r"not in index|not found in axis|None of \[|are in the \[|not in the \[|do not exist|not found in", text):
        return []
    inside = re.search(r"\[(?!columns|index)(.*?)\](?:,|\)|\s)", text + " ")
    hits = _QUOTED.findall(inside.group(1) if inside else text)
    return [int(number) if number else single or double for single, double, number in hits][:20]


def owner_of(failing: Failing, keys: list[object]) -> tuple[object, str | None]:
    """What was asked for the key, and how the user's code calls it."""
    owner, about = _asked_in_source(failing, keys)
    library = _lacking(failing, keys)
    library = _asked_in_library(failing) if library is UNKNOWN else library
    if library is not UNKNOWN and (owner is UNKNOWN or type(owner) not in DICTS):
        return library, failing.name_of(library) or _receiver(failing) or about
    return owner, about


def _asked_in_source(failing: Failing, keys: list[object]) -> tuple[object, str | None]:
    for node in failing.nodes(ast.Subscript, ast.Call):
        base = node.value if isinstance(node, ast.Subscript) else _base(node)
        if base is None:
            continue
        owner = _written(base) if isinstance(base, ast.Dict) else failing.resolve(base)
        if owner is UNKNOWN or not _could_hold(owner):
            continue
        if isinstance(node, ast.Call) or _asks(failing.resolve(node.slice), keys):  # type: ignore[attr-defined]
            return owner, ast.unparse(base)
    return UNKNOWN, None


def _written(node: ast.Dict) -> object:
    """The keys of a dict that is written out on the line, where all are constants; its values are not looked at."""
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    return dict.fromkeys(keys) if len(keys) == len(node.keys) else UNKNOWN


def _base(node: ast.AST) -> ast.expr | None:
    return node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


def _could_hold(owner: object) -> bool:
    return type(owner) in DICTS or type(owner) is set or owner is os.environ or package_of(type(owner)) == "pandas"


def _asks(key: object, keys: list[object]) -> bool:
    if key is UNKNOWN:
        return True
    asked = key if type(key) is list else [key, *key] if type(key) is tuple else [key]
    plain = probe.comparable([*asked, *(probe.scalar_of(part) for part in asked)])
    return any(type(part) is type(wanted) and part == wanted for part in plain for wanted in keys)


def _lacking(failing: Failing, keys: list[object]) -> object:
    """Of several tables that were handed over, as to a merge: the one without such a column."""
    tables = [value for _, value in failing.handed() if probe.is_frame(value)]
    lack = [table for table in tables if keys and keys[0] not in probe.columns_of(table)]
    return lack[0] if len(tables) > 1 and lack else UNKNOWN


def _asked_in_library(failing: Failing) -> object:
    """The table that the library was working on when it missed the key: the outermost pandas `self` below the user's frame."""
    if failing.user is None or failing.user not in failing.levels:
        return UNKNOWN
    found: object = UNKNOWN
    for level in failing.levels[failing.levels.index(failing.user) + 1 :]:
        for name in ("self", "obj", "data", "frame", "left"):
            value = level.names.get(name)
            if probe.is_frame(value) or probe.is_series(value):
                return value
            if found is UNKNOWN and probe.is_index(value):
                found = value
    return found


def _receiver(failing: Failing) -> str | None:
    """The text of what the failing call or subscript was made on."""
    for node in failing.nodes(ast.Call, ast.Subscript):
        base = node.value if isinstance(node, ast.Subscript) else _base(node)
        if base is not None:
            return ast.unparse(base)[:80]
    return None


# --- what the owner has ---------------------------------------------------------------------------------------


def facts_about(owner: Any, about: str | None, keys: list[object], failing: Failing) -> list[Fact]:
    """One fact on each missing key, then what there is."""
    if probe.is_frame(owner):
        return _frame_facts(owner, about, keys, failing)
    if probe.is_series(owner) or probe.is_index(owner):
        return _label_facts(owner if probe.is_index(owner) else owner.index, owner, about, keys)
    if owner is os.environ:
        return _listing("environment variable", sorted(os.environ), about, keys)[:-1]
    if type(owner) in DICTS or type(owner) is set:
        return _listing("key", owner, about, keys)
    return []


def _listing(what: str, owner: Any, about: str | None, keys: list[object]) -> list[Fact]:
    first = list(islice(iter(owner), _KEYS))
    facts = [absent(what, key, [*_variants(key, owner), *first], about) for key in keys[:5]]
    more = f" ... {len(owner) - 30} more" if len(owner) > 30 else ""
    shown = (
        f"{probe.counted(len(owner), what)}: {probe.some(iter(first), 30)}{more}" if first else f"no {what}s at all: it is empty"
    )
    return [*facts, Fact(shown, about=about)]


def _variants(key: object, owner: Any) -> list[object]:
    """Keys of a large container that differ from `key` in type, case or spaces only."""
    tried: list[object] = []
    if type(key) is str:
        tried = [
            key.lower(),
            key.upper(),
            key.title(),
            key.strip(),
            int(key) if key.isascii() and key.isdigit() and len(key) < 20 else key,
        ]
    elif peek.exactly(key, int, float):
        tried = [str(key)]
    return [other for other in dict.fromkeys(tried) if other in owner]


def _frame_facts(owner: Any, about: str | None, keys: list[object], failing: Failing) -> list[Fact]:
    columns = probe.columns_of(owner)
    present = set(probe.comparable(columns))
    gone = [key for key in keys if not probe.comparable([key]) or key not in present]
    if not gone or _by_row(failing):
        return _label_facts(owner.index, owner, about, keys)
    facts = [absent("column", key, columns, about) for key in gone[:5]]
    facts.append(tabled(owner, about))
    names = [name for name in owner.index.names if name is not None]
    missing = probe.comparable(gone)
    facts += [Fact(f"{probe.show(key)} is the name of the index", about=about, kind="points") for key in missing if key in names]
    facts += _unsplit(columns, missing, about)
    if owner.columns.nlevels > 1:
        facts.append(Fact(f"columns have {owner.columns.nlevels} levels: a label is a tuple", about=about))
    return facts


def _unsplit(columns: list[Any], gone: list[object], about: str | None) -> list[Fact]:
    """A table of one column whose name holds those that were asked for: it was split at another character."""
    name = columns[0] if len(columns) == 1 else None
    mark = next((mark for mark in SEPARATORS if type(name) is str and set(gone) & {p.strip() for p in name.split(mark)}), None)
    said = f"its one column is {probe.show(name, 80)}: it was read without splitting at {mark!r}"
    return [Fact(said, about=about, kind="points")] if mark else []


def _by_row(failing: Failing) -> bool:
    """Was the key looked up among the rows?"""
    node = next(failing.nodes(ast.Subscript), None)
    via = node.value.attr if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) else ""
    return via in ("loc", "at", "iloc") and "[columns]" not in failing.message and not _second_axis(failing)


def _second_axis(failing: Failing) -> bool:
    return failing.library_locals("axis").get("axis") == 1


def _label_facts(index: Any, owner: Any, about: str | None, keys: list[object]) -> list[Fact]:
    labels = probe.labels_of(index)
    kind = probe.type_name(index)
    facts = [absent("label", key, labels, about) for key in keys[:5]]
    span = f"from {probe.show(labels[0])} to {probe.show(index[-1])}" if labels else "empty"
    facts.append(Fact(f"{probe.say(owner)}; index {kind} of {len(index)} {probe.dtype_of(index)} labels, {span}", about=about))
    facts += _gaps(labels, len(index), keys, about) if keys else _disorder(labels, about)
    return facts


def _disorder(labels: list[Any], about: str | None) -> list[Fact]:
    """Where the labels of the rows go back: a slice by labels that are not there needs them in order."""
    for before, after in pairwise(probe.comparable(labels)):
        if type(before) is type(after) and after < before:
            return [
                Fact(
                    f"its rows are not in order: {probe.show(after)} comes after {probe.show(before)}",
                    about=about,
                    kind="answers",
                )
            ]
    return []


def _gaps(labels: list[Any], length: int, keys: list[object], about: str | None) -> list[Fact]:
    """Integer labels that were kept while rows were dropped."""
    key = keys[0] if keys else None
    if type(key) is not int or not labels or any(type(label) is not int for label in labels) or length > len(labels):
        return []
    if min(labels) < key < max(labels):
        gone = max(labels) - min(labels) + 1 - length
        return [
            Fact(f"{gone} of the labels between {min(labels)} and {max(labels)} do not exist, {key} is one of them", about=about)
        ]
    return []


@collector(
    "ValueError", pattern=r"not (?:a )?columns? of the dataframe|columns are missing|not found in axis|do not match columns"
)
def missing_columns(failing: Failing) -> Evidence | None:
    """Columns that a step or an option names and the table has not: the nearest, and which other table has them."""
    wanted: list[object] = [single or double for single, double, _ in _QUOTED.findall(failing.message)][:5]
    before = cause_of(failing.error)[0]
    if not wanted and type(before) is KeyError:
        wanted = [key for key in arguments_of(before)[:1] if type(key) is str]
    table = next((value for _, value in failing.handed() if probe.is_frame(value)), None)
    if table is None or not wanted:
        return None
    columns = probe.columns_of(table)
    about = failing.name_of(table)
    gone = [label for label in wanted if label not in columns]
    facts = [*(absent("column", label, columns, about) for label in gone), tabled(table, about)]
    return Evidence("missing_columns", tuple(facts + elsewhere(failing, gone, table))) if gone else None
