"""Builtin and standard library values as plain data."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import dataclasses
import datetime
import decimal
import enum
import functools
import gc
import io
import json
import pathlib
import re
import sqlite3
import sys
import threading
import time
import types
import uuid
import weakref
import zoneinfo
from fractions import Fraction

import pytest

from agentlog.describe import NOT_LOOKED_AT, describe, describe_names, schema
from agentlog.events import Value, plain, value_from_plain
from agentlog.settings import Limits


def forever() -> float:
    return time.perf_counter() + 600


def look(value: object, **options) -> Value:
    """Described with time enough, and proved to survive the store."""
    described = describe(value, deadline=forever(), **options)
    assert value_from_plain(json.loads(json.dumps(plain(described), allow_nan=False))) == described
    return described


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (1, "int", 1), (True, "bool", True), (None, "NoneType", None), (1.5, "float", 1.5), (2j, "complex", "2j"), ("é", "str", "é"),
        (float("nan"), "float", "nan"), (float("-inf"), "float", "-inf"), (b"ab", "bytes", "b'ab'"), (2**70, "int", str(2**70)),
        (-(2**63), "int", -(2**63)), (10**4000, "int", "1.0000e+4000 (13288 bits)"), (range(0, 9, 2), "range", "range(0, 9, 2)"),
        (slice(1, None), "slice", "slice(1, None, None)"), (datetime.date(2020, 1, 2), "date", "2020-01-02"),
        (datetime.datetime(2020, 1, 2, 3, 4), "datetime", "2020-01-02T03:04:00"), (datetime.timedelta(days=2), "timedelta", "2 days, 0:00:00"),
        (datetime.timezone.utc, "timezone", "UTC"), (datetime.timezone(datetime.timedelta(hours=2)), "timezone", "UTC+02:00"),
        (zoneinfo.ZoneInfo("Europe/Berlin"), "ZoneInfo", "Europe/Berlin"),
        (decimal.Decimal("1.50"), "Decimal", "1.50"), (Fraction(1, 3), "Fraction", "1/3"),
        (uuid.UUID(int=5), "UUID", "00000000-0000-0000-0000-000000000005"), (pathlib.PurePosixPath("/a/b.c"), "PurePosixPath", "/a/b.c"),
        (pathlib.PurePosixPath("a") / "b", "PurePosixPath", "a/b"), (pathlib.PurePosixPath(), "PurePosixPath", "."),
        (re.compile("a(b)"), "Pattern", "a(b)"), (re.match("a(b)", "ab"), "Match", "'ab'"), (memoryview(b"ab"), "memoryview", "b'ab'"),
        ("\ud800", "str", "\\ud800"), (KeyError("age"), "KeyError", "age"), (len, "builtin_function_or_method", "len(obj, /)"),
        (types, "module", "types"),
    ],
)  # fmt: skip
def test_small_values(value, kind, told):
    """One value stands for the object, and JSON can carry it."""
    described = look(value)
    assert (described.type, described.value) == (kind, told)


def test_long_text_keeps_beginning_end_and_length():
    """A cut says how much is missing."""
    described = look("a" * 5_000 + "z" * 5_000, limits=Limits(text_chars=1_000))
    assert described.length == 10_000
    assert described.value.startswith("aaa")
    assert described.value.endswith("zzz")
    assert len(described.value) <= 1_001
    assert described.cut == "9000 of 10000 characters after the first 800"


def test_a_list_shows_the_first_the_last_and_what_it_is_of():
    """Of a long list of one kind."""
    described = look(list(range(1000)))
    assert described.length == 1000
    assert [item.value for item in described.items] == [*range(23), 999]
    assert described.facts["of"] == "int"
    assert described.cut == "976 of 1000 items before the last"


def test_a_mixed_list_tells_its_kinds():
    """The odd ones among many are often the reason."""
    assert look([1] * 90 + ["x"] * 10).facts["of"] == "int 90, str 10"


def test_a_dict_tells_its_keys_first():
    """Values of the first, names of the next, number of the rest."""
    described = look({f"k{i}": i for i in range(1000)})
    assert list(described.entries)[:2] == ["k0", "k1"]
    assert described.facts["more keys"].startswith("k24, k25")
    assert described.facts["more keys"].endswith("… 936 more")
    assert described.cut == "976 of 1000 entries"


def test_keys_of_any_kind_read_as_code():
    """A text that reads like a number is quoted; two keys that read alike keep both entries."""
    described = look({1: "a", "1": "b", (1, "x"): "c", None: "d", "(1, 'x')": "e"})
    assert list(described.entries) == ["1", "'1'", "(1, 'x')", "None", "(1, 'x') #2"]


def test_cycles_end():
    """A structure that holds itself."""
    ring: list[object] = [1]
    ring.append({"ring": ring})
    assert look(ring).items[1].entries["ring"].cut == "cycle: shown above"


def test_an_object_shown_twice_is_no_cycle():
    """Only ancestors count."""
    shared = [1]
    assert all(item.items for item in look([shared, shared]).items)


def nodes(value: Value) -> int:
    return 1 + sum(nodes(part) for part in (*value.entries.values(), *value.items, *value.attributes.values()))


def test_nesting_stays_small():
    """However wide and deep, a description has a bounded number of parts, and the last branch is seen like the first."""
    wide = [[[[list(range(50)) for _ in range(50)] for _ in range(50)] for _ in range(5)] for _ in range(20)]
    described = look(wide)
    assert nodes(described) <= 361
    assert len(json.dumps(plain(described))) < 40_000
    assert described.items[-1].items


def test_depth_is_the_callers():
    """depth=0 shows the value alone."""
    assert look([[1]], depth=0).items == ()
    assert look([[1]], depth=1).items[0].items == ()
    assert look([[1]], depth=2).items[0].items[0].value == 1


def test_endless_recursion_of_containers_is_no_danger():
    """A list nested ten thousand deep."""
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    assert nodes(look(deep)) < 10


@dataclasses.dataclass
class Order:
    number: int
    lines: list[str]
    _hidden: int = 0


class Plain:
    def __init__(self) -> None:
        self._private = 1
        self.name = "x"

    @property
    def total(self) -> int:
        raise AssertionError("a property was asked")

    def method(self, x: int, *rest: int, flag: bool = True) -> None: ...


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


def test_objects_tell_what_they_hold():
    """Public attributes first; properties are not asked."""
    assert list(look(Order(1, ["a"])).attributes) == ["number", "lines", "_hidden"]
    assert look(Order(1, ["a"])).facts == {"kind": "dataclass"}
    assert list(look(Plain()).attributes) == ["name", "_private"]
    assert look(types.SimpleNamespace(a=1)).attributes["a"].value == 1


def test_attrs_and_pydantic_models():
    """By the attributes they hold."""
    attrs = pytest.importorskip("attrs")
    pydantic = pytest.importorskip("pydantic")
    made = attrs.make_class("Made", ["x"])(3)
    assert (look(made).attributes["x"].value, look(made).facts) == (3, {"kind": "attrs"})
    model = pydantic.create_model("Model", y=(int, 4))()
    assert (look(model).attributes["y"].value, look(model).facts) == (4, {"kind": "pydantic"})


def test_enums_and_classes():
    """A member by name and value; classes by what they offer."""
    assert (look(Colour.RED).value, look(Colour.RED).attributes["value"].value) == ("RED", 1)
    assert look(Colour).facts["members"] == "RED, BLUE"
    flags = enum.Flag("Flags", "READ WRITE")
    assert look(flags.READ | flags.WRITE).attributes["value"].value == 3
    assert look(Order).facts["fields"] == "number, lines, _hidden"
    described = look(Plain)
    assert (described.value, described.facts["init"], described.facts["methods"]) == ("Plain", "(self)", "method")


def test_named_tuples_and_standard_containers():
    """Fields by name; factories; order."""
    point = collections.namedtuple("Point", "x y")(1, 2)
    assert {name: value.value for name, value in look(point).attributes.items()} == {"x": 1, "y": 2}
    assert look(collections.defaultdict(list, a=1)).facts["default"] == "list"
    assert [item.value for item in look(collections.deque([1, 2])).items] == [1, 2]
    assert list(look(collections.OrderedDict(b=1, a=2)).entries) == ["b", "a"]
    assert look(types.MappingProxyType({"a": 1})).entries["a"].value == 1
    assert look({"a": 1}.items()).length == 1


def test_functions_tell_signature_place_and_closure():
    """From the code object."""

    def outer(a, /, b=2, *rest, c, d=(1,), **more):
        def inner():
            return a, b

        return inner

    described = look(outer)
    assert described.value.endswith("outer(a, /, b=2, *rest, c, d=(1,), **more)")
    assert described.facts["at"] == f"{__file__}:{outer.__code__.co_firstlineno}"
    assert {name: value.value for name, value in look(outer(1, c=1)).attributes.items()} == {"a": 1, "b": 2}
    assert look(Plain().method).value == "Plain.method(self, x, *rest, flag=True)"
    assert look(Plain().method).facts["self"] == "Plain"
    assert look(functools.partial(outer, 1)).attributes["args"].items[0].value == 1


def test_decorated_functions_name_what_they_wrap():
    """The signature that runs, and the one that was meant."""

    def real(x, y):
        return x

    @functools.wraps(real)
    def wrapper(*args, **kwargs):
        return real(*args, **kwargs)

    assert look(wrapper).facts["wraps"].endswith("real(x, y)")


def test_generators_and_coroutines_are_not_moved():
    """State and line; what they would give next is still to come."""

    def numbers():
        yield 1
        yield 2

    running = numbers()
    assert look(running).facts["state"] == "not started"
    assert next(running) == 1
    assert look(running).facts == {"state": "suspended", "at": f"{__file__}:{numbers.__code__.co_firstlineno + 1}"}
    assert list(running) == [2]
    assert look(running).facts["state"] == "finished"

    async def work():
        await asyncio.sleep(0)

    coroutine = work()
    assert look(coroutine).facts["state"] == "not started"
    coroutine.close()


def test_tasks_tell_their_state():
    """Inside a running loop."""

    async def main() -> Value:
        task = asyncio.ensure_future(asyncio.sleep(0))
        task.set_name("nap")
        described = look(task)
        await task
        assert look(task).value == "FINISHED"
        return described

    described = asyncio.run(main())
    assert (described.value, described.facts) == ("PENDING", {"name": "nap", "coroutine": "sleep"})


def test_iterators_are_not_consumed():
    """What is left is told where the interpreter knows it."""
    iterator = iter([1, 2, 3])
    next(iterator)
    assert (look(iterator).facts, look(iterator).cut) == ({"left": 2}, "its items were not read")
    assert list(iterator) == [2, 3]
    pairs = zip([1], [2], strict=True)
    assert look(pairs).cut == "its items were not read"
    assert list(pairs) == [(1, 2)]


def test_locks_files_and_buffers(tmp_path):
    """State without touching it."""
    lock = threading.Lock()
    assert look(lock).value == "unlocked"
    with lock:
        assert look(lock).value == "locked"
    recursive = threading.RLock()
    with recursive:
        assert look(recursive).value == "locked"
    path = tmp_path / "file.txt"
    with path.open("w") as file:
        described = look(file)
        assert (described.value, described.facts["mode"], described.facts["closed"]) == (str(path), "w", False)
    assert look(file).facts["closed"] is True
    with path.open("rb") as file:
        assert look(file).facts["mode"] == "rb"
    assert look(io.StringIO("abc")).facts == {"closed": False, "position": 0}


def test_futures_of_pools():
    """What a future gave or raised, nothing of its locks."""
    given, raised, waiting = (concurrent.futures.Future() for _ in range(3))
    given.set_result(10)
    raised.set_exception(ValueError("bad"))
    assert (look(given).value, dict(look(given).facts)) == ("FINISHED", {"gave": "10"})
    assert (look(raised).value, dict(look(raised).facts)) == ("FINISHED", {"raised": "ValueError"})
    assert (look(waiting).value, dict(look(waiting).facts)) == ("PENDING", {})
    assert not look(given).attributes


def test_sqlite_connections_and_cursors():
    """Open or closed; columns of a result, none of its rows taken."""
    connection = sqlite3.connect(":memory:")
    cursor = connection.execute("select 1 as one, 2 as two")
    assert look(cursor).facts["columns"] == "one, two"
    assert cursor.fetchall() == [(1, 2)]
    assert look(connection).value == "open"
    cursor.close()
    connection.close()
    assert look(connection).value == "closed"


def test_exceptions_tell_message_cause_and_file():
    """Without `str()` of a class of the user's."""
    try:
        try:
            pathlib.Path("/no/such/file").read_text()
        except OSError as inner:
            raise ValueError("bad config", 3) from inner
    except ValueError as error:
        described = look(error)
    assert described.value == "'bad config', 3"
    assert described.facts["cause"] == "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/file'"


def test_nothing_is_kept_alive():
    """After describing, the object goes when its owner lets go."""
    kept = Plain()
    gone = weakref.ref(kept)
    described = describe_names({"x": kept, "deep": [kept]})
    del kept
    gc.collect()
    assert gone() is None
    assert described["x"].type == "Plain"


def test_the_value_is_not_changed():
    """Nothing is cached on it."""
    path = pathlib.PurePosixPath("/a") / "b"

    def filled() -> set[str]:
        return {name for cls in type(path).__mro__ for name in getattr(cls, "__slots__", ()) if hasattr(path, name)}

    before = filled()
    look(path)
    assert filled() == before


def test_a_passed_deadline_still_tells_the_type_and_never_raises():
    """Children are left out and say so."""
    described = describe([[1], 2], deadline=time.perf_counter() - 1)
    assert described.length == 2
    assert described.items[0].cut == NOT_LOOKED_AT


def test_names_keep_their_order_and_say_what_was_not_looked_at():
    """The cheap ones come first; the rest keep type and schema."""
    names = {"frame": {"a": 1}, "x": 1, "text": "t"}
    assert list(describe_names(names, deadline=forever())) == ["frame", "x", "text"]
    late = describe_names(names | {f"n{i}": [i] for i in range(50)}, deadline=time.perf_counter() - 1)
    assert {value.cut for name, value in late.items() if name not in ("x", "text")} == {NOT_LOOKED_AT}
    assert (late["x"].value, late["text"].value) == (1, "t"), "what costs nothing is told also when the time is over"
    assert late["frame"].length == 1
    assert late["n49"].type == "list"


def test_schema_is_short():
    """No items, no attributes; scalars keep their value, text its beginning."""
    assert schema([1, 2]) == Value(type="list", length=2)
    assert schema({"a": 1}) == Value(type="dict", length=1)
    assert schema(5) == Value(type="int", value=5)
    assert schema("x" * 1000).length == 1000
    assert len(schema("x" * 1000).value) < 100
    assert schema(Order(1, [])).attributes == {}


def test_containers_that_change_meanwhile_do_no_harm():
    """Another thread grows and shrinks a dict while it is described."""
    shared: dict[int, list[int]] = {i: [i] for i in range(100)}
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for i in range(100, 200):
                shared[i] = [i]
            for i in range(100, 200):
                del shared[i]

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        results = [describe(shared) for _ in range(200)]
    finally:
        stop.set()
        thread.join()
    assert all(result.type == "dict" for result in results)


def test_no_third_party_module_is_imported():
    """Describing is done with what is loaded."""
    before = set(sys.modules)
    for value in (1, [1], {"a": Plain()}, Plain, datetime.date.today(), decimal.Decimal(1)):
        describe(value)
    assert set(sys.modules) == before
