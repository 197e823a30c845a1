"""Estimators, figures, images, HTTP responses, database handles: by the attributes they hold themselves."""

from __future__ import annotations

import types
from typing import Any

from agentlog import peek
from agentlog.describers.arrays import numpy
from agentlog.describers.containers import literal, scalar
from agentlog.describers.objects import describe_object
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look


def describe_estimator(value: Any, look: Look) -> Value:
    """A scikit-learn estimator: parameters that differ from their defaults, fitted or not, features it saw."""
    held = dict(peek.attributes(value))
    chosen = _chosen(value, held)
    shown = list(chosen)[: look.shown(len(chosen))]
    described = look.children([chosen[name] for name in shown])
    facts = _fitted(held)
    cut = f"{len(chosen) - len(shown)} of {len(chosen)} parameters" if len(shown) < len(chosen) and not look.brief else None
    return Value(
        type=type_name(value),
        module=peek.class_module(type(value)),
        attributes=dict(zip(shown, described, strict=True)),
        facts=facts,
        cut=cut,
    )


def _chosen(value: object, held: dict[str, Any]) -> dict[str, Any]:
    """Parameters of `__init__` whose value is not the default; steps of a pipeline by their names."""
    chosen: dict[str, Any] = {}
    for name, default in _parameters(value).items():
        item = held.get(name)
        if name in held and not _same(item, default):
            chosen[name] = item
    for group in ("steps", "transformers", "estimators"):
        if type(chosen.get(group)) is list:
            chosen.update(_steps(chosen.pop(group)))
    return chosen


def _steps(steps: list[Any]) -> dict[str, Any]:
    """[(name, estimator), ...] or [(name, estimator, columns), ...] as name -> estimator, or (estimator, columns)."""
    named: dict[str, Any] = {}
    for step in steps:
        if type(step) is tuple and len(step) > 1 and type(step[0]) is str:
            named[step[0]] = step[1] if len(step) == 2 else step[1:]
    return named


def _parameters(value: object) -> dict[str, Any]:
    """Parameter -> default, of the constructor as it is written."""
    init = peek.on_class(value, "__init__")
    while type(init) is types.FunctionType and type(peek.own(init, "__wrapped__")) is types.FunctionType:
        init = peek.own(init, "__wrapped__")
    if type(init) is not types.FunctionType:
        return {}
    code = init.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    positional = names[: code.co_argcount]
    defaults = init.__defaults__ or ()
    known = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True)) | (init.__kwdefaults__ or {})
    return {name: known.get(name, _parameters) for name in names if name != "self"}


def _same(item: object, default: object) -> bool:
    """Equal, as far as that can be asked without running code of the user's."""
    if item is default:
        return True
    if type(item) is not type(default) or not peek.exactly(item, int, float, str, bool, bytes):
        return False
    return item == default or (item != item and default != default)


_BEGUN = frozenset({"feature_names_in_", "n_features_in_"})
"""What `fit` sets before it begins: by these alone nobody knows whether it came to its end."""


def _fitted(held: dict[str, Any]) -> dict[str, Scalar]:
    learned = [name for name in held if name.endswith("_") and not name.startswith("_") and not name.endswith("__")]
    facts: dict[str, Scalar] = {} if learned and _BEGUN.issuperset(learned) else {"fitted": bool(learned)}
    steps = held.get("steps")
    if not learned and type(steps) is list and steps and type(steps[-1]) is tuple and len(steps[-1]) == 2:
        facts = _fitted(dict(peek.attributes(steps[0][1])))
    if type(held.get("n_features_in_")) is int:
        facts["features"] = held["n_features_in_"]
    for fact, name in (("feature names", "feature_names_in_"), ("classes", "classes_")):
        listed = held.get(name)
        if type(listed) is types.NoneType or not peek.really_in(listed, "numpy") or not peek.is_a(listed, numpy().ndarray):
            continue
        first = [str(scalar(item, 40)) for item in listed[:12].tolist()]
        facts[fact] = ", ".join(first) + (f", … {listed.size - 12} more" if listed.size > 12 else "")
    if learned:
        facts["learned"] = clip(", ".join(learned[:12]), 199)[0]
    return facts


def describe_figure(value: Any, look: Look) -> Value:
    """A matplotlib figure: number of axes and what each shows."""
    axes = peek.own(value, "_localaxes")
    listed = axes if type(axes) is list else []
    box = peek.own(peek.own(value, "bbox_inches"), "_points")
    facts: dict[str, Scalar] = {"axes": len(listed)}
    if peek.really_in(box, "numpy"):
        facts["inches"] = "x".join(f"{size:g}" for size in (box[1] - box[0]).tolist())
    title = _label(peek.own(value, "_suptitle"))
    if title:
        facts["title"] = title
    shown = look.shown(min(len(listed), 8))
    return Value(type=type_name(value), module="matplotlib", items=tuple(look.children(listed[:shown])), facts=facts)


def describe_axes(value: Any, look: Look) -> Value:
    """matplotlib axes: title, labels, what is drawn."""
    facts: dict[str, Scalar] = {"title": _label(peek.own(value, "title"))}
    for name in ("xaxis", "yaxis"):
        facts[f"{name[0]}label"] = _label(peek.own(peek.own(value, name), "label"))
    drawn: dict[str, int] = {}
    children = peek.own(value, "_children")
    for child in children if type(children) is list else []:
        drawn[type_name(child)] = drawn.get(type_name(child), 0) + 1
    facts["drawn"] = ", ".join(f"{name} {count}" for name, count in list(drawn.items())[:8])
    return Value(type=type_name(value), module="matplotlib", facts={name: fact for name, fact in facts.items() if fact})


def _label(text: object) -> str | None:
    held = peek.own(text, "_text")
    return clip(held, 120)[0] if type(held) is str else None


def describe_image(value: Any, look: Look) -> Value:
    """A PIL image: size, mode, format, file. Pixels are not loaded."""
    size = peek.own(value, "_size")
    mode = peek.own(value, "_mode") or peek.own(value, "mode")
    facts: dict[str, Scalar] = {"mode": mode if type(mode) is str else None}
    shape = None
    if type(size) is tuple and len(size) == 2 and all(type(side) is int for side in size):
        facts["size"] = f"{size[0]}x{size[1]}"
        shape = (size[1], size[0])
    for name in ("format", "filename"):
        text = peek.own(value, name)
        facts[name] = clip(text, 120)[0] if type(text) is str and text else None
    return Value(
        type=type_name(value), module="PIL", shape=shape, facts={name: fact for name, fact in facts.items() if fact is not None}
    )


def describe_response(value: Any, look: Look) -> Value:
    """A response of requests or httpx: status, address, kind and size of the body, its beginning if it is loaded text."""
    status, reason = peek.own(value, "status_code"), peek.own(value, "reason")
    address = peek.own(value, "url")
    if address is None:
        url = peek.own(peek.own(value, "_request"), "url")
        address = str(url) if peek.really_in(url, "httpx") else None
    facts: dict[str, Scalar] = {"url": clip(address, 199)[0] if type(address) is str else None}
    content = peek.own(value, "_content")
    body = content if type(content) is bytes else None
    if body is not None:
        facts["bytes"] = len(body)
        facts["body"] = None if look.brief else clip(body[: look.chars].decode("utf-8", "replace"), look.chars)[0] or None
    kind = _content_type(peek.own(value, "headers"))
    facts["content-type"] = kind
    text = f"{status} {reason}" if type(reason) is str and reason else str(status) if type(status) is int else None
    return Value(
        type=type_name(value),
        module=peek.class_module(type(value)),
        value=text,
        facts={name: fact for name, fact in facts.items() if fact is not None},
    )


def _content_type(headers: object) -> str | None:
    """From the store of requests' case-insensitive dictionary or httpx's list."""
    store = peek.own(headers, "_store")
    if peek.is_a(store, dict):
        pair = next((item for key, item in dict.items(store) if type(key) is str and key == "content-type"), None)
        return pair[1] if type(pair) is tuple and len(pair) == 2 and type(pair[1]) is str else None
    listed = peek.own(headers, "_list")
    if type(listed) is list:
        found = next((item[-1] for item in listed if type(item) is tuple and len(item) == 3 and item[1] == b"content-type"), None)
        return found.decode("latin-1") if type(found) is bytes else None
    return None


def describe_database(value: Any, look: Look) -> Value:
    """A connection or cursor of another driver: the plain facts its compiled class keeps, else its attributes."""
    facts: dict[str, Scalar] = {}
    for name in (
        "closed",
        "_closed",
        "autocommit",
        "_autocommit",
        "status",
        "isolation_level",
        "rowcount",
        "_rowcount",
        "query",
        "statusmessage",
    ):
        item = peek.own(value, name)
        if peek.exactly(item, int, bool, str, bytes):
            facts[name.lstrip("_")] = item if peek.exactly(item, int, bool) else literal(item, 199)
    if facts:
        return Value(type=type_name(value), module=peek.class_module(type(value)), facts=facts)
    return describe_object(value, look)
