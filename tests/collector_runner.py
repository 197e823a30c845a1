"""Runs the cases of `collector_cases/` in real IPython shells of one process; prints what was found as JSON.

usage: python collector_runner.py FOLDER [CASE ...]

A case: `# needs: module ...` and `# environment: NAME=value`, where there are any, then cells that begin with `# %%`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

from context_runner import PATIENT, run_case

from agentlog.store import Store

CASES = Path(__file__).parent / "collector_cases"
BUDGET = 400


def read_case(path: Path) -> dict[str, Any]:
    """{"needs": modules, "environment": {name: value}, "cells": sources} of a case."""
    head, *cells = re.split(r"^# %%\n", path.read_text(encoding="utf-8"), flags=re.M)
    fields = dict(re.findall(r"^# (needs|environment): (.*)$", head, flags=re.M))
    environment = dict(pair.split("=", 1) for pair in fields.get("environment", "").split())
    return {"needs": fields.get("needs", "").split(), "environment": environment, "cells": [cell.rstrip("\n") for cell in cells]}


def missing(needs: list[str]) -> list[str]:
    return [module for module in needs if importlib.util.find_spec(module) is None]


def crash(path: Path, folder: Path) -> dict[str, Any]:
    """The collectors that spoke in the crash of a case, and its text; `missing` modules where it cannot run."""
    case = read_case(path)
    if absent := missing(case["needs"]):
        return {"missing": absent}
    here = folder / "work" / path.stem
    here.mkdir(parents=True)
    os.chdir(here)
    os.environ.update(case["environment"])
    found = run_case(case["cells"], folder / path.stem, (BUDGET,))
    for name in case["environment"]:
        del os.environ[name]
    store = Store.open(folder / path.stem)
    collectors = [item.collector for error in store.errors() for item in error.failure.evidence]
    store.close()
    return {"collectors": collectors, "text": found["texts"][BUDGET], "raised": found["raised"]}


def main() -> None:
    warnings.filterwarnings("ignore")
    folder, wanted = Path(sys.argv[1]), sys.argv[2:]
    os.environ |= {"IPYTHONDIR": str(folder / "ipython"), "AGENTLOG_LIMITS": PATIENT}
    paths = [path for path in sorted(CASES.glob("*.txt")) if not wanted or path.stem in wanted]
    found = {path.stem: crash(path, folder) for path in paths}
    sys.stdout.write("\n@@" + json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
