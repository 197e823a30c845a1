"""What a reader would have seen of a stream."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlog.terminal import Terminal


def shown(*chunks: str) -> str:
    terminal = Terminal()
    for chunk in chunks:
        terminal.feed(chunk)
    return terminal.text()


@pytest.mark.parametrize(
    ("chunks", "seen"),
    [
        (["plain\ntext\n"], "plain\ntext\n"),
        (["a\tb\n"], "a\tb\n"),
        (["\n\n\n"], "\n\n\n"),
        (["abc\rX"], "Xbc"),
        (["abc\r\ndef"], "abc\ndef"),
        (["abc\b\bX"], "aXc"),
        (["\b\ba"], "a"),
        (["\x1b[31mred\x1b[0m and \x1b[1;38;5;12mblue\x1b[m"], "red and blue"),
        (["\x1b]0;a title\x07text"], "text"),
        (["\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\ after"], "link after"),
        (["long line\r\x1b[Kshort"], "short"),
        (["long line\r\x1b[2Kshort"], "short"),
        (["abcdef\x1b[3D\x1b[K"], "abc"),
        (["abcdef\x1b[2G\x1b[1K"], "  cdef"),
        (["one\ntwo\nthree\x1b[2A\rX"], "Xne\ntwo\nthree"),
        (["one\ntwo\x1b[A\r\x1b[J"], ""),
        (["one\n\x1b[A\x1b[Btwo"], "one\ntwo"),
        (["first\nsecond\x1b[2J\x1b[Hnew"], "new\n"),
        (["abcdef\r\x1b[2P\x1b[@x"], "xcdef"),
        (["abcdef\r\x1b[3X"], "   def"),
        (["a\x1b[5Cb"], "a     b"),
        (["\x1b[3", "1mred\x1b", "[0m!"], "red!"),
        (["\x07\x00bell"], "bell"),
        (["日本語\rab"], "ab本語"),
        (["日本\rx"], "x 本"),
        (["e\u0301\rx"], "x"),
        (["cafe", "\u0301!"], "cafe\u0301!"),
        (["\x1b"], ""),
    ],
)  # fmt: skip
def test_control_sequences(chunks: list[str], seen: str) -> None:
    """Each control character and sequence does what a terminal does, also when it is split over chunks."""
    assert shown(*chunks) == seen


def test_progress_bar_costs_one_line() -> None:
    """2,000 steps of a progress bar leave its last state."""
    terminal = Terminal()
    for step in range(2001):
        terminal.feed(f"\r{step / 20:3.0f}%|{'#' * (step // 50):40}| {step}/2000")
        assert terminal.take() == ""
    terminal.feed("\ndone\n")
    assert terminal.take() == f"100%|{'#' * 40}| 2000/2000\ndone\n"
    assert not terminal.pending()


def test_nested_progress_bars_cost_a_line_each() -> None:
    """Bars that are drawn with cursor movement keep their lines."""
    text = "outer 0\n" + "".join(f"\rinner {i}\x1b[A\router {i}\n" for i in range(500))
    assert shown(text) == "outer 499\ninner 499"


def test_taken_lines_come_once() -> None:
    """`take` gives finished lines, each once; with `whole` the unfinished one too."""
    terminal = Terminal()
    terminal.feed("one\ntwo\nthr")
    assert (terminal.take(), terminal.take(), terminal.pending()) == ("one\ntwo\n", "", True)
    terminal.feed("ee")
    assert terminal.take(whole=True) == "three"
    terminal.feed(" and on\n")
    assert terminal.take() == " and on\n"
    assert not terminal.pending()


def test_a_taken_line_that_is_redrawn_starts_below() -> None:
    """What was taken cannot change, so the new state of a progress bar stands on a line of its own."""
    terminal = Terminal()
    terminal.feed("\r10%")
    first = terminal.take(whole=True)
    terminal.feed("\r20%")
    assert first + terminal.take(whole=True) == "10%\n20%"
    terminal.feed("\r\nend")
    assert terminal.take(whole=True) == "\nend"


def test_memory_stays_bounded() -> None:
    """Who takes regularly holds at most the screen, also for a line without end and for wild cursor movement."""
    terminal = Terminal(rows=10)
    size = 0
    for _ in range(300):
        terminal.feed("x" * 1_000 + "\x1b[A\x1b[999999B")
        size += len(terminal.take())
        assert len(terminal.text()) < 400_000
    for _ in range(300):
        terminal.feed("y" * 1_000)
        size += len(terminal.take())
        assert len(terminal.text()) < 200_000
    assert size + len(terminal.take(whole=True)) >= 600_000


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["a", "bc", "\n", "\r", "\b", "\t", "\x1b[A", "\x1b[K", "\x1b[2K", "\x1b[31m", "\x1b]0;t\x07", "日", "é", "e\u0301"]
        )
    ),
    st.data(),
)
def test_chunks_do_not_matter(pieces: list[str], data: st.DataObject) -> None:
    """However a text is cut into chunks, the same is seen."""
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert shown(*chunks) == shown(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(["a", "bc", "\n", " ", "日"])))
def test_plain_text_is_not_changed(pieces: list[str]) -> None:
    """Without control characters the text is the same, taken line by line or as a whole."""
    terminal = Terminal()
    taken = []
    for piece in pieces:
        terminal.feed(piece)
        taken.append(terminal.take())
    assert "".join(taken) + terminal.take(whole=True) == "".join(pieces)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b",
                "cd",
                "e",
                "\r\n",
                "\r",
                "\b",
                "\x1b[K",
                "\x1b[1K",
                "\x1b[2K",
                "\x1b[A",
                "\x1b[B",
                "\x1b[2G",
                "\x1b[J",
                "\x1b[C",
                "\x1b[D",
                "\x1b[P",
                "\x1b[X",
                "\x1b[0;31m",
            ]
        ),
        max_size=40,
    )
)
def test_equal_to_a_terminal_emulator(pieces: list[str]) -> None:
    """The screen equals that of pyte, but for blanks at the ends of lines and below the text."""
    pyte = pytest.importorskip("pyte")
    screen = pyte.Screen(200, 60)
    pyte.Stream(screen).feed("".join(pieces))
    expected = "\n".join(line.rstrip() for line in screen.display).rstrip()
    assert "\n".join(line.rstrip() for line in shown("".join(pieces)).split("\n")).rstrip() == expected
