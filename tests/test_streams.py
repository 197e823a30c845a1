"""A stream on its way into the store: pieces in order, head and tail, nothing lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlog.redact import Redactor
from agentlog.settings import Limits
from agentlog_ipy import streams
from agentlog_ipy.streams import Stream

SMALL = Limits(stream_chars=100)


def pieces_of(chunks: list[str], limits: Limits = SMALL) -> list[streams.Piece]:
    stream = Stream("stdout", limits, Redactor(environment={}))
    found = []
    for chunk in chunks:
        stream.feed(chunk)
        found += stream.settle(whole=False)
    return [*found, *stream.end()]


@given(st.lists(st.text(alphabet="ab \n", max_size=60), max_size=30))
def test_the_pieces_joined_are_the_stream(chunks: list[str]) -> None:
    """Whatever the chunks: the wholes of the pieces, joined, are the text; what is shown keeps the limit and a little more."""
    pieces = pieces_of(chunks)
    assert "".join(whole if whole is not None else text for text, whole in pieces) == "".join(chunks)
    assert sum(len(text) for text, _ in pieces) <= SMALL.stream_chars + 40


def test_finished_lines_come_at_once() -> None:
    """A line that is over is given back by the next settling, one that is being written is not."""
    stream = Stream("stdout", SMALL, Redactor(environment={}))
    stream.feed("done\nwork")
    assert list(stream.settle(whole=False)) == [("done\n", None)]
    assert stream.unfinished
    assert list(stream.settle(whole=True)) == [("work", None)]
    assert not stream.unfinished


def test_a_progress_bar_is_one_line() -> None:
    """Two thousand states of a line are its last one."""
    assert pieces_of([f"\r{n}/2000" for n in range(2001)]) == [("2000/2000", None)]


def test_head_and_tail_are_shown() -> None:
    """Of a long text half the limit is shown from the beginning and half from the end; the last piece holds the rest whole."""
    text = "".join(f"{n:04}\n" for n in range(1000))
    head, tail = pieces_of([text])
    assert head == (text[:50], None)
    assert tail[0].endswith(text[-50:])
    assert "4,900 characters" in tail[0]
    assert tail[1] == text[50:]


def test_parts_bound_the_memory(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """What does not fit is given back in parts as it grows."""
    monkeypatch.setattr(streams, "PART_CHARS", 1000)
    pieces = pieces_of(["0123456789" * 30 + "\n"] * 20)
    assert len(pieces) > 4
    assert "".join(whole if whole is not None else text for text, whole in pieces) == ("0123456789" * 30 + "\n") * 20
    assert max(len(whole or "") for _, whole in pieces) < 1400


def test_what_is_too_much_is_counted() -> None:
    """Beyond the largest blob only the number of characters is kept."""
    *_, (text, _) = pieces_of(["x" * 500], Limits(stream_chars=100, blob_bytes=300))
    assert "200 more characters were not kept" in text


def test_secrets_are_hidden_over_chunks() -> None:
    """A secret that two chunks share is found, as is one that the head's end would cut."""
    pieces = pieces_of(["x" * 40 + " password=hunter2", "secretvalue\n"])
    assert "hunter2" not in "".join(text + (whole or "") for text, whole in pieces)
