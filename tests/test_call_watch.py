"""The last calls of the user's own functions: kept with arguments and results, off by default, those that fed a failure first."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlog.context import build
from agentlog.events import Value
from agentlog.hooks import calls
from agentlog.hooks.calls import EACH, CallWatch, as_value
from agentlog.store import Store

RULES = """
def validate_rating(confidence):
    return True

def discount(order, rate=0):
    return rate

def broken(n):
    raise ValueError(n)
"""
SHOP = """
import rules

def busy(n):
    return n + 1

def main():
    for n in range(500):
        busy(n)
    order = {"price": "x", "rating": 1.5}
    ok = rules.validate_rating(confidence=order["rating"])
    try:
        rules.broken(3)
    except ValueError:
        pass
    if ok:
        total = 10 / rules.discount(order)
    return total

main()
"""


@pytest.fixture
def watch() -> Iterator[CallWatch]:
    """Watches the functions of this test module."""
    made = calls.watch([__name__])
    yield made
    calls.stop()


def add(a: int, b: int = 2, *rest: int, **more: object) -> int:
    a += 1
    return a + b


def grow(rows: list[int]) -> None:
    rows.append(99)


def fails(n: int) -> int:
    raise ValueError(n)


def counted(n: int) -> Iterator[int]:
    yield n


class Loud:
    def __repr__(self) -> str:
        raise AssertionError("repr was called")


def takes(thing: object) -> object:
    return thing


class Lazy:
    """As frameworks write them: to ask it for its class is to fetch what it stands for."""

    fetched = 0

    @property
    def __class__(self) -> type:  # type: ignore[override]
        Lazy.fetched += 1
        return int


class Table:
    """Something large."""


def lets_go(table: Table) -> bool:
    """Is `table` gone once the function has let go of it?"""
    known = weakref.ref(table)
    del table
    return known() is None


def said(watch: CallWatch) -> list[tuple[str, dict[str, object], object]]:
    """(function, arguments, result) of what is kept, the latest first; small values as they are."""

    def plain(known: object) -> object:
        return (known.value if known.value is not None else known.type) if isinstance(known, Value) else known

    return [(one.function, {name: plain(known) for name, known in one.arguments}, plain(one.result)) for one in watch.calls()]


def test_arguments_as_they_were_and_results(watch: CallWatch) -> None:
    """What a function was given when it started, defaults and all, and what it returned; changes inside do not count."""
    add(1)
    rows = [1]
    grow(rows)
    kept = {name: (given, result) for name, given, result in said(watch)}
    assert kept["add"] == ({"a": 1, "b": 2, "rest": "tuple", "more": "dict"}, 4)
    assert kept["grow"][1] is None
    (before,) = [dict(one.arguments)["rows"] for one in watch.calls() if one.function == "grow"]
    assert as_value(before).length == 1


def test_a_call_that_raised_is_not_kept(watch: CallWatch) -> None:
    """It has no result; its place is not taken for another's."""
    for _ in range(3):
        with pytest.raises(ValueError):
            fails(3)
        add(1)
    assert {name for name, _, _ in said(watch)} == {"add"}


def test_hostile_values_and_generators(watch: CallWatch) -> None:
    """Nothing of the user's runs; a generator is no trouble."""
    takes(Loud())
    assert list(counted(3)) == [3]
    assert ("takes", {"thing": "Loud"}, "Loud") in said(watch)


def test_a_lazy_object_is_not_asked_for_its_class(watch: CallWatch) -> None:
    """That would fetch it, from a database maybe."""
    takes(Lazy())
    assert ("takes", {"thing": "Lazy"}, "Lazy") in said(watch)
    assert Lazy.fetched == 0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.setprofile itself keeps a function's arguments")
def test_arguments_live_no_longer_for_it(watch: CallWatch) -> None:
    """What a function lets go of is gone, though its arguments were looked at when it started."""
    gone = lets_go(Table())
    assert gone
    assert [name for name, _, _ in said(watch)] == ["lets_go"]


def test_a_busy_function_does_not_push_out_others(watch: CallWatch) -> None:
    """The last few of each are kept."""
    takes("once")
    for n in range(2_000):
        add(n)
    names = [name for name, _, _ in said(watch)]
    assert names.count("add") == EACH
    assert "takes" in names


def test_threads_are_watched_too(watch: CallWatch) -> None:
    """Calls of threads that begin while it watches."""
    thread = threading.Thread(target=add, args=(5,))
    thread.start()
    thread.join()
    assert ("add", {"a": 5, "b": 2, "rest": "tuple", "more": "dict"}, 8) in said(watch)


def test_it_stops_and_leaves_nothing(watch: CallWatch) -> None:
    """After stop nothing is added and no profiler is left."""
    calls.stop()
    add(1)
    assert watch.calls() == []
    assert sys.getprofile() is None
    if sys.version_info >= (3, 12):
        assert all(sys.monitoring.get_tool(number) != "agentlog" for number in range(6))


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sys.monitoring takes nobody's place")
@pytest.mark.usefixtures("expect_faults")
def test_another_profiler_stays() -> None:
    """Where one is at work, ours is not put in its place."""

    def theirs(*_: object) -> None:
        pass

    sys.setprofile(theirs)
    try:
        assert not calls.watch([__name__]).on
        assert sys.getprofile() is theirs
    finally:
        sys.setprofile(None)
        calls.stop()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str, str]]:
    """{asked for: (stderr, context)} of the program with and without AGENTLOG_CALLS."""
    folder = tmp_path_factory.mktemp("calls")
    (folder / "rules.py").write_text(RULES)
    (folder / "shop.py").write_text("import agentlog\nagentlog.enable(describe_ms=5000, evidence_ms=5000)\n" + SHOP)
    found = {}
    for asked in ("", "rules", "rules,__main__"):
        environment = {
            **os.environ,
            "AGENTLOG_DIR": str(folder / f"st{len(asked)}"),
            "AGENTLOG_CALLS": asked,
            "AGENTLOG": "false",
        }
        done = subprocess.run(
            [sys.executable, "shop.py"], cwd=folder, capture_output=True, text=True, timeout=120, env=environment
        )
        store = Store.open(environment["AGENTLOG_DIR"])
        found[asked] = (done.stdout, done.stderr, str(build(store)))
        store.close()
    return found


def test_the_context_says_what_fed_the_failure(shop: dict[str, tuple[str, str, str]]) -> None:
    """The failing expression's call, then the one behind the condition around it, then the latest others; only what was asked for."""
    context = shop["rules,__main__"][2]
    fed = context.index("discount(order=dict len 2 {price: 'x', rating: 1.5}, rate=0) returned 0")
    behind = context.index("validate_rating(confidence=1.5) returned True")
    assert fed < behind < context.index("busy(n=499) returned 500")
    assert "broken(" not in context.partition("evidence:")[2].partition("values:")[0]
    assert "validate_rating(confidence=1.5) returned True" in shop["rules"][2]
    assert "busy(n=499) returned" not in shop["rules"][2]
    assert " returned " not in shop[""][2]


def test_the_program_is_not_disturbed(shop: dict[str, tuple[str, str, str]]) -> None:
    """Output and traceback are the same with and without."""
    assert shop[""][:2] == shop["rules"][:2] == shop["rules,__main__"][:2]


def test_packages_are_named_whole(tmp_path: Path) -> None:
    """`a` is `a` and `a.b`, not `ab`; module code and lambdas are no functions of a name."""
    made = CallWatch(["a", " b "])
    assert made.packages == ("a", "b")

    class Frame:
        def __init__(self, name: str) -> None:
            self.f_globals = {"__name__": name}

    code = add.__code__
    assert [made._asked_for(Frame(name), code) for name in ("a", "a.b", "ab", "b", "c")] == [True, True, False, True, False]  # type: ignore[arg-type]
    assert not made._asked_for(Frame("a"), (lambda: 1).__code__)  # type: ignore[arg-type]
