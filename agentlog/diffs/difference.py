"""One difference of two runs: its kind, its weight and its words."""

from __future__ import annotations

from dataclasses import dataclass

WEIGHTS = {
    "error": 100, "status": 95, "source": 80, "file": 78, "module": 76, "order": 70, "only": 65, "input": 62, "package": 60,
    "seed": 56, "environment": 55, "timezone": 54, "setting": 52, "python": 50, "name": 45, "output": 40, "git": 35, "cwd": 20,
    "hash seed": 15, "host": 10, "cosmetic": 6, "duration": 5,
}  # fmt: skip
"""Kind of difference -> how much it says about why two runs part."""

CODE = ("source", "order", "only")
EFFECTS = ("error", "status", "name", "output")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `a`, `b`: labels of the executions; `detail`: lines for larger budgets; `name`: variable, file, package."""

    kind: str
    text: str
    a: str | None = None
    b: str | None = None
    name: str | None = None
    detail: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    volatile: bool = False

    @property
    def weight(self) -> int:
        """How much it tells; what changes from run to run by itself tells little."""
        return WEIGHTS.get(self.kind, 30) // (4 if self.volatile else 1)
