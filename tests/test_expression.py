"""The failing expression and its operands, on every Python: exact where the bytecode says so, by line elsewhere."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from agentlog.events import Expression
from agentlog.frames import failure_of
from agentlog.settings import Limits
from agentlog.stack import CellSource

EXACT = sys.version_info >= (3, 11)
PATIENT = Limits(describe_ms=20_000, evidence_ms=20_000)


def expression_of(source: str, **names: Any) -> Expression:
    world: dict[str, Any] = {"__name__": "__main__", **names}
    try:
        exec(compile(source, "<the cell>", "exec"), world)
    except BaseException as error:
        here = CellSource("r", 1, source)
        failure = failure_of(error, cell_of=lambda name: here if name == "<the cell>" else None, limits=PATIENT)
        assert failure.expression is not None
        return failure.expression
    raise AssertionError("did not crash")


def operands(expression: Expression) -> dict[str, str]:
    return {
        operand.text: f"{operand.value.type} {operand.value.value if operand.value.value is not None else operand.value.length}"
        for operand in expression.operands
    }


def test_operands_of_a_nested_expression() -> None:
    """In `a[i].get(c) / norm(x.y)` the reader sees i, what a and a[i] are, c and x.y."""
    source = (
        "class P: pass\nx = P(); x.y = 4\na = [{'k': 1}, 2]; i = 0; c = 5\ndef norm(v): return v\nr = a[i].get(c) / norm(x.y)"
    )
    expression = expression_of(source)
    found = operands(expression)
    assert found["i"] == "int 0"
    assert found["a"] == "list 2"
    assert found["a[i]"] == "dict 1"
    assert found["c"] == "int 5"
    assert found["x.y"] == "int 4"
    assert expression.exact is EXACT
    if EXACT:
        assert expression.text == "a[i].get(c) / norm(x.y)"


@pytest.mark.skipif(not EXACT, reason="bytecode positions came with Python 3.11")
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a, b = {'x': 1}, 'y'\nprint(1, a['x'] + a[b], 2)", "a[b]"),
        ("n = 0\nvalues = [\n    1,\n    2 / n,\n]\n", "2 / n"),
        ("d = {}\nd['a']['b'] = 3\n", "d['a']"),
        ("t = (1, 2)\nt[0] = 5\n", "t[0] = 5"),
        ("a, b = 3 * [1]\n", "a, b = 3 * [1]"),
        ("for k, v in {'abc': 1}:\n    pass\n", "for k, v in {'abc': 1}:"),
        ("é = {}\nprint('ü', é['ö'])\n", "é['ö']"),
        ("x = None\nassert x == 3, 'no'\n", "x == 3"),
        ("with open('/nowhere/at/all') as f:\n    pass\n", "open('/nowhere/at/all')"),
    ],
)
def test_the_exact_node(source: str, text: str) -> None:
    """The innermost expression that failed; the whole statement where storing failed."""
    expression = expression_of(source)
    if sys.version_info < (3, 13) and source.startswith("x = None"):
        assert expression.text in ("x == 3", "assert x == 3, 'no'")
    else:
        assert expression.text.startswith(text)
    assert expression.exact


def test_arithmetic_of_numbers_is_worked_out() -> None:
    """An index like `i * width + j` is shown with its result; calls are not made again."""
    calls: list[int] = []
    found = operands(expression_of("row[i * width + j - len(row)]", row=[1, 2], i=3, width=4, j=1, calls=calls))
    assert found["i * width + j - len(row)"] == "int 11"
    assert {"i", "width", "j", "row"} <= set(found)


def test_names_that_are_only_written_are_no_operands() -> None:
    """On the left of an assignment a name's old value would mislead."""
    found = operands(expression_of("a = 1\nb = 2\na, b = right", right=[1, 2, 3]))
    assert "right" in found
    assert not {"a", "b"} & set(found)


def test_properties_are_not_run_but_slots_and_dicts_are_read() -> None:
    """`obj.value` is shown where it is stored data, left out where it is code."""
    ran: list[str] = []

    class Slotted:
        __slots__ = ("kept",)

        def __init__(self) -> None:
            self.kept = 7

        @property
        def made(self) -> int:
            ran.append("made")
            return 1

    source = "3 / (s.kept - 7) if not check else s.made"
    found = operands(expression_of(source, s=Slotted(), check=False))
    assert found["s.kept"] == "int 7"
    assert ran == []


def test_columns_and_shapes_of_tables() -> None:
    """Properties that pandas and numpy keep cheap are read, columns by name too."""
    pandas = pytest.importorskip("pandas")
    df = pandas.DataFrame({"age": [1, 2, 3]})
    expression = expression_of("df['age'].sum() / zero + df.shape[0]", df=df, zero="0")
    found = {operand.text: operand.value for operand in expression.operands}
    assert found["df['age']"].type == "Series"
    assert found["zero"].value == "0"


def test_source_that_nobody_has_gives_no_expression() -> None:
    """Code from a string without a cell: the failure is there, the expression is not."""
    try:
        exec(compile("1 / 0", "<string of nobody>", "exec"), {"__name__": "__main__"})
    except ZeroDivisionError as error:
        failure = failure_of(error.with_traceback(error.__traceback__.tb_next), limits=PATIENT)
    assert failure.expression is None
    assert failure.frames[-1].kind == "synthetic"


def test_a_torch_network_says_its_layers_parameters_and_buffers() -> None:
    """torch keeps them in dictionaries of its own and finds them by `__getattr__`, which is not called."""
    torch = pytest.importorskip("torch")
    source = """class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer('pe', torch.zeros(1, 50, 4))
        self.inner = torch.nn.Linear(4, 2)
    def forward(self, x):
        return x + self.pe * self.inner.weight
Net()(torch.zeros(2, 64, 4))"""
    seen = {operand.text: operand.value for operand in expression_of(source, torch=torch).operands}
    assert seen["self.pe"].shape == (1, 50, 4)
    assert seen["self.inner.weight"].shape == (2, 4)
