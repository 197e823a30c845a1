"""Choosing what is said within N tokens, and how deep."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agentlog.budget import choose, cut
from agentlog.outline import Item, Section, Variant, item, section


def words(title: str, name: str | None, text: str) -> float:
    """A cost that is easy to check: a word a token, two for opening a section."""
    return len(text.split()) if text else 2.0


def said(parts: list[object]) -> list[str]:
    return [entry.text for part in parts for entry in part.entries]  # type: ignore[attr-defined]


def test_essentials_of_all_before_the_depth_of_one() -> None:
    """A small budget takes the short variant of both values; a larger one deepens them."""
    deep = [item(4.0, "short", "short and now with thirty more words " * 4, name=name) for name in "ab"]
    small, _ = choose([section("values", deep)], 10, words)
    large, _ = choose([section("values", deep)], 100, words)
    assert said(small) == ["short", "short"]
    assert all(len(text.split()) > 20 for text in said(large))


def test_first_comes_before_what_is_cheaper() -> None:
    """An item marked `first` is said although others give more per token."""
    headline = item(1.0, "the failure itself in several words", first=True)
    cheap = [item(50.0, f"cheap {number}") for number in range(20)]
    parts, _ = choose([section("failure", [headline]), section("values", cheap)], 14, words)
    assert "the failure itself in several words" in said(parts)


def test_order_within_a_section_is_kept() -> None:
    """What is chosen last may stand first."""
    items = [item(1.0, "one"), item(9.0, "two"), item(5.0, "three")]
    parts, _ = choose([section("values", items)], 100, words)
    assert said(parts) == ["one", "two", "three"]


def test_gap_says_what_is_missing_and_how_to_get_it() -> None:
    """The line counts what was left out by section, in a small budget only how much, and ends with the command."""
    items = [item(3.0, f"value number {number} {'with words ' * 40}", name=str(number)) for number in range(10)]
    found = cut([section("values", items)], 500, words, "%agentlog show 3 --full")
    assert found.gap == "left out: 5 values; %agentlog show 3 --full"
    small = cut([section("values", items)], 200, words, "%agentlog show 3 --full")
    assert small.gap == "left out: 8; %agentlog show 3 --full"
    assert cut([section("values", items)], 1000, words, "how").gap == ""


def test_a_small_budget_takes_no_odds_and_ends() -> None:
    """What hardly helps is left out although it would fit."""
    parts, left = choose([section("values", [item(5.0, "useful"), item(0.01, "odd end of several words")])], 60, words)
    assert said(parts) == ["useful"]
    assert len(left) == 1


variants = st.lists(st.tuples(st.integers(1, 40), st.floats(0.1, 5)), min_size=1, max_size=5)


@settings(max_examples=80, deadline=None)
@given(st.lists(variants, min_size=1, max_size=20), st.integers(1, 400))
def test_never_more_than_the_budget(raw: list[list[tuple[int, float]]], tokens: int) -> None:
    """Whatever the items: the cost of what is said stays within the tokens."""
    items = tuple(
        Item(
            tuple(
                Variant("w " * sum(size for size, _ in one[: level + 1]), sum(g for _, g in one[: level + 1]))
                for level in range(len(one))
            )
        )
        for one in raw
    )
    parts, left = choose([Section("values", items)], tokens, words)
    spent = sum(len(text.split()) for text in said(parts)) + (2 if parts else 0)
    assert spent <= tokens
    assert len(said(parts)) + len(left) == len(items)
