"""Describing runs no code of the user's, whatever the user wrote."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys

import pytest
from zoo_of_hostile import Meta, calls, zoo

from agentlog.describe import describe, describe_names, schema
from agentlog.events import Value, plain

LOOKS = {
    "describe": describe,
    "schema": schema,
    "names": lambda value: describe_names({"x": value})["x"],
    "inside": lambda value: describe([value, {"k": value}]),
}


def settled(value: Value) -> str:
    return json.dumps(plain(value), allow_nan=False)


@pytest.mark.parametrize("look", sorted(LOOKS))
@pytest.mark.parametrize("name", sorted(zoo()))
def test_no_code_of_the_object_is_run(name, look):
    """Neither its special methods, nor properties, nor its metaclass; and there is a description, not an excuse."""
    animals = zoo()
    Meta.armed = True
    try:
        described = LOOKS[look](animals[name])
    finally:
        Meta.armed = False
    ran = list(calls)
    assert ran == []
    assert "could not be looked at" not in settled(described)


def test_values_of_builtin_subclasses_are_still_told():
    """A subclass that hides everything is read through the builtin's own functions."""
    made = zoo()
    assert describe(made["str"]).value == "text"
    assert describe(made["int"]).value == 7
    assert describe(made["float"]).value == 1.5
    assert [item.value for item in describe(made["list"]).items] == [1, 2]
    assert describe(made["dict"]).entries["k"].type == "HostileObject"
    assert describe(made["datetime"]).value == "2020-01-02T00:00:00"
    assert describe(made["zoned"]).facts == {"tz": "Zone"}
    assert describe(made["decimal"]).value == "1.5"
    assert describe(made["attributes"]).attributes["plain"].value == 1
    assert describe(made["slots"]).attributes["filled"].value == 3
    assert describe(made["enum"]).value == "STOP"
    assert calls == []


def test_the_real_type_is_told_not_the_one_claimed():
    """`__class__` may say anything."""
    assert describe(zoo()["object"]).type == "HostileObject"


def test_a_class_that_only_says_it_is_a_frame_is_not_believed():
    """The library's own module must hold the class; one that calls itself pandas.DataFrame is an object like others."""
    pytest.importorskip("pandas")
    pytest.importorskip("numpy")
    made = zoo()
    assert describe(made["liar frame"]).columns == ()
    assert describe(made["liar array"]).shape is None
    assert calls == []


def test_a_process_that_ends_on_any_look_stays_alive(tmp_path):
    """Methods that call os._exit cannot be held back by any `except`."""
    script = tmp_path / "look.py"
    script.write_text(
        "import os, sys\n"
        "from agentlog.describe import describe, schema, describe_names\n"
        "names = '__repr__ __str__ __len__ __eq__ __hash__ __getattribute__ __iter__ __bool__ __format__ __dir__ __del__x'.split()\n"
        "Deadly = type('Deadly', (), {n: (lambda *a: os._exit(7)) for n in names} | {'__class__': property(lambda self: os._exit(7))})\n"
        "x = Deadly()\n"
        "for look in (describe, schema, lambda v: describe([v]), lambda v: describe_names({'v': v})):\n"
        "    look(x)\n"
        "sys.stdout.write('alive')\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env={**os.environ, "AGENTLOG": ""}, check=False
    )
    assert (done.returncode, done.stdout) == (0, "alive"), done.stderr


def test_numpy_subclass_is_read_as_a_plain_array():
    """`__array_finalize__`, `__array_ufunc__` and the like of a subclass are not run."""
    np = pytest.importorskip("numpy")
    ran: list[str] = []

    class Watched(np.ndarray):
        def __array_finalize__(self, obj):
            ran.append("finalize")

        def __array_ufunc__(self, *args, **kwargs):
            ran.append("ufunc")
            return NotImplemented

        def __array_function__(self, *args, **kwargs):
            ran.append("function")
            return NotImplemented

        def __getitem__(self, key):
            ran.append("getitem")
            return 0

        @property
        def shape(self):
            ran.append("shape")
            return ()

    array = np.arange(6.0).view(Watched)
    ran.clear()
    described = describe(array)
    assert ran == []
    assert (described.type, described.shape, described.range) == ("Watched", (6,), (0.0, 5.0))


def test_pandas_subclass_is_read_through_its_block_manager():
    """A DataFrame subclass that overrides everything."""
    pandas = pytest.importorskip("pandas")
    ran: list[str] = []

    class Watched(pandas.DataFrame):
        def __getattribute__(self, name):
            ran.append(name)
            return super().__getattribute__(name)

        def __len__(self):
            ran.append("len")
            return 99

    frame = Watched({"a": [1, None], "b": ["x", "y"]})
    ran.clear()
    described = describe(frame)
    assert ran == []
    assert (described.type, described.shape) == ("Watched", (2, 2))
    assert [(column.name, column.nulls) for column in described.columns] == [("a", 1), ("b", 0)]


def test_objects_inside_frames_and_arrays_are_not_run():
    """Cells, labels and elements that are objects of the user's."""
    pandas = pytest.importorskip("pandas")
    np = pytest.importorskip("numpy")
    ran: list[str] = []

    class Cell:
        def __repr__(self):
            ran.append("repr")
            return "?"

        __str__ = __repr__

        def __eq__(self, other):
            ran.append("eq")
            return True

        def __hash__(self):
            return 1

        def __len__(self):
            ran.append("len")
            return 1

    cells = [Cell(), Cell()]
    array = np.empty(2, dtype=object)
    array[:] = cells
    frame = pandas.DataFrame({"o": pandas.Series(cells, dtype=object)}, index=pandas.Index(cells, dtype=object))
    ran.clear()
    for value in (array, frame, frame["o"], frame.index, {"cells": cells}):
        settled(describe(value))
    ran_by_us = list(ran)
    assert ran_by_us == []


def test_tensor_subclass_is_not_asked():
    """`__torch_function__` takes part in everything, even in `shape`."""
    torch = pytest.importorskip("torch")
    ran: list[str] = []

    class Watched(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            ran.append(str(func))
            return super().__torch_function__(func, types, args, kwargs or {})

    tensor = torch.ones(3).as_subclass(Watched)
    ran.clear()
    assert describe(tensor).type == "Watched"
    assert ran == []


def test_estimator_of_the_user_is_not_asked_for_its_parameters():
    """`get_params` and properties of a subclass stay untouched; what `__init__` stored is told."""
    base = pytest.importorskip("sklearn.base")
    ran: list[str] = []

    class Mine(base.BaseEstimator):
        def __init__(self, depth=3, rate=0.1):
            self.depth = depth
            self.rate = rate

        def get_params(self, deep=True):
            ran.append("get_params")
            return {}

        def __repr__(self):
            ran.append("repr")
            return "?"

    described = describe(Mine(depth=5))
    assert ran == []
    assert {name: value.value for name, value in described.attributes.items()} == {"depth": 5}
    assert described.facts["fitted"] is False


@pytest.mark.parametrize(
    "look",
    [repr, len, hash, str, bool, lambda value: value == 1, lambda value: value.__class__, lambda value: isinstance(value, int)],
)
def test_the_zoo_notices(look):
    """The traps spring for the ordinary ways of looking: what the tests above prove rests on it."""
    animal = zoo()["object"]
    with pytest.raises(RuntimeError):
        look(animal)
    assert calls
    calls.clear()


def test_a_time_zone_of_the_users_is_not_asked_by_pandas():
    """A moment of pandas asks it whenever it shows itself: alone, in a column of objects, in a list."""
    pandas = pytest.importorskip("pandas")
    asked = []

    class Zone(datetime.tzinfo):
        def utcoffset(self, moment):
            asked.append("utcoffset")
            return datetime.timedelta(hours=1)

        dst = utcoffset

        def tzname(self, moment):
            asked.append("tzname")
            return "here"

    stamp = pandas.Timestamp(2020, 1, 2, 3, tzinfo=Zone())
    column = pandas.Series([stamp, "x"], dtype=object)
    asked.clear()
    described = describe(stamp)
    assert (described.value, described.facts) == ("2020-01-02T03:00:00", {"tz": "Zone"})
    assert describe([stamp]).items[0].facts == {"tz": "Zone"}
    assert describe(column).head[1] == ("x",)
    assert asked == []


def test_the_metaclass_of_the_zoo_notices():
    """Looking a class up in a dictionary, or comparing it, runs its metaclass."""
    cls = zoo()["class"]
    Meta.armed = True
    try:
        {int: 1}.get(cls)
        assert cls not in (int, str)
    finally:
        Meta.armed = False
    assert {"metaclass __hash__", "metaclass __eq__"} <= set(calls)
    calls.clear()
