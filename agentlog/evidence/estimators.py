"""scikit-learn and its like: not fitted, other features than at fit time, labels of the wrong kind, parameters that do not go together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from agentlog import peek
from agentlog.evaluate import PLAIN, UNKNOWN
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.source import assignments_of, calls_on
from agentlog.expression import names_in

_TARGETS = frozenset({"y", "y_true", "y_pred", "Y", "target", "labels", "sample_weight", "groups"})
"""Parameters that are not the features."""
_FITS = re.compile(r"_?(?:partial_)?fit(?:_|$)")
_FITS_ANEW = re.compile(r"_?fit(?:_|$)")


@collector(
    "ValueError", "NotFittedError", "InvalidParameterError", "AttributeError", "TypeError", "KeyError", "NotImplementedError"
)
def estimator(failing: Failing) -> Evidence | None:
    """The estimators involved: parameters that are not the defaults, fitted or not, features they were fitted with."""
    found = list(estimators_of(failing))
    if not found:
        return None
    facts: list[Fact] = []
    for about, model in found[:3]:
        facts += _state(failing, about, model)
    told = _feature_facts(failing, [(about, model) for about, model in found if not _fitted_anew(failing, model)])
    names = [about for about, model in found if failing.names.get(about) is model]
    for about in names if told or "feature" in failing.message else ():
        fitted, data = _fitted_with(failing, about) if not _fitted_anew(failing, failing.names[about]) else ([], [])
        told += fitted
        names = [*names, *data]
    if told and not any("columns" in fact.text for fact in told):
        told += _by_origin(failing, names)
    facts += _no_parameter(failing.message)
    facts += [*told, *_unknown_categories(failing, found)]
    return Evidence("estimator", tuple(facts[:12]), tuple(dict.fromkeys(names)))


def estimators_of(failing: Failing) -> Iterator[tuple[str, Any]]:
    """Estimators on the failing line, then those in whose methods it failed, by the user's names where they have one."""
    seen: set[int] = set()
    pairs = [*failing.data(), *((None, value) for _, value in failing.handed())]
    pairs += [(None, level.names["self"]) for level in failing.levels if "self" in level.names and not level.user]
    for text, value in pairs:
        if probe.is_estimator(value) and id(value) not in seen:
            seen.add(id(value))
            yield text or failing.name_of(value) or probe.type_name(value), value


def _state(failing: Failing, about: str, model: Any) -> list[Fact]:
    held = peek.own_dict(model) or {}
    fitted = sorted(name for name in held if name.endswith("_") and not name.startswith("_"))
    accepted = _accepted(model)
    parameters = {name: value for name, value in held.items() if name in accepted}
    named = {name: value for name, value in parameters.items() if len(name) > 2 and re.search(rf"\b{name}\b", failing.message)}
    changed = _not_default(model, parameters) | (named if len(named) < 4 else {})
    shown = ", ".join(f"{name}={probe.show(value)}" for name, value in changed.items())
    rest = tuple(f"{name}={probe.show(value)}" for name, value in parameters.items() if name not in changed)
    asked = "arameter" in failing.message
    said = f"{probe.type_name(model)}({shown}){_fitted(failing, model, fitted)}"
    return [
        Fact(said, about=about, detail=rest if asked else (), kind="describes"),
        *_steps(failing, about, held),
        *_other_fitted(failing, about, model, fitted),
    ]


def _fitted(failing: Failing, model: Any, learned: list[str]) -> str:
    """`, not fitted`; "" where its `fit` was running, or had only begun: what it holds by then says nothing."""
    if any(level.names.get("self") is model and _FITS.match(level.frame.f_code.co_name) for level in failing.levels):
        return ""
    if not learned:
        return ", not fitted"
    return f", fitted ({', '.join(learned[:8])})" if set(learned) - {"n_features_in_", "feature_names_in_"} else ""


def _fitted_anew(failing: Failing, model: Any) -> bool:
    """Was its `fit` running? Then nothing depends on what an earlier one saw."""
    levels = (level for level in failing.levels if level.names.get("self") is model)
    return any(_FITS_ANEW.match(level.frame.f_code.co_name) for level in levels)


def _initialiser(model: Any) -> Any:
    function = peek.on_class(model, "__init__")
    return getattr(function, "__wrapped__", function)


def _accepted(model: Any) -> set[str]:
    """Parameters of the class's own `__init__`."""
    code = getattr(_initialiser(model), "__code__", None)
    return set(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]) if code else set()


def _not_default(model: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters that differ from the defaults of the class's own `__init__`."""
    code = _initialiser(model)
    defaults = dict(getattr(code, "__kwdefaults__", None) or {})
    names = getattr(getattr(code, "__code__", None), "co_varnames", ())
    positional = getattr(code, "__defaults__", None) or ()
    count = getattr(getattr(code, "__code__", None), "co_argcount", 0)
    defaults.update(zip(names[count - len(positional) : count], positional, strict=False))
    return {name: value for name, value in parameters.items() if not _same(value, defaults.get(name, UNKNOWN))}


def _same(value: object, default: object) -> bool:
    return value is default or (type(value) is type(default) and type(value) in PLAIN and value == default)


def _steps(failing: Failing, about: str, held: dict[str, Any]) -> list[Fact]:
    """Of a pipeline or column transformer: its steps; they tell something where one is for what the message names."""
    steps = held.get("steps") or held.get("transformers") or ()
    said = [
        f"{part[0]}: {probe.say(part[1])}" + (f" on {_chosen(part[2])}" if len(part) > 2 else "")
        for part in steps
        if type(part) is tuple and part
    ]
    text = "; ".join(said)[:400]
    named = any(word in failing.message for word in re.findall(r"'[^']+'", text))
    return [Fact(f"steps: {text}", about=about, kind="observes" if named else "describes")] if said else []


def _chosen(columns: Any) -> str:
    """The columns of a step: a list of labels with its labels."""
    return probe.some(columns, 12) if type(columns) is list and columns else probe.show(columns)


def _other_fitted(failing: Failing, about: str, model: Any, fitted: list[str]) -> list[Fact]:
    """An unfitted one, where another of its class is fitted."""
    if fitted or "fit" not in failing.message:
        return []
    others = [name for name, value in list(failing.names.items())[-500:] if type(value) is type(model) and value is not model]
    ready = [
        name
        for name in others
        if any(key.endswith("_") and not key.startswith("_") for key in peek.own_dict(failing.names[name]) or ())
    ]
    return [Fact(f"another {probe.type_name(model)} is fitted: {', '.join(ready)}", about=about)] if ready else []


def _feature_facts(failing: Failing, found: list[tuple[str, Any]]) -> list[Fact]:
    """The features at fit time against those handed over now."""
    facts: list[Fact] = []
    for about, model in found[:4]:
        names, count = peek.own(model, "feature_names_in_"), peek.own(model, "n_features_in_")
        known = probe.items_of(names, 20_000) if names is not None else []
        for text, table in _inputs(failing):
            facts += _compare(about, known, count, text, table)
            if facts:
                return facts
    return facts


def _no_parameter(message: str) -> list[Fact]:
    """The nearest of the parameters that the message says are valid."""
    told = re.search(r"Invalid parameter '?(\w+)'? for estimator ([\w.]+).*?Valid parameters are: \[(.*?)\]", message, re.S)
    near = probe.nearest_text(told[1].rpartition("__")[2], re.findall(r"'(\w+)'", told[3])) if told else ""
    return [Fact(f"no parameter {told[1]!r}; {near}", about=told[2], kind="points")] if told and near else []


def _unknown_categories(failing: Failing, found: list[tuple[str, Any]]) -> list[Fact]:
    """Values that an encoder did not see when it was fitted: column, which, in how many rows."""
    for about, model in found[:2]:
        known = peek.own(model, "categories_")
        for text, table in _inputs(failing) if type(known) is list else ():
            facts = [fact for place, seen in enumerate(known) for fact in _unseen(text, table, place, seen)]
            held = peek.own_dict(model) or {}
            word = f"handle_unknown={probe.show(held['handle_unknown'])}" if "handle_unknown" in held else ""
            if facts:
                return [*facts[:4], *([Fact(word, about=about)] if word else [])]
    return []


def _unseen(text: str, table: Any, place: int, seen: Any) -> list[Fact]:
    if place >= (probe.shape_of(table) or (0, 0))[1] or not probe.is_array(seen):
        return []
    label = probe.show(probe.columns_of(table)[place]) if probe.is_frame(table) else str(place)
    items = probe.items_of(probe.column(table, place) if probe.is_frame(table) else table[:, place])
    known = {item for item in probe.items_of(seen) if type(item) in PLAIN}
    new = [item for item in items if type(item) in PLAIN and item == item and item not in known]
    values = list(dict.fromkeys(new))
    said = f"column {label}: {len(values)} values not among the {len(known)} of fit time, in {len(new)} rows: {probe.some(values, 10)}"
    table_name = text.partition("[")[0]
    return [Fact(said, about=table_name if table_name.replace(".", "").isidentifier() else text)] if values else []


def _fitted_with(failing: Failing, about: str) -> tuple[list[Fact], list[str]]:
    """The call that fitted a model, as far as the cells show it, and what its arguments are now."""
    made = calls_on(failing, about, ("fit", "fit_transform", "fit_predict", "fit_resample", "partial_fit"))
    if made is None:
        return [], []
    where, call = made
    names = [part.id for part in [*call.args, *(word.value for word in call.keywords)] if isinstance(part, ast.Name)]
    known = [(name, failing.resolve(name)) for name in names]
    said = ", ".join(f"{name} is now {probe.say(value)}" for name, value in known if value is not UNKNOWN)
    return [Fact(f"was fitted by {where}" + (f": {said}" if said else ""), about=about)], names


def _by_origin(failing: Failing, names: list[str]) -> list[Fact]:
    """Where the data are arrays, which have no column names: the tables that those of then and of now were made from."""
    then = {name: (probe.shape_of(value) or (0, 0))[1] for name, value in _tables(failing, names)}
    now = {text: (probe.shape_of(value) or (0, 0))[1] for text, value in _inputs(failing)}
    made = {
        name: table
        for name, width in [*then.items(), *now.items()]
        for table in _origins(failing, name)
        if (probe.shape_of(table) or (0, 0))[1] == width
    }
    new = next((made[text] for text in now if text in made), None)
    old = next((made[name] for name in then if name in made and name not in now), None)
    if new is None or old is None:
        return []
    before, after = failing.name_of(old) or "the data of fit time", failing.name_of(new) or "the data of now"
    return _more_columns(before, old, after, new) + _more_columns(after, new, before, old)


def _tables(failing: Failing, names: list[str]) -> list[tuple[str, Any]]:
    known = [(name, failing.resolve(name)) for name in names]
    return [(name, value) for name, value in known if len(probe.shape_of(value) or ()) == 2]


def _origins(failing: Failing, name: str) -> list[Any]:
    """DataFrames that the last assignment of `name` reads."""
    made = assignments_of(failing, name)[-1:] if name.isidentifier() else []
    found = [failing.resolve(part) for one in made for part in names_in(one.value)]
    return [value for value in found if probe.is_frame(value)]


def _more_columns(about: str, table: Any, other: str, than: Any) -> list[Fact]:
    known = set(probe.columns_of(than))
    extra = [column for column in probe.columns_of(table) if column not in known]
    return [Fact(f"has {len(extra)} columns that {other} has not: {probe.some(extra, 20)}", about=about)] if extra else []


def _inputs(failing: Failing) -> list[tuple[str, Any]]:
    pairs = [(failing.name_of(value) or failing.called(name) or f"argument {name}", value) for name, value in failing.handed()]
    out: dict[int, tuple[str, Any]] = {}
    targets = [value for name, value in failing.handed() if name in _TARGETS]
    for text, value in pairs:
        if any(value is target for target in targets):
            continue
        if probe.is_frame(value) or (probe.is_array(value) and len(probe.shape_of(value) or ()) == 2):
            out.setdefault(id(value), (text, value))
    return list(out.values())


def _compare(about: str, known: list[Any], count: object, text: str, table: Any) -> list[Fact]:
    now = probe.columns_of(table) if probe.is_frame(table) else []
    size = (probe.shape_of(table) or (0, 0))[1]
    facts = []
    if known and now and known != now:
        unseen, missing = [c for c in now if c not in set(known)], [c for c in known if c not in set(now)]
        if unseen:
            facts.append(Fact(f"{len(unseen)} columns unseen at fit time: {probe.some(unseen, 20)}", about=text))
        if missing:
            facts.append(Fact(f"{len(missing)} columns of fit time are missing: {probe.some(missing, 20)}", about=text))
        if not unseen and not missing:
            facts.append(Fact("same columns as at fit time, in another order", about=text))
    if (type(count) is int and count != size) or facts:
        facts.insert(0, Fact(f"{about} was fitted with {count} features, {text} has {size} ({probe.say(table)})", about=text))
    return facts


# --- labels ---------------------------------------------------------------------------------------------------
