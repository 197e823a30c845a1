"""What the context says of real crashes where one thing could be told twice, or a group's members not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from agentlog.context import build
from agentlog.events import ErrorRaised, ExecutionEnded, ExecutionStarted, Failure, SessionStarted
from agentlog.store import Store

SESSION = "06zzzz00000000000001"
RUN = "06zzzz00000001000000"


def said(failure: Failure) -> str:
    """The context of a session whose one cell failed so."""
    store = Store.in_memory()
    events = (
        SessionStarted(life="kernel"),
        ExecutionStarted(execution=RUN, number=1, count=1, source=""),
        ErrorRaised(execution=RUN, failure=failure),
        ExecutionEnded(execution=RUN, status="error", count=1),
    )
    for number, event in enumerate(events):
        for name, value in {
            "id": f"06zzzz0001{number:04}000000",
            "time": "2026-11-21T09:00:00.000000Z",
            "session": SESSION,
        }.items():
            object.__setattr__(event, name, value)
        store.add(event)
    store.refresh()
    return build(store).render(max_tokens=2000)


def test_one_object_under_two_names(crash: Callable) -> None:
    """The second name, also of a caller, says that it is the first; an equal object is told by itself."""
    text = said(crash("old = [1, 2, 3]\nnew = old\nequal = [1, 2, 3]\nold[new[7]] = equal"))
    told = [line for line in text.splitlines() if line.startswith(("old = ", "new = ", "equal = "))]
    assert sum("(same object)" in line for line in told) == 1
    assert "equal = list len 3 [1, 2, 3]" in told
    text = said(crash("def last(rows):\n    return rows[9]\nvalues = [1, 2, 3]\nlast(values)"))
    assert "values = rows (same object), list len 3" in text


def test_names_of_other_frames_are_not_mixed_up(crash: Callable) -> None:
    """A name that means another object in an outer frame is no second name of the inner one's."""
    text = said(crash("def last(rows):\n    return rows[9]\nrows = [4, 5]\nother = rows\nlast([1, 2, 3])"))
    assert "rows = list len 3 [1, 2, 3]" in text
    assert "other = list len 2 [4, 5]" in text


def test_an_asserted_comparison_is_told_once(crash: Callable) -> None:
    """That it was False is what the assertion says."""
    text = said(crash("got, expected = 3, 4\nassert got == expected"))
    assert "asserted: got == expected" in text
    assert "got == expected = False" not in text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are of Python 3.11")
def test_members_of_a_group_have_places(crash: Callable) -> None:
    """Each leaf by itself: where, its line, its parts; not those of a function that went on since."""
    tried = "def collect():\n    found = []\n    for i in range(3):\n        try:\n            f(i)\n        except Exception as error:\n            found.append(error)\n    raise ExceptionGroup('several', [ExceptionGroup('inner', found)])\n"
    text = said(crash(f"def f(n):\n    if n: raise ValueError(n)\n{tried}collect()"))
    assert "group member: ValueError: 1 at In[1] line 2 in f: if n: raise ValueError(n) (n = 1)" in text
    assert "group member: ValueError: 2 at In[1] line 2 in f: if n: raise ValueError(n) (n = 2)" in text
    text = said(crash(tried.replace("f(i)", "int('abc'[i])") + "collect()"))
    assert (
        "group member: ValueError: invalid literal for int() with base 10: 'a' at In[1] line 5 in collect: int('abc'[i])" in text
    )
    assert "i = 2)" not in text


def test_failures_without_data_name_none(crash: Callable) -> None:
    """An exit, or a line that is no Python, shows what its own line names, not what else there is."""
    text = said(crash("import sys\ntable, code = [1, 2, 3], 3\nsys.exit(code)"))
    assert "code = 3" in text
    assert "table" not in text
    text = said(crash("rules, table = '1 +', [1, 2, 3]\neval(rules)"))
    assert "rules = '1 +'" in text
    assert "table = " not in text
