"""The folder of a kernel: whose it is, and when it is swept away."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentlog_ipy import folders

HERE = Path("/proc/self/ns/pid")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of this process in a temporary folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders._sweep.cache_clear()
    yield folders.new_folder(keep=False)
    folders._sweep.cache_clear()


def _sweep() -> None:
    folders._sweep.cache_clear()
    folders._sweep()


@pytest.mark.skipif(not HERE.exists(), reason="needs /proc")
def test_the_folder_of_a_container_is_left_alone(mine: Path) -> None:
    """There its owner has another number, which here may be nobody's: without its folder a kernel that starts hears nobody."""
    dead = (mine / "owner").read_text().replace(str(os.getpid()), "4000000", 1)
    (mine / "owner").write_text(dead.replace(os.readlink(HERE), "pid:[1]"))
    _sweep()
    assert mine.exists()
    (mine / "owner").write_text(dead)
    _sweep()
    assert not mine.exists()
