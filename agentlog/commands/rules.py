"""The lines to put into an agent's instructions, so that it asks agentlog before it prints and guesses."""

from __future__ import annotations

import argparse

from agentlog.desk import Desk

RULES = """\
Cells and programs here are recorded by agentlog. When something fails, do this before anything else:
- In a notebook or IPython: `%agentlog context --tokens 1000`. In a terminal: `agentlog context --tokens 1000`.
  It shows the exception, the cell at fault (`cause:`), facts seen at the failure, and what each name held. Do not print these again.
- A cell or a name: `%agentlog context 14`, `%agentlog context df`. What changed since it last worked: `%agentlog diff`. Why a name is what it is: `%agentlog why df`.
- `[REDACTED:...]` stands for a secret; it is not the value. `+n more` and the last line say how to get what was cut."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(args: argparse.Namespace, desk: Desk) -> str:
    """The lines."""
    return RULES
