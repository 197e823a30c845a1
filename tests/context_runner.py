"""Runs the cases of `context_cases/` in real IPython shells of one process and prints their contexts as JSON.

usage: python context_runner.py STORE_FOLDER [CASE ...]
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "context_cases"
BUDGETS = (250, 500, 1000)
PATIENT = "describe_ms=20000,evidence_ms=20000,namespace_ms=20000"
"""Time that only matters when something hangs: these cases are about facts, not about speed."""


def read_case(path: Path) -> dict[str, Any]:
    """A case: `# exception:`, `# cause:` (In[n]), `# fact: name | text` lines, `# needs: module` where there is one, then cells that
    begin with `# %%`."""
    head, *cells = re.split(r"^# %%\n", path.read_text(encoding="utf-8"), flags=re.M)
    fields = dict(re.findall(r"^# (exception|cause|needs): (.*)$", head, flags=re.M))
    facts = [tuple(part.strip() for part in fact.split("|")) for fact in re.findall(r"^# fact: (.*)$", head, flags=re.M)]
    return {
        "exception": fields["exception"],
        "cause": int(fields["cause"]),
        "facts": facts,
        "needs": fields.get("needs", "").split(),
        "cells": [cell.rstrip("\n") for cell in cells],
    }


def run_case(cells: list[str], folder: Path, budgets: tuple[int, ...] = BUDGETS) -> dict[str, Any]:
    """The crash of the last cell: type of the exception and the text of the context at each budget."""
    from IPython.core.interactiveshell import InteractiveShell

    os.environ["AGENTLOG_DIR"] = str(folder)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        shell.run_line_magic("load_ext", "agentlog")
        for cell in cells:
            result = shell.run_cell(cell, store_history=True)
        texts = {budget: str(shell.run_line_magic("agentlog", f"context --tokens {budget}")) for budget in budgets}
        shell.run_line_magic("unload_ext", "agentlog")
    error = result.error_before_exec or result.error_in_exec
    return {"raised": type(error).__name__, "texts": texts}


def main() -> None:
    warnings.filterwarnings("ignore")
    stores, wanted = Path(sys.argv[1]), sys.argv[2:]
    os.environ |= {"IPYTHONDIR": str(stores / "ipython"), "AGENTLOG_LIMITS": PATIENT}
    paths = [path for path in sorted(CASES.glob("*.txt")) if not wanted or path.stem in wanted]
    cases = {path.stem: read_case(path) for path in paths}
    found = {name: run_case(case["cells"], stores / name) for name, case in cases.items() if all(map(find_spec, case["needs"]))}
    sys.stdout.write("\n@@" + json.dumps(found))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
