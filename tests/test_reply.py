"""`Reply`: what an agent reads, within a budget."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from agentlog.tokens import estimate_tokens
from agentlog_ipy.reply import Look, Reply, outputs_of
from agentlog_ipy.transcript import Display, Error, Transcript


def _reply(text: str = "", **options: object) -> Reply:
    transcript = Transcript()
    if text:
        transcript.add("stream", {"name": "stdout", "text": text})
    return Reply(**{"status": "ok", "execution": "0" * 14 + "abcdef", "transcript": transcript, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [100, 300, 1000, 4000])
@pytest.mark.parametrize(
    "text",
    ["word " * 50_000, "x" * 300_000, "é中😀" * 50_000, "\n".join(str(n * 7919) for n in range(30_000)), "{}[]();:.," * 20_000],
)
def test_no_output_breaks_the_budget(text: str, budget: int) -> None:
    """Whatever it is made of; and beginning, end and handle are there."""
    shown = _reply(text).render(budget)
    assert estimate_tokens(shown) <= budget + 40
    assert "k.output('abcdef', " in shown
    assert shown.rstrip().endswith(text.rstrip()[-5:])


def test_the_error_is_not_crowded_out() -> None:
    """A flood before an error: the error's last line is still there."""
    reply = _reply(
        "noise " * 100_000,
        status="error",
        error=Error("ValueError", "the reason", "Traceback\n" + "deep\n" * 2_000 + "ValueError: the reason"),
    )
    shown = reply.render(400)
    assert "ValueError: the reason" in shown
    assert estimate_tokens(shown) <= 450


def test_notes_and_look_come_first() -> None:
    """What was done about a deadline stands at the top."""
    look = Look("seen from a subshell", (("cell line 3 in work", "time.sleep(9)", {"n": "7"}),))
    shown = str(_reply("printed", status="timed_out", notes=("stopped by an interrupt",), look=look))
    assert shown.index("timed out") < shown.index("note: stopped") < shown.index("n = 7") < shown.index("printed")


def test_short_parts_are_shown_in_full_and_long_ones_share_the_rest() -> None:
    """A huge print does not hide the result behind it."""
    transcript = Transcript()
    transcript.add("stream", {"name": "stdout", "text": "z" * 100_000})
    transcript.add("execute_result", {"data": {"text/plain": "the result"}, "execution_count": 3})
    reply = _reply(transcript=transcript, outputs=outputs_of(transcript, Path("nowhere")))
    assert "the result" in reply.render(200)


def test_markdown_is_preferred_to_html_and_what_is_meant_for_models_to_both() -> None:
    """The form that is best to read."""
    transcript = Transcript()
    transcript.items.append(Display(True, {"text/html": "<b>x</b>", "text/plain": "x", "text/llm+plain": "for you"}))
    assert outputs_of(transcript, Path("nowhere"))[0].text == "for you"


def test_an_image_that_cannot_be_decoded_is_no_image(tmp_path: Path) -> None:
    """And no error."""
    transcript = Transcript()
    transcript.items.append(Display(True, {"image/png": "!!!"}))
    transcript.items.append(Display(True, {"image/jpeg": base64.b64encode(b"jpeg").decode()}))
    broken, good = outputs_of(transcript, tmp_path)
    assert broken.images == ()
    assert [image.bytes for image in good.images] == [4]
