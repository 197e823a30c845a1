"""Messages that differ only in lines, paths, addresses and numbers are one kind of failure."""

from __future__ import annotations

import pytest

from agentlog.patterns import hash_error, normalise_message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("index 6 is out of bounds for axis 0 with size 6", "index 14 is out of bounds for axis 0 with size 14"),
        ("<Order object at 0x7f1234>", "<Order object at 0x55aa00ff>"),
        ("No such file: '/home/ann/data/x.csv'", "No such file: '/srv/b/y.csv'"),
        ("timed out after 3.5 s", "timed out after 12 s"),
        ("job 123e4567-e89b-12d3-a456-426614174000 failed", "job 00000000-0000-0000-0000-000000000001 failed"),
        ("line 3, column 8\n  in file", "line 12, column 1 in file"),
    ],
)
def test_alike(one: str, other: str) -> None:
    assert normalise_message(one) == normalise_message(other)
    assert hash_error("ValueError", one, ["f"]) == hash_error("ValueError", other, ["f"])


@pytest.mark.parametrize(
    ("one", "other"),
    [("'age'", "'name'"), ("name 'X' is not defined", "name 'y' is not defined"), ("a/b", "a-b"), ("x1 is bad", "x2 is bad")],
)
def test_different(one: str, other: str) -> None:
    assert hash_error("KeyError", one) != hash_error("KeyError", other)


def test_type_and_functions_count_and_recursion_does_not() -> None:
    assert hash_error("KeyError", "x") != hash_error("ValueError", "x")
    assert hash_error("KeyError", "x", ["f"]) != hash_error("KeyError", "x", ["g"])
    assert hash_error("RecursionError", "x", ["f", "f", "f"]) == hash_error("RecursionError", "x", ["f"])
