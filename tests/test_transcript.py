"""`Transcript` and `Spool`: what an execution put out, of any size, as a terminal would show it."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest

from agentlog_ipy import spool as spools
from agentlog_ipy.spool import Spool
from agentlog_ipy.transcript import Display, Error, Transcript


def _spool(*chunks: str) -> Spool:
    spool = Spool("stdout")
    for chunk in chunks:
        spool.write(chunk)
    return spool


def test_text_is_what_was_written() -> None:
    """Chunks are put together."""
    spool = _spool("one\ntw", "o\n")
    assert (spool.read(), len(spool)) == ("one\ntwo\n", 8)


def test_a_carriage_return_changes_the_line_that_was_begun_before_it() -> None:
    """Also when the line began in an earlier chunk without control characters."""
    assert _spool("first\n10%", "\r20%", "\r30%\nlast").read() == "first\n30%\nlast"


def test_backspaces_and_colours() -> None:
    """Erased as typed, colours taken out."""
    assert _spool("abc\b\bX", "\x1b[31mred\x1b[0m").read() == "aXred"


@pytest.mark.parametrize("memory", [10, 1_000_000])
def test_any_range_can_be_read(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From memory and from disk alike, with characters of one to four bytes."""
    monkeypatch.setattr(spools, "MEMORY_CHARS", memory)
    chance = random.Random(4)
    whole = "".join(chance.choice("aé中😀\n") for _ in range(200_000))
    spool = _spool(*(whole[at : at + 7_777] for at in range(0, len(whole), 7_777)))
    assert spool.read() == whole
    for _ in range(50):
        start = chance.randrange(len(whole))
        end = chance.randrange(start, len(whole))
        assert spool.read(start, end) == whole[start:end]


def test_the_file_goes_with_the_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left in the temporary folder."""
    monkeypatch.setattr(spools, "MEMORY_CHARS", 10)
    spool = _spool("x" * 100)
    assert spool._path is not None
    path = Path(spool._path)
    assert path.exists()
    del spool
    gc.collect()
    assert not path.exists()


def test_beyond_the_limit_characters_are_counted_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork bomb of output fills no disk."""
    monkeypatch.setattr(spools, "DISK_CHARS", 1_000)
    spool = _spool(*["y" * 300] * 10)
    assert (len(spool), spool.dropped) == (1_000, 2_000)


def _of(*messages: tuple[str, dict[str, object]]) -> Transcript:
    found = Transcript()
    for kind, content in messages:
        found.add(kind, content)
    return found


def test_streams_merge_until_a_display() -> None:
    """Adjacent pieces of one stream are one; a display separates."""
    found = _of(
        ("stream", {"name": "stdout", "text": "a"}),
        ("stream", {"name": "stderr", "text": "E"}),
        ("stream", {"name": "stdout", "text": "b"}),
        ("display_data", {"data": {"text/plain": "D"}}),
        ("stream", {"name": "stdout", "text": "c"}),
    )
    assert [item.read() if isinstance(item, Spool) else "D" for item in found.items] == ["ab", "E", "D", "c"]
    assert found.text("stdout") == "abc"
    assert found.read("stdout", 1, 3) == "bc"


def test_clear_output_with_wait_clears_at_the_next_output() -> None:
    """Not before: that is what wait means."""
    found = _of(("stream", {"name": "stdout", "text": "old"}), ("clear_output", {"wait": True}))
    assert found.text("stdout") == "old"
    found.add("stream", {"name": "stdout", "text": "new"})
    assert found.text("stdout") == "new"


def test_an_update_replaces_the_display_it_names() -> None:
    """In its place."""
    shown = {"data": {"text/plain": "1"}, "transient": {"display_id": "d"}}
    found = _of(("display_data", shown), ("update_display_data", {**shown, "data": {"text/plain": "2"}}))
    assert [item.data["text/plain"] for item in found.items if isinstance(item, Display)] == ["2"]


def test_an_error_is_plain_text() -> None:
    """Without colour codes."""
    (error,) = _of(("error", {"ename": "E", "evalue": "v", "traceback": ["\x1b[31mline 1\x1b[0m", "line 2"]})).errors
    assert (error, str(error)) == (Error("E", "v", "line 1\nline 2"), "E: v")
