"""Loading weights: names and shapes of both sides that differ."""

from __future__ import annotations

from typing import Any

from agentlog import peek
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.tensors import is_layer


@collector("RuntimeError", pattern=r"state_dict|size mismatch for|Missing key|Unexpected key")
def state_dict(failing: Failing) -> list[Fact]:
    """Loading weights: keys and shapes of both sides that differ."""
    handed = dict(failing.handed())
    module: Any = handed.get("self")
    state: Any = handed.get("state_dict")
    if module is None or not is_layer(module) or state is None:
        return []
    given = (
        {key: value for key, value in state.items() if type(key) is str}
        if type(state).__name__ in ("dict", "OrderedDict")
        else {}
    )
    wanted = dict(_weights(module, ""))
    missing, extra = [key for key in wanted if key not in given], [key for key in given if key not in wanted]
    facts = [Fact(f"{len(missing)} weights missing: {probe.some(missing, 10)}")] if missing else []
    facts += [Fact(f"{len(extra)} weights unexpected: {probe.some(extra, 10)}")] if extra else []
    unlike = [
        f"{key}: given {probe.say(given[key])}, model {probe.say(value)}"
        for key, value in wanted.items()
        if key in given and probe.shape_of(given[key]) != probe.shape_of(value)
    ]
    return facts + _prefixed(missing, extra) + [Fact(text) for text in unlike[:6]]


def _prefixed(missing: list[str], extra: list[str]) -> list[Fact]:
    """The same names on both sides, but for a prefix, as `DataParallel` or a wrapper leaves it."""
    for longer, shorter, side in ((extra, missing, "given"), (missing, extra, "model's")):
        prefix = longer[0].removesuffix(shorter[0]) if longer and shorter and longer[0].endswith(shorter[0]) else ""
        if prefix and {name.removeprefix(prefix) for name in longer} == set(shorter):
            return [Fact(f"without the prefix {prefix!r} of the {side} names they are the same")]
    return []


def _weights(module: object, prefix: str, depth: int = 0) -> list[tuple[str, object]]:
    held = peek.own_dict(module) or {}
    own = [
        (prefix + name, value)
        for kind in ("_parameters", "_buffers")
        for name, value in (held.get(kind) or {}).items()
        if value is not None
    ]
    inner = [
        pair
        for name, child in (held.get("_modules") or {}).items()
        if depth < 8 and child is not None
        for pair in _weights(child, f"{prefix}{name}.", depth + 1)
    ]
    return own + inner
