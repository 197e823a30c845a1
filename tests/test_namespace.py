"""The namespace watch: changes are found, nothing is invented, nothing of the user's is touched, the budget is kept."""

from __future__ import annotations

import builtins
import datetime
import fractions
import gc
import importlib.util
import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("IPython")

from mutations import MUTATIONS, UNCHANGED, Case
from mutations_unseen import UNSEEN, UNSEEN_UNCHANGED
from scripted import empty_shell
from zoo_of_hostile import Meta, calls, zoo

from agentlog.describe import NOT_LOOKED_AT
from agentlog.events import Change, NamespaceChanged
from agentlog.guard import strict
from agentlog.settings import Limits
from agentlog_ipy.fingerprints.outline import Outline, outline
from agentlog_ipy.namespace import NamespaceWatch

ROOMY = Limits(namespace_ms=5000)
"""A loaded machine must not decide what a test sees."""


class Session:
    """A shell with a watch around each cell."""

    def __init__(self, limits: Limits = ROOMY) -> None:
        self.shell = empty_shell()
        self.watch = NamespaceWatch(self.shell, limits)
        self.number = 0

    def run(self, source: str) -> NamespaceChanged:
        self.number += 1
        with strict():
            self.watch.before(source)
            result = self.shell.run_cell(source, store_history=False)
            return self.watch.after(source, f"e{self.number}", ok=result.success)

    def kinds(self, source: str) -> dict[str, str]:
        return {change.name: change.kind for change in self.run(source).changes}


def needs(library: str) -> None:
    if library and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")


def identity(case: Case) -> str:
    return f"{case[0]}:{case[2]}".replace(" ", "_")[:60]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [*MUTATIONS, *UNSEEN], ids=identity)
def test_a_change_in_place_is_found(case: Case, capsys: Any) -> None:
    """Every name that stands for the changed object is told as changed, or as unknown with what was looked at."""
    library, setup, cell, names = case
    needs(library)
    session = Session()
    session.run(setup)
    changes = {change.name: change for change in session.run(cell).changes}
    for name in names.split():
        assert name in changes, f"{name} was not noticed among {sorted(changes)}"
        assert changes[name].kind in ("mutated", "rebound", "unknown"), changes[name]
        assert changes[name].kind != "unknown" or changes[name].how


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [*UNCHANGED, *UNSEEN_UNCHANGED], ids=identity)
def test_nothing_is_invented(case: Case, capsys: Any) -> None:
    """A cell that changes nothing in place is told so."""
    library, setup, cell, _ = case
    needs(library)
    session = Session()
    before = session.kinds(setup).keys()
    changes = session.run(cell).changes
    assert [c for c in changes if c.kind in ("mutated", "unknown") or (c.name in before and c.kind != "made")] == []


def test_rows_written_through_a_connection() -> None:
    """A connection to SQLite says how many rows it changed."""
    session = Session()
    session.run("import sqlite3\ncon = sqlite3.connect(':memory:')\ncursor = con.execute('create table t(a)')")
    assert session.kinds("cursor = con.execute('insert into t values (1)')")["con"] == "mutated"
    assert "con" not in session.kinds("rows = con.execute('select * from t').fetchall()")
    session.run("con.close()")


@pytest.mark.filterwarnings("ignore")
def test_settings_of_libraries_are_told_by_value(capsys: Any) -> None:
    """Those that a cell sets, when they are set and when they are back at their default; not in cells that mention none."""
    pytest.importorskip("pandas")
    session = Session()
    session.run("import numpy as np, pandas as pd, decimal, warnings, sys")
    assert session.run("pd.set_option('display.max_rows', 7)").surroundings["option:pandas display.max_rows"] == "7"
    assert session.run("x = pd.DataFrame()").surroundings == {}
    assert session.run("pd.reset_option('display.max_rows')").surroundings["option:pandas display.max_rows"] == "default"
    assert session.run("old = np.seterr(all='raise')").surroundings["option:numpy errors.divide"] == "raise"
    session.run("_ = np.seterr(**old)")
    assert session.run("decimal.getcontext().prec = 5").surroundings == {"option:decimal precision": "5"}
    session.run("decimal.getcontext().prec = decimal.DefaultContext.prec")
    filters = session.run("with warnings.catch_warnings():\n    pass\nwarnings.filterwarnings('ignore', message='never')")
    session.run("warnings.filters.pop(0); warnings.resetwarnings")
    assert "option:warnings filters" in filters.surroundings
    assert "option:sys path" in session.run("sys.path.insert(0, '/nowhere')").surroundings
    session.run("sys.path.remove('/nowhere')")


def test_the_battery_is_large_enough() -> None:
    """At least 80 changes and 25 cells without one; how many are unknown is reported by the benchmark."""
    assert len(MUTATIONS) >= 80
    assert len(UNCHANGED) >= 25


@pytest.mark.filterwarnings("ignore")
def test_cells_run_as_they_would_without_the_watch(capsys: Any) -> None:
    """The values after each pair of cells are those that plain execution gives."""
    for library, setup, cell, names in (*MUTATIONS, *UNCHANGED, *UNSEEN, *UNSEEN_UNCHANGED):
        if library or "%" in cell or "get_ipython" in cell:
            continue
        session, plain = Session(), {"__name__": "__main__"}
        session.run(setup)
        session.run(cell)
        exec(f"import random; random.seed(1)\n{setup}", plain)
        if "random" not in cell:
            exec(cell, plain)
            for name in names.split():
                assert type(session.shell.user_ns[name]).__name__ == type(plain[name]).__name__
                if type(plain[name]) in (list, dict, set, tuple, bytearray):
                    assert repr(session.shell.user_ns[name]) == repr(plain[name]) or " at 0x" in repr(plain[name]), cell


def test_made_rebound_deleted() -> None:
    """What is bound anew, bound to something else, and unbound."""
    session = Session()
    assert session.kinds("a = [1]; b = 2") == {"a": "made", "b": "made"}
    assert session.kinds("a = [1]; b = 3") == {"a": "rebound", "b": "rebound"}
    assert session.kinds("b = 3") == {}
    assert session.kinds("del a") == {"a": "deleted"}
    assert session.kinds("from math import *") != {}
    assert session.kinds("def f(): pass\nclass C: pass\nimport os") == {"f": "made", "C": "made", "os": "made"}
    assert session.kinds("_private = [1]") == {"_private": "made"}


def test_facts_before_and_after_are_told_not_values() -> None:
    """A change carries the form of the object before and after."""
    pytest.importorskip("pandas")
    session = Session()
    session.run("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})")
    (change,) = session.run("df.drop(columns='b', inplace=True)" if _pandas() < 3 else "del df['b']").changes
    assert change.old is not None
    assert change.new is not None
    assert [c.name for c in change.old.columns] == ["a", "b"]
    assert [c.name for c in change.new.columns] == ["a"]
    assert not change.new.head


def _pandas() -> int:
    import pandas

    return int(pandas.__version__.split(".")[0])


def test_versions_name_the_last_writer_of_each_input() -> None:
    """The inputs of a cell, those of the functions it calls included, with the execution that last wrote each."""
    session = Session()
    session.run("a = 1")
    session.run("b = []")
    session.run("def f(): return b[0] + a")
    session.run("b.append(5)")
    changed = session.run("c = f()")
    assert changed.versions == {"f": "e3", "b": "e4", "a": "e1"}
    assert set(changed.lazy) == {"a", "b"}
    assert changed.reads == ("f",)


def test_what_nobody_suspects_is_found_in_its_turn() -> None:
    """A callback that fires between cells: found by the rotation, with the interval it may have happened in."""
    session = Session()
    session.run("import threading\ngo, done = threading.Event(), threading.Event()\nshared = [1]")
    session.run(
        "def work():\n    go.wait(60)\n    shared.append(2)\n    done.set()\nt = threading.Thread(target=work)\nt.start()"
    )
    session.watch.rotate(1000)
    session.shell.user_ns["go"].set()
    assert session.shell.user_ns["done"].wait(60)
    found = session.watch.rotate(1000)
    assert found is not None
    change = next(change for change in found.changes if change.name == "shared")
    assert change.kind == "mutated"
    assert change.since is not None
    session.shell.user_ns["t"].join(60)


def test_over_budget_is_never_silently_unchanged() -> None:
    """An object too large for the time: changed by its source where that says so, else unknown with what was looked at."""
    np = pytest.importorskip("numpy")
    session = Session(Limits(namespace_ms=1.5))
    session.shell.user_ns["np"] = np
    session.run("huge = np.zeros(60_000_000)")
    by_source = {change.name: change for change in session.run("huge[50_000_000] = 1").changes}
    assert (by_source["huge"].kind, by_source["huge"].how) == ("mutated", "source")
    session.run("def touch(x):\n    x[50_000_001] += 1")
    unknown = {change.name: change for change in session.run("touch(huge)").changes}
    assert unknown["huge"].kind in ("unknown", "mutated")
    assert unknown["huge"].how


def test_the_budget_is_kept_with_gigabytes_in_memory() -> None:
    """Looking takes the time allowed and one piece more, not the time the objects would need."""
    np = pytest.importorskip("numpy")
    session = Session(Limits(namespace_ms=10))
    session.shell.user_ns["np"] = np
    session.run("a = np.zeros(60_000_000); l = list(range(300_000)); many = {i: [i] for i in range(100_000)}")
    times = []
    for _ in range(5):
        start = time.thread_time()
        session.watch.before("exec('a[5] += 1; l[7] += 1')")
        session.watch.after("exec('a[5] += 1; l[7] += 1')", "x")
        times.append(time.thread_time() - start)
    assert min(times) < 0.2


def test_thousands_of_names_at_once() -> None:
    """When the time is over, names made by one cell are told by their type; of those that could not be compared, so many."""
    session = Session(Limits(namespace_ms=0.01))
    made = session.run("for i in range(3000): globals()[f'v{i}'] = [i]").changes
    late = [change.new for change in made if change.new is not None and change.new.cut == NOT_LOOKED_AT]
    assert len(made) == 3001
    assert {value.type for value in late} == {"list"}
    assert len(late) > 2000
    changed = session.run("exec('v7.append(1)')")
    assert 0 < sum(change.kind == "unknown" for change in changed.changes) <= 200
    assert not changed.complete


def test_long_containers_are_read_in_pieces() -> None:
    """Sets, deques and dicts of millions are neither copied nor read at once, nor beyond where it takes long to get to."""
    for made in (set(range(1_100_000)), deque(range(1_100_000)), dict.fromkeys(range(600_000))):
        one = outline(made)
        assert one.chunks() == 512
        assert not one.complete
        pieces = list(one.pieces())
        assert pieces[3][0].digest(3) == list(outline(made).pieces())[3][0].digest(3)


def test_a_container_that_a_thread_changes_is_not_told_as_the_same() -> None:
    """A piece that cannot be read ends the look."""
    session = Session()
    session.run("d = {i: i for i in range(40_000)}")
    state, held = session.watch._states["d"], session.shell.user_ns["d"]
    state.measure(held, float("inf"))
    one = outline(held)
    broken = Outline(one.structure, [Broken()], complete=True)
    state.total = 1
    assert state._look_at_pieces(broken, float("inf")) == "partly"


class Broken:
    """A leaf that a thread changes while it is read."""

    chunks = 1

    def digest(self, chunk: int) -> int:
        raise RuntimeError("dictionary changed size during iteration")


def test_no_object_is_kept_alive() -> None:
    """What the user drops is gone, also after it was looked at in full."""
    session = Session()
    session.run("class Big: pass\nbig = Big(); big.data = [bytearray(1000)]\nbox = [big]")
    session.run("box.append(1); big.more = 1")
    session.watch.rotate(100)
    gone = weakref.ref(session.shell.user_ns["big"])
    session.run("del big, box")
    session.shell.user_ns.pop("_", None)
    gc.collect()
    assert gone() is None


def test_no_code_of_the_users_runs() -> None:
    """Comparisons, hashes, lengths, representations and attribute hooks of the user's are never called."""
    session = Session()
    session.run(
        "calls = []\n"
        "class Meta(type):\n    def __hash__(cls): calls.append('meta hash'); return 1\n    def __eq__(cls, o): calls.append('meta eq'); return cls is o\n"
        "class Hostile(metaclass=Meta):\n"
        "    def __init__(self): object.__setattr__(self, 'x', 1)\n"
        + "".join(
            f"    def {name}(self, *a): calls.append({name!r}); return {value}\n"
            for name, value in (
                ("__eq__", "True"), ("__hash__", "1"), ("__len__", "1"), ("__bool__", "True"), ("__repr__", "'r'"), ("__iter__", "iter([])"),
                ("__getattr__", "None"), ("__reduce_ex__", "(int, ())"), ("__sizeof__", "1"), ("__array__", "None"), ("__index__", "1"),
            )
        )
        + "    @property\n    def p(self): calls.append('property'); return 1\n"
        "    def __getattribute__(self, n): calls.append(n) if n != '__class__' else None; return object.__getattribute__(self, n)\n"
        "h = Hostile(); box = [h, (h,)]; keyed = {'k': h}; calls.clear()"
    )  # fmt: skip
    session.run("object.__setattr__(box[0], 'x', 2)")
    session.watch.rotate(1000)
    assert session.shell.user_ns["calls"] == []


@pytest.mark.parametrize("name", sorted(zoo()))
def test_no_code_of_a_hostile_object_runs(name: str) -> None:
    """Neither its special methods nor its metaclass, while it is watched around cells that use, hold and change it."""
    session = Session()
    session.shell.user_ns["animal"] = zoo()[name]
    session.shell.user_ns["held"] = [zoo()[name], {"k": zoo()[name]}]
    calls.clear()
    Meta.armed = True
    try:
        for number, source in enumerate(("animal.x = held", "held.append(animal)", "use(animal, held)", "exec('held')")):
            session.watch.before(source)
            session.watch.after(source, f"e{number}")
        session.watch.rotate(1000)
    finally:
        Meta.armed = False
    ran = list(calls)
    assert ran == []


def _of_the_users(kind: str) -> Any:
    """A value of a library or of Python's own that holds a hostile object, or counts in it."""
    zone, other = zoo()["zoned"].tzinfo, zoo()["object"]  # type: ignore[attr-defined]
    if kind == "slice":
        return slice(other, None)
    if kind == "time":
        return datetime.time(1, tzinfo=zone)
    if kind == "count":
        return itertools.count(fractions.Fraction(1), other)  # type: ignore[call-overload]
    pd = pytest.importorskip("pandas")
    moment = pd.Timestamp(datetime.datetime(2020, 1, 1, tzinfo=_Zone()))
    if kind == "interval":
        return pd.Interval(moment, moment)
    return {"moment": moment, "moments": pd.Series([moment]), "labelled": pd.RangeIndex(3, name=_Zone())}[kind]


class _Zone(datetime.tzinfo):
    """A zone that pandas can make moments of, and that notices whoever asks it."""

    def utcoffset(self, moment: datetime.datetime | None) -> datetime.timedelta:
        calls.append("utcoffset")
        return datetime.timedelta(0)

    def dst(self, moment: datetime.datetime | None) -> None:
        return None

    def __str__(self) -> str:
        calls.append("__str__")
        return "zone"

    __repr__ = __str__


@pytest.mark.parametrize("kind", ["slice", "time", "count", "moment", "interval", "moments", "labelled"])
def test_what_the_users_objects_are_held_by_does_not_ask_them(kind: str) -> None:
    """Texts of slices, moments, counters and labels ask the objects they are made of: they are never made."""
    value = _of_the_users(kind)
    calls.clear()
    outline(value)
    outline([value])
    ran = list(calls)
    assert ran == []


def test_a_namespace_of_exec_is_told_without_the_interpreters_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a library keeps among them (Cython does) cannot be looked into; the namespace can."""
    monkeypatch.setattr(builtins, "kept_by_a_library", datetime.datetime_CAPI, raising=False)  # type: ignore[attr-defined]
    session = Session()
    session.run("names = {}\nexec('x = [1]', names)")
    assert session.kinds("eval('len(names)')") == {}
    assert session.kinds("exec('x.append(2)', names)") == {"names": "mutated"}


def test_the_variables_of_a_generator_are_not_kept() -> None:
    """What a generator lets go of is gone, though its variables were looked at while it stood still."""

    class Large:
        pass

    def made() -> Iterator[object]:
        large = Large()
        yield weakref.ref(large)
        del large
        yield None

    running = made()
    alive: Any = next(running)
    outline(running)
    next(running)
    gc.collect()
    assert alive() is None


def test_a_namespace_that_threads_change_is_survived() -> None:
    """Names that come and go while the watch looks."""
    session = Session()
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            session.shell.user_ns[f"t{number % 50}"] = [number]
            session.shell.user_ns.pop(f"t{(number + 25) % 50}", None)
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(30):
            assert isinstance(session.run("x = [1]"), NamespaceChanged)
    finally:
        stop.set()
        thread.join()


def test_after_without_before() -> None:
    """The cell that loads the extension has no beginning; blank cells have none either."""
    session = Session()
    session.shell.user_ns["made"] = [1]
    changed = session.watch.after("", "e1")
    assert changed.changes == (Change("made", "made", None, changed.changes[0].new),)


def test_surroundings_of_a_cell(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files it names, whether read or written; variables of the environment by hash; draws from random generators."""
    path = tmp_path / "data.csv"
    path.write_text("a\n1\n")
    monkeypatch.setenv("SOME_SETTING", "very secret")
    session = Session()
    first = session.run("import random, pathlib")
    assert "env:SOME_SETTING" in first.surroundings
    assert "very secret" not in str(first)
    read = session.run(f"text = pathlib.Path({str(path)!r}).read_text()")
    assert f"file:{path}" in read.surroundings
    folder = session.run(f"folder = {str(tmp_path)!r}\ntext = pathlib.Path(f'{{folder}}/data.csv').read_text()")
    assert f"file:{path}" in folder.surroundings
    session.run(f"def load():\n    return pathlib.Path({str(path)!r}).read_text()")
    assert f"file:{path}" in session.run("load()").surroundings
    assert "random:python" in session.run("random.random()").surroundings
    assert session.run("x = 1").surroundings == {}
