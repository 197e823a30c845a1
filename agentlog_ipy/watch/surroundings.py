"""What stands around a cell and can change its result though its code is the same: files it names, environment, time
zone, working directory, packages and local modules, settings of libraries, the state of random generators.

Only what is new or different since the cell before is told. Nothing is intercepted: files are found by the strings and
paths that the cell and its functions hold. Values of the environment are told by keyed hash only.
"""

from __future__ import annotations

import os
import random
import sys
import time
from types import ModuleType
from typing import Any

from agentlog import peek
from agentlog.clock import clock
from agentlog.prints import file_print, text_print
from agentlog.static import CellNames
from agentlog_ipy.watch.library_options import DEFAULT, mentions, options
from agentlog_ipy.watch.local_modules import is_local
from agentlog_ipy.watch.reach import Reached
from agentlog_ipy.watch.touched_files import TouchedFiles

_DRAWS = frozenset({
    "random", "seed", "sample", "shuffle", "choice", "choices", "permutation", "rand", "randn", "randint",
    "random_sample", "uniform", "normal", "gauss", "standard_normal", "integers", "default_rng", "RandomState",
    "train_test_split", "fit", "fit_transform", "fit_predict", "binomial", "poisson", "exponential", "manual_seed",
    "make_classification", "make_regression", "make_blobs", "bootstrap", "getrandbits", "randrange", "betavariate",
})  # fmt: skip
_ENVIRONMENT = frozenset({"environ", "getenv", "putenv", "load_dotenv", "unsetenv", "setenv", "tzset"})
_PASSING = (
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "COLUMNS",
    "LINES",
    "WINDOWID",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "PYTEST_CURRENT_TEST",
)
_PASSING_PREFIXES = (
    "JPY_",
    "AGENTLOG",
    "TERM_SESSION",
    "SSH_",
    "XDG_",
    "DBUS_",
    "PYDEVD",
    "VSCODE_",
    "ITERM_",
    "GPG_",
    "PYTEST_XDIST",
)
_MODULES_A_CELL = 64


class Surroundings:
    """Remembers what was told last."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._modules: set[str] = set()
        self._local: dict[str, tuple[str, int, object]] = {}
        self._turn = 0
        self._files = TouchedFiles()
        self._before: dict[str, str] = {}
        self._began = 0.0
        self._first = True

    def before(self, names: CellNames, reached: Reached) -> None:
        """Take the state of the random generators that the cell may draw from."""
        self._began = clock.time()
        self._before = _random_states() if _draws(names, reached) else {}

    def after(self, names: CellNames, reached: Reached, namespace: dict[str, Any], deadline: float) -> dict[str, str]:
        """What is new since the last cell, as key -> print."""
        found: dict[str, str] = {}
        for look in (self._process, self._environment, self._imports, self._edited, self._options, self._random):
            look(names, reached, found)
        found.update(self._files.of(names, reached, namespace, self._began, deadline))
        self._first = False
        return self._new(found)

    def _new(self, found: dict[str, str]) -> dict[str, str]:
        """Files and random states belong to the cell each time; all else is told when it differs."""
        fresh = {
            k: v for k, v in found.items() if k.startswith(("file:", "wrote:", "unseen:", "random:")) or self._told.get(k) != v
        }
        self._told.update(fresh)
        return fresh

    def _process(self, names: CellNames, reached: Reached, found: dict[str, str]) -> None:
        found["timezone"] = f"{time.tzname[0]} {-time.timezone // 60:+d} min"
        try:
            found["cwd"] = os.getcwd()
        except OSError:
            pass
        if self._first:
            found["hash_seed"] = os.environ.get("PYTHONHASHSEED") or "random"
            found["python"] = sys.version.split()[0]

    def _environment(self, names: CellNames, reached: Reached, found: dict[str, str]) -> None:
        if not (self._first or names.dynamic or mentions(_ENVIRONMENT, names, reached)):
            return
        for name, value in list(os.environ.items()):
            if name not in _PASSING and not name.startswith(_PASSING_PREFIXES):
                found[f"env:{name}"] = text_print(f"{name}={value}")
        for key in [key for key in self._told if key.startswith("env:") and key not in found and self._told[key] != "unset"]:
            found[key] = "unset"

    def _options(self, names: CellNames, reached: Reached, found: dict[str, str]) -> None:
        """Settings of libraries that are not at their default, and those that are again."""
        for library, values in options(names, reached).items():
            prefix = f"option:{library} "
            back = [key for key in self._told if key.startswith(prefix)]
            found.update(dict.fromkeys(back, DEFAULT) | {prefix + name: value for name, value in values.items()})

    def _imports(self, names: CellNames, reached: Reached, found: dict[str, str]) -> None:
        """Versions of packages and prints of local modules that were imported since."""
        if len(sys.modules) == len(self._modules):
            return
        fresh = [name for name in list(sys.modules) if name not in self._modules]
        self._modules = set(sys.modules)
        for name in fresh:
            module = sys.modules.get(name)
            if type(module) is not ModuleType or name == "__main__" or name.startswith(("_", "agentlog")):
                continue
            file = peek.module_dict(module).get("__file__")
            if type(file) is str and is_local(file):
                self._local_module(name, file, module, found)
            elif "." not in name and name not in sys.stdlib_module_names:
                version = peek.module_dict(module).get("__version__")
                if type(version) is str:
                    found[f"package:{name}"] = version[:60]

    def _local_module(self, name: str, file: str, module: ModuleType, found: dict[str, str]) -> None:
        spec = peek.module_dict(module).get("__spec__")
        known = self._local.get(name)
        if (known is None or known[2] != id(spec)) and len(self._local) < 500:
            mark = file_print(file)
            if mark is not None:
                self._local[name] = (file, _mtime(file), id(spec))
                found[f"module:{name}"] = mark
        version = peek.module_dict(module).get("__version__")
        if type(version) is str:
            found[f"package:{name}"] = version[:60]

    def _edited(self, names: CellNames, reached: Reached, found: dict[str, str]) -> None:
        """Local modules whose file changed since they were imported, and those that were reloaded since."""
        for name, (file, mtime, spec) in self._modules_in_turn():
            module = sys.modules.get(name)
            now = _mtime(file)
            if module is not None and id(peek.module_dict(module).get("__spec__")) != spec:
                self._local_module(name, file, module, found)
                found[f"edited:{name}"] = ""
            elif now != mtime:
                mark = file_print(file)
                found[f"edited:{name}"] = mark if mark and mark != self._told.get(f"module:{name}") else ""
        for key in [key for key, value in found.items() if key.startswith("edited:") and not value and not self._told.get(key)]:
            del found[key]

    def _modules_in_turn(self) -> list[tuple[str, tuple[str, int, object]]]:
        """The local modules imported last, and some of the others, each in its turn: a cell pays for a few only."""
        known = list(self._local.items())
        others = known[:-_MODULES_A_CELL]
        start = self._turn % len(others) if others else 0
        self._turn = start + _MODULES_A_CELL
        return known[-_MODULES_A_CELL:] + (others[start:] + others[:start])[:_MODULES_A_CELL]

    def _random(self, names: CellNames, reached: Reached, found: dict[str, str]) -> None:
        if not self._before and not _draws(names, reached):
            return
        for name, now in _random_states().items():
            before = self._before.get(name, "new")
            if before != now:
                found[f"random:{name}"] = f"{before}>{now}"


def _draws(names: CellNames, reached: Reached) -> bool:
    return mentions(_DRAWS, names, reached)


def _random_states() -> dict[str, str]:
    """Prints of the states of the global generators that are there."""
    states = {"python": text_print(str(hash(random.getstate()[1])))}
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        state = numpy.get_state(legacy=True)
        states["numpy"] = text_print(f"{state[1].tobytes().hex()}{state[2:]}")
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        states["torch"] = text_print(torch.get_rng_state().numpy().tobytes().hex())
    return states


def _mtime(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0
