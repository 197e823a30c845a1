"""Nothing where something was expected: `None`, empty tables and lists on the failing line, and what made them so."""

from __future__ import annotations

import ast
import dis
import inspect
import re
import types

from agentlog.evaluate import UNKNOWN
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.facts import described, subject
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.source import assignments_of
from agentlog.expression import names_in
from agentlog.relevance import history_of, own_code


@collector()
def nothing_there(failing: Failing) -> Evidence | None:
    """Every None and every empty container the failing line works on, followed back to the filter that emptied it."""
    found = [(text, value) for text, value in failing.data() if value is None or probe.is_empty(value)]
    found = [(text, value) for text, value in found if not (type(value) is str or text in ("None", "[]", "{}", "()"))]
    facts = [_fact(failing, text, value) for text, value in found[:5]]
    names = [text for text, _ in found if text.isidentifier()]
    for name in names[:3]:
        more, ancestors = _trail(failing, name, set(names))
        facts += more
        names += ancestors
    return Evidence("nothing_there", tuple(facts), tuple(dict.fromkeys(names))) if facts else None


def _fact(failing: Failing, text: str, value: object) -> Fact:
    made = assignments_of(failing, text)[-1:] if text.isidentifier() else []
    how = f"; last assigned by {made[0].where}" + (why_none(failing, made[0].value) if value is None else "") if made else ""
    return Fact(f"is {probe.say(value)}{how}", about=text, kind="observes" if how else "describes")


def why_none(failing: Failing, made: ast.expr | None) -> str:
    """What the call that gave None is seen to be: a function of the user's without a `return`, a method told to work in place."""
    if not isinstance(made, ast.Call):
        return ""
    if any(word.arg == "inplace" and failing.resolve(word.value) is True for word in made.keywords):
        return "; inplace=True changes the object and returns None"
    function = failing.resolve(made.func)
    if type(function) is types.FunctionType and own_code(function) and returns_nothing(function):
        return f"; {function.__name__} has no return with a value"
    return ""


def returns_nothing(function: types.FunctionType) -> bool:
    """Does every way out of it give None, as its bytecode says? A generator or coroutine gives itself."""
    if function.__code__.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        return False
    before: str | None = None
    given: set[str | None] = set()
    for step in dis.get_instructions(function):
        if step.opname == "RETURN_VALUE":
            given.add(before)
        elif step.opname == "RETURN_CONST":
            given.add("None" if step.argval is None else step.opname)
        before = "None" if step.opname == "LOAD_CONST" and step.argval is None else step.opname
    return given == {"None"}


def _trail(failing: Failing, name: str, seen: set[str]) -> tuple[list[Fact], list[str]]:
    """Back from an empty name through the assignments that made it, as long as what it was made from is empty too."""
    facts: list[Fact] = []
    ancestors: list[str] = []
    waiting = [name]
    for _ in range(4):
        if not waiting:
            break
        for made in assignments_of(failing, waiting.pop(0))[-1:]:
            facts += conditions(failing, made.value)
            for source in names_in(made.value):
                value = failing.resolve(source)
                if source in seen or value is UNKNOWN or probe.length_of(value) is None:
                    continue
                seen.add(source)
                ancestors.append(source)
                facts.append(described(value, source))
                if probe.is_empty(value):
                    waiting.append(source)
    return facts, ancestors


def conditions(failing: Failing, node: ast.AST) -> list[Fact]:
    """Comparisons of a column with a value in `node`: the column's dtype and values against the type of the other side."""
    facts = []
    for compare in ast.walk(node):
        if not isinstance(compare, ast.Compare) or len(compare.ops) != 1:
            continue
        left, right = failing.resolve(compare.left), failing.resolve(compare.comparators[0])
        for side, text, other in ((left, compare.left, right), (right, compare.comparators[0], left)):
            if probe.is_series(side) and not probe.is_series(other) and other is not UNKNOWN:
                values = list(dict.fromkeys(probe.comparable(probe.items_of(side, 20_000))))
                near = "" if not probe.comparable([other]) or other in values else probe.nearest_text(other, values)
                text_values = f"{len(values)} distinct values: {probe.some(values, 10)}"
                about, what = subject(failing, text, side)
                said = f"{what}, compared with {probe.say(other)}" + (f", {near}" if near else "")
                facts.append(Fact(f"{said}; {text_values}", about=about))
    return facts[:3]


@collector(
    "ValueError", pattern=r"n_samples=0|0 sample|empty|zero-size|at least one|No objects|minimum of 1|not enough|0 feature"
)
def empty_input(failing: Failing) -> list[Fact]:
    """What reached the library empty, when no operand of the user's line is."""
    handed = [(name, part) for name, value in failing.handed() for part in (value if type(value) is tuple else (value,))]
    return [
        Fact(f"argument {name}: {probe.say(value)}", about=failing.name_of(value))
        for name, value in handed
        if probe.is_empty(value)
    ][:4]


ITERATORS = frozenset({"zip", "map", "filter", "enumerate", "reversed", "generator", "list_iterator", "dict_keyiterator", "dict_itemiterator",
                       "dict_valueiterator", "islice", "chain", "reader", "DictReader", "TextIOWrapper"})  # fmt: skip
"""Types that give their elements once."""


@collector(
    "ValueError",
    "StopIteration",
    "TypeError",
    "IndexError",
    "StatisticsError",
    "EmptyDataError",
    pattern=r"empty|StopIteration|\A\Z|no data|at least one",
)
def read_before(failing: Failing) -> list[Fact]:
    """An iterator on the failing line, which gives its elements once: the earlier code that went over it."""
    found = [(text, value) for text, value in failing.data() if text.isidentifier() and probe.type_name(value) in ITERATORS]
    return [Fact(_used(failing, text, value), about=text) for text, value in found[:3]]


def _used(failing: Failing, name: str, value: object) -> str:
    said = f"is a {probe.type_name(value)}: it gives its elements once"
    if type(value) is types.GeneratorType and types.GeneratorType.gi_frame.__get__(value) is None:
        said += ", and has given them all"
    users = _users(failing, name)
    return f"{said}; before this, {users} used it up" if users else said


def _users(failing: Failing, name: str) -> str:
    """`In[4] `for w, f in pairs:``: the first code after the name was made that mentions it."""
    made = assignments_of(failing, name)[-1:]
    level = failing.user
    if level is None or not made:
        return ""
    cells = [(f"In[{number}]", cell) for number, cell in enumerate(history_of(level.names))] if level.top else []
    lines = [(place, line.strip()) for place, cell in cells[:-1] for line in cell.splitlines()]
    lines += [(f"line {number}", line.strip()) for number, line in enumerate(level.lines()[: level.line - 1], 1)]
    start = next((i for i, (place, line) in enumerate(lines) if made[0].where == f"{place} `{line}`"), len(lines))
    hits = [f"{place} `{line[:120]}`" for place, line in lines[start + 1 :] if re.search(rf"\b{name}\b", line)]
    return hits[0] if hits else ""
