"""The store that the exports are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from samples import Samples, a_bit_of_everything

from agentlog.exports.selection import Selection


@pytest.fixture
def made(store_folder: Path) -> Iterator[Samples]:
    """What was written."""
    samples = a_bit_of_everything(store_folder)
    yield samples
    samples.close()


@pytest.fixture
def selection(made: Samples) -> Iterator[Selection]:
    """All of it."""
    store = made.store()
    yield Selection(store)
    store.close()
