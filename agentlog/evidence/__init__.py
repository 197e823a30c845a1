"""Facts about a failure, observed while its objects are alive.

A collector is a small function `(Failing) -> Evidence | list[Fact] | None`, registered for exception types and, where the
type says too little, a pattern of the message. `collect` runs those that apply, within one bound of time. The order of
`COLLECTORS` is the order of the evidence: the more particular first.
"""

from __future__ import annotations

from agentlog.evidence import (
    alignment,
    assertions,
    attributes,
    bounds,
    callbacks,
    called_for_each,
    calls,
    contents,
    empties,
    estimators,
    files,
    imports,
    keys,
    labels,
    likeness,
    operands,
    outside,
    parsing,
    resources,
    returns,
    sizes,
    tables,
    tensors,
    undefined,
    unpacking,
    weights,
)
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import arrange, collect, collector

COLLECTORS = (
    keys, bounds, attributes, undefined, imports, files, parsing, outside, assertions, calls, unpacking, alignment, tensors, estimators, labels, tables, contents,
    operands, weights, empties, sizes, resources, callbacks, called_for_each, likeness, returns,
)  # fmt: skip
arrange(COLLECTORS)

__all__ = ["COLLECTORS", "Failing", "collect", "collector"]
