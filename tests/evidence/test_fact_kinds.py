"""What a fact is worth is said by the collector that observed it, and the context stands in that order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from test_told_once import said

from agentlog.events import Evidence, Fact, Failure, failure_from_plain, plain


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("prices = {'pear': 1}\nprices['pears']", {"no key 'pears'; nearest": "points", "1 key: 'pear'": "observes"}),
        ("prices = {'pear': 1}\nprices['kiwi']", {"no key 'kiwi'": "answers"}),
        ("rows = [1, 2]\nrows[2]", {"index 2 is out of range": "answers"}),
        ("rows = [1, 2]\nrows['a']", {"list of 2": "describes"}),
        ("text = 'a'\ntext.uper()", {"nearest 'upper'": "points"}),
        ("text = 5\ntext.frobnicate()", {"is int 5: it has no": "describes"}),
        ("int('1,5')", {"int() was given str '1,5'": "describes"}),
        ("int('1.5')", {"a decimal number as text": "answers"}),
        ("def f(a, *, mode=1): ...\nf(1, mod=2)", {"no parameter 'mod'": "points", "called with": "describes"}),
    ],
)
def test_kinds(source: str, kinds: dict[str, str], crash: Callable, facts: Callable) -> None:
    """What is near points at the fix; what the message complains of answers; type and size alone only describe."""
    found = facts(crash(source))
    told = {text: fact.kind for text in kinds for fact in found if text in fact.text}
    assert told == kinds


@pytest.mark.parametrize(
    ("loop", "kind"),
    [
        ("for name in ['a', 'b']:\n    1 / zero", "describes"),
        ("for name in [4, 5]:\n    name / zero", "observes"),
        ("for name in [4, 5]:\n    half = name / 2\n    whole = half * 2\n    whole / zero", "observes"),
        ("for row in [[4], [5]]:\n    for cell in row:\n        cell / zero", "observes"),
        ("for row in [[4], [5]]:\n    for cell in [1, 2]:\n        cell / zero", "describes"),
    ],
)
def test_loops_that_feed_what_failed(loop: str, kind: str, crash: Callable, facts: Callable) -> None:
    """A loop tells something where the failing expression was made from its variables, also through names and loops further in."""
    found = facts(crash(f"zero = 0\n{loop}"), "iteration")
    assert found[-1].kind == kind
    assert found[-1].text.startswith(f"the loop `{loop.partition(':')[0]}`")


def test_order_of_the_context() -> None:
    """What points stands first, then what answers or speaks of what the message quotes, then the rest; what describes is last."""
    facts = (
        Fact("is of some size", kind="describes"),
        Fact("was seen too"),
        Fact("has to do with 'price'"),
        Fact("is the very thing", kind="answers"),
        Fact("stands over there", kind="points"),
    )
    text = said(Failure("KeyError", "'price'", evidence=(Evidence("missing_key", facts),)))
    lines = text[text.index("evidence:") :].splitlines()[1:6]
    assert [facts[place].text for place in (4, 2, 3, 1, 0)] == lines


def test_facts_recorded_before_there_were_kinds() -> None:
    """They are read as observations; a kind of a newer version is taken for one, too."""
    fact = Fact("was seen", "x")
    written = plain(Failure("KeyError", "'x'", evidence=(Evidence("missing_key", (fact,)),)))
    assert "kind" not in written["evidence"][0]["facts"][0]
    assert failure_from_plain(written).evidence[0].facts == (fact,)
    written["evidence"][0]["facts"][0]["kind"] = "foretells"
    assert "was seen" in said(failure_from_plain(written))


def test_what_the_line_made_repeats_no_gaps(crash: Callable) -> None:
    """An intermediate result with the gaps of what it was made of is not told; with other gaps it is."""
    pytest.importorskip("pandas")
    start = "import pandas as pd\nseries = pd.Series([1.0, None, 3.0, 0.0])\n"
    text = said(crash(start + "(series * 2).astype(int)"))
    assert "series: 1 of 4 missing" in text
    assert "argument self" not in text
    text = said(crash(start + "(series.shift() * 2).astype(int)"))
    assert "argument self: 2 of 4 missing" in text
