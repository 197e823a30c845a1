"""torch, tensorflow and jax arrays, torch modules, scipy sparse matrices.

Nothing is synchronised, moved or copied: values are read only where they lie in the host's memory already.
"""

from __future__ import annotations

import sys
from typing import Any

from agentlog import peek
from agentlog.describers import arrays
from agentlog.describers.layers import torch_layers
from agentlog.describers.objects import describe_object
from agentlog.describers.scalars import clip, type_name
from agentlog.events import Scalar, Value
from agentlog.look import Look


def describe_tensor(value: Any, look: Look) -> Value:
    """A torch tensor: shape, dtype, device, gradient; values only of plain tensors on the CPU.

    A subclass may take part in every operation, even in asking for the shape: it is told by its type alone.
    """
    torch = sys.modules["torch"]
    if not (type(value) is torch.Tensor or type(value) is torch.nn.Parameter):
        return Value(type=type_name(value), module=peek.class_module(type(value)), cut="a tensor subclass is not asked")
    with torch._C.DisableTorchFunction(), torch._C._DisableTorchDispatch():
        return _tensor(torch, value, look)


def _tensor(torch: Any, value: Any, look: Look) -> Value:
    base = torch._C.TensorBase
    shape = tuple(int(size) for size in base.shape.__get__(value))
    device = str(base.device.__get__(value))
    facts: dict[str, Scalar] = {"device": device, "requires_grad": bool(base.requires_grad.__get__(value))}
    if not facts["requires_grad"]:
        del facts["requires_grad"]
    layout = str(base.layout.__get__(value))
    if layout != "torch.strided":
        facts["layout"] = layout
    grad_fn = base.grad_fn.__get__(value)
    if grad_fn is not None:
        facts["grad_fn"] = type_name(grad_fn)
    numbers = _numbers(base, value) if device == "cpu" and "layout" not in facts and not look.brief else None
    inner = None if numbers is None else arrays.describe_array(numbers, look)
    if inner is not None:
        facts.update({name: fact for name, fact in inner.facts.items() if name != "ndim"})
    if not shape:
        facts["ndim"] = 0
    return Value(
        type=type_name(value), module="torch", shape=shape or None, dtype=str(base.dtype.__get__(value)).removeprefix("torch."), facts=facts,
        value=inner.value if inner else None, range=inner.range if inner else None, nulls=inner.nulls if inner else None,
        head=inner.head if inner else (), cut=inner.cut if inner else None if look.brief else "values not read",
    )  # fmt: skip


def _numbers(base: Any, value: Any) -> Any:
    """The tensor's memory as a numpy array, without a copy; None where numpy has no such type."""
    if "numpy" not in sys.modules:
        return None
    try:
        return base.numpy(base.detach(value))
    except (RuntimeError, TypeError):
        return None


def describe_module(value: Any, look: Look) -> Value:
    """A torch module: its parts, number of parameters, training or not, device of the first parameter."""
    parts = _dictionary(value, "_modules")
    names = list(parts)[: look.shown(len(parts))]
    described = look.children([parts[name] for name in names])
    facts: dict[str, Scalar] = {}
    training = peek.own(value, "training")
    if type(training) is bool:
        facts["training"] = training
    tensors = _parameters(value)
    if tensors:
        with sys.modules["torch"]._C.DisableTorchFunction():
            base = sys.modules["torch"]._C.TensorBase
            facts["parameters"] = sum(base.numel(tensor) for tensor in tensors)
            facts["device"] = str(base.device.__get__(tensors[0]))
            facts["dtype"] = str(base.dtype.__get__(tensors[0])).removeprefix("torch.")
    own = {
        name: item
        for name, item in peek.attributes(value)
        if not name.startswith("_") and peek.exactly(item, int, float, str, bool, tuple) and name != "training"
    }
    facts.update(
        {
            name: item if type(item) is not tuple else clip(repr(item), 60)[0] if _flat(item) else "tuple"
            for name, item in list(own.items())[:12]
        }
    )
    layers = torch_layers(value)
    if layers:
        facts["layers"] = layers
    cut = f"{len(parts) - len(names)} of {len(parts)} parts" if len(names) < len(parts) and not look.brief else None
    return Value(
        type=type_name(value),
        module=peek.class_module(type(value)),
        attributes=dict(zip(map(str, names), described, strict=True)),
        facts=facts,
        cut=cut,
    )


def _flat(item: tuple[Any, ...]) -> bool:
    return len(item) < 10 and all(peek.exactly(part, int, float, str, bool) for part in item)


def _dictionary(value: object, name: str) -> dict[str, Any]:
    found = peek.own(value, name)
    return dict(dict.items(found)) if peek.is_a(found, dict) else {}


def _parameters(module: Any, limit: int = 2_000) -> list[Any]:
    """Plain parameters of a module and its parts."""
    torch = sys.modules["torch"]
    found: list[Any] = []
    waiting, seen = [module], set[int]()
    while waiting and len(seen) < limit:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        found += [
            item for item in _dictionary(one, "_parameters").values() if peek.exactly(item, torch.nn.Parameter, torch.Tensor)
        ]
        waiting += [item for item in _dictionary(one, "_modules").values() if item is not None]
    return found


def describe_torch_text(value: Any, look: Look) -> Value:
    """A dtype or device in torch's words."""
    return Value(type=type_name(value), module="torch", value=str(value))


def describe_eager_tensor(value: Any, look: Look) -> Value:
    """A tensorflow tensor or variable: shape, dtype, device by name; values are not read."""
    facts: dict[str, Scalar] = {}
    shape: tuple[int, ...] | None = None
    dtype = None
    if peek.really_in(value, "tensorflow"):
        dimensions = value.shape.as_list() if value.shape.rank is not None else None
        shape = None if dimensions is None or None in dimensions else tuple(dimensions) or None
        dtype = value.dtype.name
        if type(value.device) is str:
            facts["device"] = value.device.rpartition("device:")[2]
    return Value(
        type=type_name(value),
        module="tensorflow",
        shape=shape,
        dtype=dtype,
        facts=facts,
        cut=None if look.brief else "values not read",
    )


def describe_jax_array(value: Any, look: Look) -> Value:
    """A jax array: shape, dtype, where it lies; values are not read, since they may still be under way."""
    aval = value.aval if peek.genuine(type(value)) else None
    if aval is None:
        return describe_object(value, look)
    shape = tuple(size if type(size) is int else -1 for size in aval.shape)
    facts: dict[str, Scalar] = {}
    sharding = getattr(value, "_sharding", None)
    if sharding is not None and peek.genuine(type(sharding)):
        facts["device"] = clip(", ".join(sorted(str(device) for device in sharding.device_set)[:4]), 120)[0]
    return Value(
        type=type_name(value),
        module="jax",
        shape=shape or None,
        dtype=str(aval.dtype),
        facts=facts,
        cut=None if look.brief else "values not read",
    )


def describe_tracer(value: Any, look: Look) -> Value:
    """What stands for an array while jax traces a function: shape and dtype are known, values are not."""
    aval = peek.own(value, "aval") or peek.own(peek.own(value, "val"), "aval")
    known = peek.really_in(aval, "jax")
    shape = peek.own(aval, "shape") if known else None
    dtype = peek.own(aval, "dtype") if known else None
    whole = type(shape) is tuple and all(type(size) is int for size in shape)
    return Value(
        type=type_name(value), module="jax", shape=(shape or None) if whole else None,
        dtype=None if dtype is None else arrays.dtype_text(dtype), facts={"traced": True}, cut="has no value while traced",
    )  # fmt: skip


def describe_sparse(value: Any, look: Look) -> Value:
    """A scipy sparse matrix: shape, dtype, stored elements, their range."""
    shape = peek.own(value, "_shape")
    data = peek.own(value, "data")
    np = sys.modules["numpy"]
    stored = data if type(data) is np.ndarray and data.dtype.kind != "O" else None
    dtype = stored.dtype if stored is not None else peek.own(value, "dtype")
    facts: dict[str, Scalar] = {}
    held = peek.own(value, "_dict")
    if stored is not None:
        facts["stored"] = int(stored.size)
    elif type(held) is dict:
        facts["stored"] = len(held)
    found = arrays.Measured() if stored is None or look.brief else arrays.measure(stored, look)
    if found.seen is not None and stored is not None and found.seen < stored.size:
        facts["sampled"] = found.seen
    return Value(
        type=type_name(value), module=peek.class_module(type(value)), shape=tuple(int(size) for size in shape) if type(shape) is tuple else None,
        dtype=None if dtype is None else arrays.dtype_text(dtype), range=found.range, nulls=found.nulls, facts=facts,
    )  # fmt: skip
