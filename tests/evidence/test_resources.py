"""Memory, recursion, interrupts."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "",
        "def down(n):\n    return down(n + 1)\ndown(0)",
        "recursion",
        [("down", "called with n=0; then n=1; at the end n="), (None, "on the stack: down ")],
    ),
    (
        "numpy",
        "import numpy as np\nbig = np.zeros(1000000)\nnp.zeros((1000000, 1000000, 10))",
        "out_of_memory",
        [(None, "asked for 80000.0 GB: shape (1000000, 1000000, 10), float64"), ("big", "8 MB")],
    ),
    (
        "",
        "for i in range(5):\n    if i == 3:\n        raise KeyboardInterrupt",
        "stopped",
        [(None, "was in <module>, line 3"), (None, "the loop `for i in range(5)`: i = 3")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """The numbers, and where the program was."""
    finds(case)
