"""Functions that were called for each element of something: which element it was, and how many are like it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

POOL = "import concurrent.futures as cf\ndef work(x): return 10 // x\nitems = [1, 2, 0]\nwith cf.ThreadPoolExecutor(1) as pool:\n    "
ROWS = "rows = [{'n': '1'}, {'n': '2'}, {'n': 'x'}, {'n': 'y'}]\n"
CASES = [
    (
        "def f(x): return 10 // x\nitems = [1, 2, 0, 4]\nlist(map(f, items))",
        [("items", "0 is element 2 of list of 4, called by map(f, items)")],
    ),
    (
        "def f(x): return 10 // x\nitems = [1, 2, 0, 4]\nlazy = map(f, items)\nfor y in lazy: pass",
        [("items", "0 is element 2 of list of 4, called by map(f, items)")],
    ),
    (
        "items = (1, 2, 0)\nsorted(filter(lambda x: 10 // x, items))",
        [("items", "0 is element 2 of tuple of 3, called by filter(lambda x: 10 // x, items)")],
    ),
    (f"{POOL}list(pool.map(work, items))", [("items", "0 is element 2 of list of 3, called by pool.map(work, items)")]),
    (
        f"{POOL}futures = [pool.submit(work, item) for item in items]\n    for one in cf.as_completed(futures): one.result()",
        [("items", "0 is element 2 of list of 3, called by pool.submit(work, item)")],
    ),
    (
        "def f(k, x): return k // x\nitems = [1, 2, 0]\n[1 + f(10, item) for item in items]",
        [("items", "0 is element 2 of list of 3, called by f(10, item)")],
    ),
    (
        "def f(x): return 10 // x\ndef work(items):\n    return sum(f(item) for item in items)\nwork([1, 2, 0])",
        [("items", "0 is element 2 of list of 3, called by f(item)")],
    ),
    (
        "import asyncio\nasync def f(x): return 10 // x\nitems = [1, 2, 0]\nasync def work():\n"
        "    await asyncio.gather(*(f(item) for item in items))\nasyncio.run(work())",
        [("items", "0 is element 2 of list of 3, called by f(item)")],
    ),
    (
        "def f(x): return 10 // x\nrows = [{'n': 1}, {'n': 0}]\nsum(f(row['n']) for row in rows)",
        [(None, "the loop `for row in rows`: row = dict of 1 is element 1 of list of 2")],
    ),
    (
        "def f(x): return 10 // x\nitems = [1, 2, 0]\nfor item in items:\n    f(item)",
        [(None, "the loop `for item in items`: item = 0 is element 2 of list of 3")],
    ),
    (
        f"def total():\n    {ROWS}    return sum(int(r['n']) for r in rows)\ntotal()",
        [
            (None, "the loop `for r in rows`: r = dict of 1 is element 2 of list of 4"),
            ("r['n']", "2 of the 4 in rows cannot be given to int(): 'x', 'y'"),
        ],
    ),
    (
        f"{ROWS}total = 0\nfor r in rows:\n    total += int(r['n'])",
        [("r['n']", "2 of the 4 in rows cannot be given to int(): 'x', 'y'")],
    ),
    (
        "pairs = [('a', '1'), ('b', ''), ('c', '2.5')]\nfor name, n in pairs:\n    int(n)",
        [("n", "2 of the 3 in pairs cannot be given to int(): '', '2.5'")],
    ),
    (
        "def f(t): return float(t) * 2\nitems = ['1', '2', 'x3', None]\nout = list(map(f, items))",
        [("t", "2 of the 4 in items cannot be given to float(): 'x3', None")],
    ),
]


@pytest.mark.parametrize(("source", "wanted"), CASES, ids=[case[0].strip().splitlines()[-1].strip()[:60] for case in CASES])
def test_facts(source: str, wanted: list[tuple[str | None, str]], crash: Callable, check: Callable) -> None:
    """The element and its position, also where nothing of a library is between, and the count of what would fail the same way."""
    check(crash(source), wanted)


def test_only_what_handed_the_function_on_is_named(crash: Callable, facts: Callable) -> None:
    """Another `map` of the same line did not call it."""
    source = "def f(x): return 10 // x\ndef g(x): return x\nitems, zeros = [1], [0]\nf(next(map(g, zeros)))"
    assert not facts(crash(source), "called_for_each")


def test_nothing_of_the_users_runs_again(crash: Callable, facts: Callable) -> None:
    """Elements that only the user's own code can take apart are not counted."""
    source = "class Row:\n    seen = 0\n    @property\n    def n(self):\n        Row.seen += 1\n        return 'x'\nrows = [Row(), Row()]\nfor r in rows:\n    int(r.n)"
    assert not facts(crash(source), "like_it")


def test_elements_converted_themselves_are_counted_once(crash: Callable, facts: Callable) -> None:
    """Where the loop's own elements are converted, what says what the list holds says it."""
    failure = crash("items = ['1', 'x', 'y']\nfor item in items:\n    int(item)")
    assert not facts(failure, "like_it")
    assert any("2 of them not numbers" in fact.text for fact in facts(failure))


def test_what_converts_is_not_compared(crash: Callable, facts: Callable) -> None:
    """A class of the user's may say by code of theirs what it equals."""
    asked: list[object] = []
    source = """
class Kind(type):
    def __eq__(cls, other):
        asked.append(other)
        return False
    __hash__ = type.__hash__

class Whole(int, metaclass=Kind):
    pass

[Whole(row) for row in ["1", "x"]]
"""
    failure = crash(source, asked=asked)
    assert failure.type == "ValueError"
    assert not facts(failure, "like_it")
    assert asked == []
