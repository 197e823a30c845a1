"""A reason, and how texts in facts are found again."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agentlog.events import Evidence, Failure


@dataclass(frozen=True, slots=True)
class Reason:
    """`clause` ends a sentence: "the file 'a.csv' does not exist"; `trouble` counts it: "missing files"."""

    clause: str
    trouble: str


Told = Reason | Callable[[Failure, Evidence], Reason | None] | None
"""The reason, or what finds it in the failure and a collector's evidence; None: nothing that people are told."""
QUOTED = r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|-?\d[\w.]*)"
NEAR = re.compile(rf"nearest {QUOTED}")
