"""The tree that a context is: sections of items, each item in variants from the shortest to the fullest.

An outline knows everything that could be said; a cut is what a budget leaves of it. Both are plain data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to say an item: `gain` is what the reader has from it, comparable over all items and growing with depth."""

    text: str
    gain: float


@dataclass(frozen=True, slots=True)
class Item:
    """One thing worth saying. `name`: the variable or cell it is about; `first`: said before anything else is weighed."""

    variants: tuple[Variant, ...]
    name: str | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Items of one kind, best first. `title` is a key of `legend.TITLES`."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of one item."""

    text: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What is left of one section."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """What a budget leaves. `gap`: what was left out and how to get it, in one line; "" where nothing was."""

    parts: tuple[Part, ...]
    gap: str = ""


def item(worth: float, *texts: str, name: str | None = None, first: bool = False, shape: tuple[float, ...] = ()) -> Item:
    """An item of `texts`, shortest first. `shape`: the share of `worth` each text gives; empty and repeated texts are left out."""
    shares = shape or _shares(len(texts))
    variants: list[Variant] = []
    for text, share in zip(texts, shares, strict=False):
        if text and not (variants and variants[-1].text == text):
            variants.append(Variant(text, worth * share))
    return Item(tuple(variants), name, first)


def deepening(worth: float, depths: Iterable[tuple[str, float]], *, name: str | None = None, first: bool = False) -> Item:
    """An item from pairs of (text, share of `worth`)."""
    return Item(tuple(Variant(text, worth * share) for text, share in depths), name, first)


def section(title: str, items: list[Item]) -> Section:
    """A section of those items that have anything to say."""
    return Section(title, tuple(item for item in items if item.variants))


def _shares(count: int) -> tuple[float, ...]:
    """Most of the use is in the shortest text: 0.6, 0.8, 0.9, ... and 1 for the last."""
    return tuple(1 - 0.4 * 0.5**level if level < count - 1 else 1.0 for level in range(count))
