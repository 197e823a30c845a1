"""The recorder's faults stay the recorder's."""

import pytest

from agentlog import guard

pytestmark = pytest.mark.usefixtures("expect_faults")


class Hostile(Exception):
    """Its text runs code of the user's."""

    def __str__(self) -> str:
        raise AssertionError("the text of a user's exception was asked for")


def test_a_fault_is_noted_and_the_caller_goes_on() -> None:
    """The fallback comes back, the reason is kept, the user's exception is never turned into text."""

    @guard.guarded("lens", fallback=3)
    def broken() -> int:
        raise Hostile

    assert broken() == 3
    assert [(fault.part, fault.count) for fault in guard.faults()] == [("lens", 1)]
    assert "Hostile at test_guard.py" in guard.faults()[0].reason


def test_a_part_that_keeps_failing_is_switched_off() -> None:
    """After PATIENCE faults it is not called again, until somebody forgets the faults."""
    calls = []

    @guard.guarded("lens")
    def broken() -> None:
        calls.append(1)
        raise ValueError("no")

    for _ in range(guard.PATIENCE + 5):
        broken()
    assert len(calls) == guard.PATIENCE
    assert guard.faults()[0].off
    guard.forget()
    broken()
    assert len(calls) == guard.PATIENCE + 1


@pytest.mark.usefixtures("expect_faults")
def test_the_reason_asks_nobody_for_his_text() -> None:
    """What a fault carries may be an object of the user's: then its type is all that is said."""

    class Loud:
        def __repr__(self) -> str:
            return "what the user's code says"

    guard.note("lens", KeyError(Loud()))
    guard.note("other", KeyError("x"))
    assert [fault.reason for fault in guard.faults()] == ["KeyError", "KeyError: 'x'"]


def test_interrupts_of_the_user_pass() -> None:
    """Ctrl-C that lands in our code is still the user's Ctrl-C."""

    @guard.guarded("lens")
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_strict_lets_faults_through() -> None:
    """Our own tests can see them."""

    @guard.guarded("lens")
    def broken() -> None:
        raise ValueError("no")

    with guard.strict(), pytest.raises(ValueError, match="no"):
        broken()
