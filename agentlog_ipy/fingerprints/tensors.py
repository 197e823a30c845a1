"""Tensors by version and memory, generators of torch by state, sparse matrices by their arrays."""

from __future__ import annotations

import sys
from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints.arrays import visit_array
from agentlog_ipy.fingerprints.walk import LIBRARIES, Walk, visit_object


def visit_torch(walk: Walk, value: Any, depth: int) -> None:
    torch = sys.modules["torch"]
    if not peek.is_a(value, torch.Tensor):
        _torch_object(walk, value, depth)
        return
    walk.tokens.append((tuple(value.shape), str(value.dtype), str(value.device), bool(value.requires_grad)))
    walk.tokens.append(None if value.is_inference() else value._version)
    if value.device.type == "cpu" and value.layout is torch.strided and not value.is_quantized:
        plain = value.detach()
        view = plain.view(torch.int16) if value.dtype is torch.bfloat16 else plain
        array = view.resolve_conj().resolve_neg().numpy()
        walk.keep.append(array)
        visit_array(walk, array, depth)
    else:
        walk.tokens.append(value.data_ptr() if value.layout is torch.strided else id(value))
        walk.portable = False
    if value.grad_fn is None and value.is_leaf and value.grad is not None:
        walk.visit(value.grad, depth + 1)


def _torch_object(walk: Walk, value: Any, depth: int) -> None:
    torch = sys.modules["torch"]
    if peek.is_a(value, torch.Generator):
        walk.temporary(value.get_state().numpy().tobytes(), depth)
    else:
        visit_object(walk, value, depth)


def visit_scipy(walk: Walk, value: Any, depth: int) -> None:
    """Sparse matrices hold arrays, and flags that fill when somebody asks (`_has_sorted_indices`)."""
    walk.tokens.append(peek.qualified_name(type(value)))
    walk.named(((name, item) for name, item in peek.attributes(value) if not name.startswith("_has_")), value, depth)


LIBRARIES.update({"torch": visit_torch, "scipy": visit_scipy})
