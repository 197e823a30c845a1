"""A failure is described without running any code of the objects that are around, whatever failed."""

from __future__ import annotations

import collections
import datetime
import json
import os
import warnings
from typing import Any

import pytest
from zoo_of_hostile import Meta, calls, zoo

from agentlog.events import Failure
from agentlog.frames import failure_of
from agentlog.settings import Limits
from agentlog.stack import CellSource

numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
PATIENT = Limits(describe_ms=60_000, evidence_ms=60_000)
STATEMENTS = """
{}["missing"]
f(x)
x(1)
d[x]
x["k"]
x.attr
x.plain.deep
a, b = x
for i in x: pass
int(x)
x == 1; {}[1]
assert x == y
assert x in rows
assert (x, 1) == (2, 1)
numpy.array([1, 2]) + x
x @ y
{1: x}["a"]
os.stat(x)
json.dumps(x)
raise ValueError(x)
raise ValueError([*range(200), x])
raise OSError(2, "x", x)
"%d %s" % (x, x)
x.y = 1
x[0] = 1
sorted([x, 1])
table[x]
table.loc[x]
table.merge(x)
pandas.Series([x]).apply(f)
pandas.Series(map(f, [x]))
pandas.DataFrame({"a": [x, 1]}).a.astype(float)
pandas.to_numeric(pandas.Series([x, "1"]))
pandas.to_datetime(x)
missing_name
x.missing_name(y)
f(*x)
rows.index(x)
rows[0][1]
ordered[x]
getattr(x, "abc")
isinstance(1, x)
raise x
type(x).zz
numpy.array([x], dtype=object).sum()
float(d["k"])
datetime.datetime(2020, 1, 1) < x
""".strip().splitlines()


class Holder:
    """Something with an attribute."""


def f(a: object) -> None:
    raise ValueError("no")


def world(x: object) -> dict[str, Any]:
    holder = Holder()
    holder.v = x  # type: ignore[attr-defined]
    table = pandas.DataFrame({"a": [1]}, index=pandas.Index([1], name="x"))
    return {
        "x": x, "y": 1, "o": holder, "rows": [x, 1], "d": {"k": x}, "ordered": collections.OrderedDict(k=x), "f": f, "table": table,
        "numpy": numpy, "pandas": pandas, "json": json, "datetime": datetime, "os": os,
    }  # fmt: skip


def described(statement: str, names: dict[str, Any]) -> Failure | None:
    """The failure of `statement` in a function of a cell, with the whole zoo armed while it is described."""
    source = f"def run({', '.join(names)}):\n    {statement}\nrun({', '.join(names)})\n"
    try:
        exec(compile(source, "<cell>", "exec"), space := {"__name__": "__main__", **names})
    except BaseException as error:
        calls.clear()
        Meta.armed = True
        cell = CellSource("e1", 1, source)
        try:
            return failure_of(error, cell_of=lambda file: cell if file == "<cell>" else None, namespace=space, limits=PATIENT)
        finally:
            Meta.armed = False
    return None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pandas drops what the statement itself raised
@pytest.mark.parametrize("name", sorted(zoo()))
def test_no_code_of_the_users_is_run(name: str) -> None:
    """As a local, an operand, an argument, a key, a label, an element, in the exception: nothing is asked."""
    ran = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for statement in STATEMENTS:
            failure = described(statement, world(zoo()[name]))
            assert failure is None or failure.frames, statement
            if failure is not None and calls:
                ran[statement] = list(calls)
    assert ran == {}


def test_the_element_is_told_where_the_series_was_still_being_made() -> None:
    """Such a series has no data yet, and would ask itself for it without end."""
    failure = described("pandas.Series(map(f, ['1', 'x']))", world(1))
    assert failure is not None
    assert [evidence.collector for evidence in failure.evidence] != []


class Comparable(type):
    """A class of it cannot be hashed: Python takes the hash away where equality is defined."""

    def __eq__(cls, other: object) -> bool:
        return cls is other


def test_an_object_whose_class_cannot_be_hashed_costs_nothing() -> None:
    """The failure is described as any other."""
    failure = described("{}['missing']", {"x": Comparable("Odd", (), {})(), "total": 3})
    assert failure is not None
    assert failure.expression is not None
    assert {name: value.type for name, value in failure.frames[-1].locals.items()} == {"x": "Odd", "total": "int"}
