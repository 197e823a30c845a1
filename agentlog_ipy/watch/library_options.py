"""Settings that libraries keep for the whole process and that change results or what is shown: those not at their default.

Looked at only after a cell that mentions one of the words with which they are set.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from agentlog.prints import text_print
from agentlog.static import CellNames
from agentlog_ipy.watch.reach import Reached

DEFAULT = "default"
_WORDS = {
    "pandas": frozenset({"set_option", "reset_option", "options"}),
    "numpy": frozenset({"seterr", "set_printoptions"}),
    "torch": frozenset({"set_default_dtype", "set_default_device", "use_deterministic_algorithms"}),
    "matplotlib": frozenset({"rcParams", "rcdefaults", "rc", "style", "set_theme", "set_style"}),
    "decimal": frozenset({"getcontext", "setcontext"}),
    "warnings": frozenset({"filterwarnings", "simplefilter", "resetwarnings"}),
    "sys": frozenset({"path"}),
}  # fmt: skip
"""Library -> what its settings are changed with."""
_ANY = frozenset().union(*_WORDS.values())
_PLAIN = (int, float, str, bool, type(None))
_TEXT = 60

Options = Iterator[tuple[str, object]]


def options(names: CellNames, reached: Reached) -> dict[str, dict[str, str]]:
    """Library -> option -> value, not at its default; of libraries whose settings the cell, or a function it calls, may change."""
    found: dict[str, dict[str, str]] = {}
    if not mentions(_ANY, names, reached):
        return found
    said = names.attributes | names.loads | reached.names
    for library, words in _WORDS.items():
        module = sys.modules.get(library)
        if module is None or not words & said or (library == "sys" and "sys" not in said):
            continue
        try:
            found[library] = {name: _text(value) for name, value in _LOOKS[library](module)}
        except Exception:  # another version keeps them elsewhere
            continue
    return found


def mentions(words: frozenset[str], names: CellNames, reached: Reached) -> bool:
    """Does the cell, or a function it calls, mention one of `words`?"""
    return not (words.isdisjoint(names.attributes) and words.isdisjoint(names.loads) and words.isdisjoint(reached.names))


def _text(value: object) -> str:
    text = value if type(value) is str else repr(value)
    return text if type(value) in _PLAIN and len(text) <= _TEXT else text_print(text)


def _pandas(pandas: Any) -> Options:
    config = pandas._config.config
    for name, option in config._registered_options.items():
        value = pandas.get_option(name)
        if type(value) in _PLAIN and value != option.defval:
            yield name, value


def _numpy(np: Any) -> Options:
    usual = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    yield from ((f"errors.{name}", how) for name, how in np.geterr().items() if how != usual.get(name))
    shown = {"edgeitems": 3, "threshold": 1000, "precision": 8, "suppress": False, "linewidth": 75, "floatmode": "maxprec"}
    now = np.get_printoptions()
    yield from ((f"print.{name}", now[name]) for name, value in shown.items() if now[name] != value)


def _torch(torch: Any) -> Options:
    if torch.get_default_dtype() is not torch.float32:
        yield "default dtype", str(torch.get_default_dtype())
    if torch.are_deterministic_algorithms_enabled():
        yield "deterministic algorithms", True


def _matplotlib(matplotlib: Any) -> Options:
    usual = matplotlib.rcParamsDefault
    for name, value in dict.items(matplotlib.rcParams):
        if type(value) in _PLAIN and name not in ("backend", "interactive") and value != dict.get(usual, name):
            yield name, value


def _decimal(decimal: Any) -> Options:
    context = decimal.getcontext()
    if context.prec != decimal.DefaultContext.prec:
        yield "precision", context.prec
    if context.rounding != decimal.DefaultContext.rounding:
        yield "rounding", context.rounding


def _warnings(warnings: Any) -> Options:
    yield "filters", text_print(str([(one[0], one[2].__name__, one[4]) for one in warnings.filters]))


def _sys(sys_: Any) -> Options:
    yield "path", text_print("\n".join(path for path in sys_.path if type(path) is str))


_LOOKS: dict[str, Callable[[Any], Options]] = {
    "pandas": _pandas, "numpy": _numpy, "torch": _torch, "matplotlib": _matplotlib, "decimal": _decimal, "warnings": _warnings,
    "sys": _sys,
}  # fmt: skip
