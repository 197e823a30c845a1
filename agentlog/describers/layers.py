"""Layers of neural networks in one line: "conv1 Conv2d 3->16 kernel 3, fc1 Linear 1568->128"; what a Keras model was built for."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

from agentlog import peek
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look

_ENDS = (
    ("in_features", "out_features"), ("in_channels", "out_channels"), ("input_size", "hidden_size"), ("num_embeddings", "embedding_dim"),
    ("input_dim", "output_dim"),
)  # fmt: skip
"""What goes in and what comes out, by the names of attributes."""
_ONE = ("num_features", "normalized_shape", "embed_dim", "units", "filters", "pool_size", "rate", "p", "vocab_size", "max_tokens")
_WORDS = (
    "kernel_size",
    "stride",
    "strides",
    "padding",
    "num_layers",
    "num_heads",
    "batch_first",
    "return_sequences",
    "activation",
    "start_dim",
)
_USUAL = {"stride": (1, (1, 1), (1,)), "strides": ((1, 1), (1,)), "padding": (0, (0, 0), (0,), "valid"), "num_layers": (1,), "batch_first": (False,),
          "return_sequences": (False,), "start_dim": (1,), "activation": ("linear",)}  # fmt: skip
_MOST, _ROOM = 40, 900


def torch_layers(module: Any) -> str | None:
    """The layers of a torch module, those of its parts by their path; None where it has none."""
    found = list(_torch_parts(module, "", 0))
    return _joined(found) if found else None


def _torch_parts(module: Any, path: str, depth: int) -> Iterator[str]:
    parts = peek.own(module, "_modules")
    for name, part in list(dict.items(parts))[:_MOST] if peek.is_a(parts, dict) else ():
        inner = peek.own(part, "_modules")
        if part is not None and (not inner or depth > 4):
            yield f"{path}{name} {layer_text(part)}"
        elif part is not None:
            yield from _torch_parts(part, f"{path}{name}.", depth + 1)


def layer_text(layer: Any) -> str:
    """`Linear 1568->128`: its class, what goes in and comes out, what else it was made with."""
    held = peek.own_dict(layer) or {}
    ends = next((f"{held[a]}->{held[b]}" for a, b in _ENDS if type(held.get(a)) is int and type(held.get(b)) is int), "")
    width = _built_width(held)
    out = next((held[name] for name in ("units", "filters") if type(held.get(name)) is int), None)
    if not ends and width is not None and out is not None:
        ends = f"{width}->{out}"
    ones = [_plain(held[name]) for name in _ONE if not ends and name in held and _plain(held[name])]
    words = [f"{name.removesuffix('_size')} {text}" for name in _WORDS if name in held and (text := _told(name, held[name]))]
    return " ".join(filter(None, [type_name(layer), ends or " ".join(ones[:1]), *words]))


def _built_width(held: dict[str, Any]) -> int | None:
    """The last axis that a Keras layer was built for."""
    shapes: Any = held.get("_build_shapes_dict")
    shape = next(iter(dict.values(shapes)), None) if peek.is_a(shapes, dict) else None
    return shape[-1] if type(shape) is tuple and shape and type(shape[-1]) is int else None


def _told(name: str, value: Any) -> str:
    if type(value) is types.FunctionType:
        value = value.__name__
    text = _plain(value)
    return "" if text in [_plain(usual) for usual in _USUAL.get(name, ())] else text


def _plain(value: Any) -> str:
    if type(value) is tuple and value and all(type(part) is int for part in value):
        return str(value[0]) if len(set(value)) == 1 else str(value).replace(" ", "")
    return str(value) if type(value) in (int, float, str, bool) else ""


def _joined(parts: list[str]) -> str:
    more = f", {len(parts) - _MOST} more" if len(parts) > _MOST else ""
    return clip(", ".join(parts[:_MOST]) + more, _ROOM)[0]


def describe_keras(value: Any, look: Look) -> Value:
    """A Keras layer or model: its layers, the shape it was built for, loss and optimizer."""
    held = peek.own_dict(value) or {}
    layers = [layer for layer in _keras_layers(value) if type_name(layer) != "InputLayer"]
    facts: dict[str, Scalar] = {}
    shape = _input_shape(held, value)
    if shape is not None:
        facts["input"] = str(shape)
    given = _output_shape(value)
    if given is not None and layers:
        facts["output"] = str(given)
    for name in ("loss", "optimizer"):
        known = held.get(name, held.get(f"_{name}"))
        if known is not None:
            facts[name] = known if type(known) is str else type_name(known)
    if layers:
        facts["layers"] = _joined(
            [f"{peek.own(layer, 'name', None) or peek.own(layer, '_name', '')} {layer_text(layer)}" for layer in layers]
        )
    said = layer_text(value).removeprefix(type_name(value)).strip() if not layers else ""
    return Value(type=type_name(value), module=peek.class_module(type(value)), value=said or None, facts=facts)


def _keras_layers(model: Any) -> list[Any]:
    held = peek.own(model, "_layers", None)
    return list(list.__iter__(held)) if isinstance(held, list) else []


def _input_shape(held: dict[str, Any], model: Any) -> tuple[Any, ...] | None:
    shapes: Any = held.get("_build_shapes_dict")
    found = next(iter(dict.values(shapes)), None) if peek.is_a(shapes, dict) else None
    if found is None:
        first = next(iter(_keras_layers(model)), None)
        found = peek.own(first, "_batch_shape", None) or peek.own(first, "batch_shape", None)
    return found if type(found) is tuple and all(type(size) in (int, type(None)) for size in found) else None


def _output_shape(model: Any) -> tuple[Any, ...] | None:
    """What a Functional model, or the one inside a Sequential, gives; None where it has several outputs or is not built."""
    outputs = peek.own(peek.own(model, "_functional", None) or model, "_outputs", None)
    tensor = outputs[0] if type(outputs) is list and len(outputs) == 1 else None
    found = peek.own(tensor, "_shape", None)
    return found if type(found) is tuple and all(type(size) in (int, type(None)) for size in found) else None
