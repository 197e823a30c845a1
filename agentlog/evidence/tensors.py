"""Tensors and layers: shapes, dtypes, devices of both sides, and what the layer was built for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from agentlog import peek
from agentlog.describe import describe
from agentlog.evaluate import UNKNOWN, attribute, package_of
from agentlog.events import Evidence, Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector

_SIZES = ("in_features", "out_features", "in_channels", "out_channels", "kernel_size", "stride", "padding", "groups", "num_features", "normalized_shape",
          "input_size", "hidden_size", "num_layers", "batch_first", "num_embeddings", "embedding_dim", "embed_dim", "num_heads", "units", "filters", "input_spec", "training")  # fmt: skip


@collector(
    "RuntimeError", "TypeError", "ValueError", "IndexError", "InvalidArgumentError", "NotImplementedError", "OutOfMemoryError"
)
def tensors(failing: Failing) -> Evidence | None:
    """Every tensor on the failing line and at the border, and the layer it failed in."""
    facts: list[Fact] = []
    seen: set[int] = set()
    pairs = [
        *failing.data(),
        *((failing.name_of(value) or f"argument {name}", value) for name, value in _opened(failing.handed())),
    ]
    for about, value in pairs:
        if id(value) not in seen and probe.is_tensor(value):
            seen.add(id(value))
            facts.append(Fact(_say(value, failing.message), about=about, kind="describes"))
    facts = [*_layers(failing, seen), *facts]
    return Evidence("tensors", tuple(facts[:14])) if facts else None


def _opened(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for name, value in pairs:
        out += (
            [(f"{name}[{i}]", part) for i, part in enumerate(value)]
            if peek.exactly(value, tuple, list) and len(value) < 8
            else [(name, value)]
        )
    return out


def _say(tensor: object, message: str = "") -> str:
    """Type, shape, dtype; the device and whether it takes part in gradients where the message is about that."""
    text = probe.say(tensor).replace(" torch.", " ")
    if "device" not in message:
        text = text.removesuffix(" on cpu")
    return text + (", requires grad" if "grad" in message and attribute(tensor, "requires_grad") is True else "")


def _layers(failing: Failing, seen: set[int]) -> list[Fact]:
    """Modules in whose forward it failed, innermost first: sizes they were built for, and what they were given."""
    facts = []
    for level in reversed(failing.levels):
        layer = level.names.get("self")
        if layer is None or id(layer) in seen or not is_layer(layer):
            continue
        seen.add(id(layer))
        held = peek.own_dict(layer) or {}
        if not any(name in held for name in _SIZES if name != "training") and not held.get("_parameters"):
            continue
        given = [
            f"{name} {_say(value, failing.message)}"
            for name, value in _opened([(n, v) for n, v in level.names.items() if n not in ("self", "weight", "bias")])
            if probe.is_tensor(value)
        ]
        facts.append(
            Fact(
                f"is {layer_text(layer)}" + (f"; it was given {', '.join(given[:3])}" if given else ""),
                about=_path(failing, layer) or failing.name_of(layer),
            )
        )
        if len(facts) == 3:
            break
    return facts


def is_layer(value: object) -> bool:
    return any(
        peek.class_name(base) in ("Module", "Layer") and package_of(base) in ("torch", "keras", "tensorflow")
        for base in peek.mro(type(value))
    )


def layer_text(layer: object) -> str:
    """`Linear(in_features=10, out_features=2)`; of a layer without such sizes its weights."""
    held = peek.own_dict(layer) or {}
    sizes = ", ".join(
        f"{name}={probe.show(held[name])}" for name in _SIZES if name in held and name != "training" and held[name] is not None
    )
    parameters = held.get("_parameters")
    weights = (
        [f"{name} {_say(value)}" for name, value in parameters.items() if value is not None]
        if type(parameters) is dict and not sizes
        else []
    )
    return f"{probe.type_name(layer)}({sizes})" + (f", {', '.join(weights[:2])}" if weights else "")


def _path(failing: Failing, layer: object) -> str:
    """Where in the user's model the layer stands: `model.fc1`; "" where it is not found."""
    for name, value in [*failing.data(), *list(failing.names.items())[-300:]]:
        if is_layer(value):
            path = _inside(value, layer, name, 0)
            if path:
                return path
    return ""


def _inside(module: Any, wanted: object, path: str, depth: int) -> str | None:
    if module is wanted:
        return path
    children = (peek.own_dict(module) or {}).get("_modules")
    if type(children) is not dict or depth > 6:
        return None
    for name, child in children.items():
        step = f"{path}[{name}]" if name.isdigit() else f"{path}.{name}"
        found = _inside(child, wanted, step, depth + 1)
        if found:
            return found
    return None


@collector(
    "IndexError",
    "RuntimeError",
    "ValueError",
    "InvalidArgumentError",
    pattern=r"out of (?:bounds|range)|device-side assert|outside the valid range",
)
def class_range(failing: Failing) -> list[Fact]:
    """Targets of a loss or indices of an embedding that go beyond what there is: how far they go, and how far they may."""
    handed = dict(failing.handed())
    scores, targets, layer = handed.get("input"), handed.get("target", handed.get("input")), handed.get("self")
    size = (peek.own_dict(layer) or {}).get("num_embeddings") if layer is not None else None
    shape = probe.shape_of(scores)
    if type(size) is not int and "target" in handed and shape and len(shape) > 1:
        size = shape[1]
    found = _ends(targets)
    if type(size) is not int or found is None:
        return []
    text = f"goes from {found[0]} to {found[1]}; valid are 0 to {size - 1}"
    return [Fact(text, about=failing.name_of(targets) or "argument target")]


def _ends(tensor: object) -> tuple[int, int] | None:
    """Smallest and largest number of a tensor of integers on the CPU, as its description has them."""
    known = describe(tensor).range if probe.is_tensor(tensor) else None
    return (known[0], known[1]) if known and type(known[0]) is int and type(known[1]) is int else None


@collector(
    "ValueError",
    "InvalidArgumentError",
    pattern=r"incompatible with the layer|expected min_ndim|expected axis|expected shape|Shapes .* are incompatible|logits and labels|Input 0 of layer",
)
def keras_input(failing: Failing) -> list[Fact]:
    """A Keras layer that was given another shape: its input specification, the model's input shape, the data's."""
    known = [
        (name, value) for name, value in [*failing.data(), *failing.library_locals("self", "model").items()] if is_layer(value)
    ]
    named = re.search(r"of layer ['\"]([^'\"]+)['\"]", failing.message)
    inner = [(name, layer) for name, value in known if named for layer in _layer_named(value, named[1])]
    told = {id(value): (name, value) for name, value in [*inner[:1], *known]}
    return [Fact(text, about=name) for name, value in told.values() if (text := _built_for(value))][:3]


def _layer_named(model: object, wanted: str, depth: int = 0) -> list[object]:
    """The layers of a Keras model (of models in it) that have this name."""
    held = peek.own(model, "_layers", None)
    layers = list(list.__iter__(held)) if isinstance(held, list) else []
    here = [layer for layer in layers if wanted in (peek.own(layer, "name", None), peek.own(layer, "_name", None))]
    return here or [found for layer in layers if depth < 4 for found in _layer_named(layer, wanted, depth + 1)]


def _built_for(layer: object) -> str:
    """A layer, the shape it was built for, and what its specification allows; "" where none of it is known."""
    name = peek.own(layer, "name", None)
    shape = peek.own(layer, "_build_input_shape", UNKNOWN)
    shapes = peek.own(layer, "_build_shapes_dict", UNKNOWN) if shape is UNKNOWN else {"input_shape": shape}
    spec = peek.own(layer, "input_spec", None) or peek.own(layer, "_input_spec", None)
    known = (
        [f"{key} {probe.show(value)}" for key, value in dict.items(shapes) if value is not None]
        if isinstance(shapes, dict)
        else []
    )
    allowed = _spec(spec) if spec is not None and spec is not UNKNOWN else ""
    told = [layer_text(layer).removesuffix("()"), f"built for {', '.join(known)}" if known else ""]
    if not known and not allowed and "(" not in told[0]:
        return ""  # a name alone would say nothing
    text = "; ".join(filter(None, [", ".join(filter(None, told)), f"input_spec {allowed}" if allowed else ""]))
    return f"layer {name!r}: {text}" if type(name) is str else text


def _spec(spec: object) -> str:
    held = peek.own_dict(spec) or {}
    return ", ".join(
        f"{name}={_axes(value)}" for name, value in held.items() if name in ("shape", "ndim", "min_ndim", "axes") and value
    )


def _axes(value: object) -> str:
    """`axis -1 of 10` for the dictionary of axes, else the value itself."""
    if type(value) is dict:
        return ", ".join(f"axis {probe.show(axis)} of {probe.show(size)}" for axis, size in list(value.items())[:6])
    return probe.show(value)
