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


Telling = Callable[[Failure, Evidence], "Reason | None"]
QUOTED = r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|-?\d[\w.]*)"
NEAR = re.compile(rf"nearest {QUOTED}")
