"""The commands that list and show: what people and agents read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from store_suite import Story

from agentlog.blobs import Blobs
from agentlog.cli import main
from agentlog.errors import NotFound, UsageError
from agentlog.events import (
    Change,
    Displayed,
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    Expression,
    Failure,
    Frame,
    NamespaceChanged,
    Operand,
    StreamWritten,
    Value,
    to_record,
)  # fmt: skip
from agentlog.filters import moment
from agentlog.ids import new_id, timestamp
from agentlog.journal import Journal
from agentlog.references import cell_number, one_of, steps_back
from agentlog.settings import Limits
from agentlog.tables import Line, ago, duration, one_line, table

FAILURE = Failure(
    "KeyError", "'price'", hash="k1", notes=("check the header",),
    frames=(
        Frame("cell", "<cell>", 2, "<module>", count=2, source="mean(frame)", locals={"frame": Value("dict", length=3)}, omitted=2),
        Frame("library", "site/lib.py", 10, "mean", source="return x['price']", locals={"x": Value("dict", length=3)}),
    ),
    expression=Expression("frame['price']", 2, True, (Operand("frame", Value("dict", length=3)),)),
    cause=Failure("ValueError", "first"), explicit_cause=True,
)  # fmt: skip
LONG = "0123456789" * 1000


@pytest.fixture(autouse=True)
def _told(store_folder: Path) -> Iterator[None]:
    """Two sessions; in the second a cell that prints, one that fails, one whose output was cut."""
    story, journal = Story(), Journal(store_folder, Limits())
    story.cell(story.session(agent="planner", task="plan"), 1, "earlier = True")
    session = story.session(notebook="/home/x/demo.ipynb")
    story.cell(session, 1, "print('hi')\nx = 1", printed="hi\n", writes=("x",))
    execution = new_id()
    common = {"session": session, "execution": execution}
    story.add(ExecutionStarted(number=2, count=2, source="import stats\nmean(frame)", cell_id="cell-b", **common))  # type: ignore[arg-type]
    story.add(StreamWritten(name="stderr", text="careful\n", **common))  # type: ignore[arg-type]
    story.add(Displayed(data={"text/plain": "<Figure>"}, blobs={"image/png": "0" * 64}, sizes={"image/png": 4000}, **common))  # type: ignore[arg-type]
    story.add(ErrorRaised(failure=FAILURE, message="KeyError: 'price'", **common))  # type: ignore[arg-type]
    story.add(ExecutionEnded(status="error", count=2, ms=1234.5, **common))  # type: ignore[arg-type]
    changes = (Change("y", "rebound", Value("int", value=1), Value("int", value=2)), Change("z", "mutated", how="seen"))
    story.add(NamespaceChanged(changes=changes, **common))  # type: ignore[arg-type]
    digest = Blobs(store_folder).put(LONG.encode())
    third = new_id()
    story.add(ExecutionStarted(session=session, execution=third, number=3, count=3, source="print(long)"))
    story.add(StreamWritten(session=session, execution=third, text=LONG[:100], blob=digest, size=len(LONG)))
    story.add(ExecutionEnded(session=session, execution=third, count=3, ms=3.0, result=Value("int", value=7)))
    for event in story.events:
        journal.append(to_record(event))
    yield
    journal.close()


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What the command prints."""
    assert main(list(words)) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_history_lists_the_latest_session(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a cell, and the error below it."""
    lines = said(capsys, "history").splitlines()
    assert re.fullmatch(r"session \w{6}  demo\.ipynb  3 executions, 1 failed  running", lines[0])
    assert "  1 execution  running\n" in said(capsys, "history", "--session", "-2")
    assert re.fullmatch(r"In\[1\]  \w{6}  ok     2\.5 ms  \d+ s ago  print\('hi'\) …\(\+1\)", lines[1])
    assert re.fullmatch(r"In\[2\]  \w{6}  error  1\.2 s   \d+ s ago  import stats …\(\+1\)", lines[2])
    assert lines[3] == "    KeyError: 'price'"
    assert len(lines) == 5


def test_history_filters(capsys: pytest.CaptureFixture[str]) -> None:
    """Each option narrows the list; what means the whole store names the session of each line."""
    assert "In[2]" in said(capsys, "history", "--status", "failed", "--cell", "cell-b", "--text", "CAREFUL")
    assert said(capsys, "history", "--text", "nowhere to be found").endswith("no executions match\n")
    assert "earlier = True" in said(capsys, "history", "--agent", "planner")
    assert len(said(capsys, "history", "--all").splitlines()) == 5
    assert len(said(capsys, "history", "--since", "2 days").splitlines()) == 5
    assert said(capsys, "history", "--since", "2 days", "--until", "1 day") == "no executions match\n"
    limited = said(capsys, "history", "--limit", "1").splitlines()
    assert limited[1] == "… earlier ones: --limit 2"
    assert "print(long)" in limited[2]


def test_history_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """--json gives every field."""
    found = json.loads(said(capsys, "history", "--json"))
    assert found["session"]["title"] == "demo.ipynb"
    assert [one["status"] for one in found["executions"]] == ["ok", "error", "ok"]
    assert found["executions"][1]["error"] == "KeyError: 'price'"


def test_sessions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The latest first, with how many cells failed, and who."""
    lines = said(capsys, "sessions").splitlines()
    assert re.fullmatch(r"\w{6}  running  \d+ s ago  3 cells  1 failed  demo\.ipynb", lines[0])
    assert lines[1].endswith("planner: plan")
    assert len(json.loads(said(capsys, "sessions", "--json", "--limit", "1"))) == 1
    assert said(capsys, "sessions", "--agent", "nobody") == "no sessions\n"


def test_show_prints_an_execution_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Source, outputs, error with frames and locals, changes."""
    text = said(capsys, "show", "2")
    assert re.match(r"In\[2\] \w{6}  error  1\.2 s  \d+ s ago  session \w{6}  cell cell-b\n", text)
    for part in (
        "--- source\nimport stats\nmean(frame)\n", "--- output\n[stderr] careful\n[display] <Figure>\n",
        "--- error\nKeyError: 'price'\n  note: check the header\n", "  In[2]:2 <module>   mean(frame)\n      frame = ", "… 2 more names",
        "  site/lib.py:10 mean   return x['price']\n", "failed: frame['price']", "caused by:\n  ValueError: first",
        "--- changes\ny: rebound  1 -> 2\nz: mutated (seen)",
    ):  # fmt: skip
        assert part in text
    assert text.count("      x = ") == 0  # a library's locals are left out


def test_show_prints_the_parts_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """One part stands alone; as JSON too."""
    assert said(capsys, "show", "1", "--source") == "print('hi')\nx = 1\n"
    assert said(capsys, "show", "1", "--output") == "hi\n"
    assert said(capsys, "show", "1", "--changes") == "x: made  1\n"
    found = json.loads(said(capsys, "show", "2", "--error", "--json"))
    assert found["errors"][0]["type"] == "KeyError"
    assert "outputs" not in found
    assert said(capsys, "show") == said(capsys, "show", "3")


def test_show_gives_cut_output_whole_and_by_pages(capsys: pytest.CaptureFixture[str], store_folder: Path) -> None:
    """What is missing is said with how to get it; --full and pages read the blob."""
    short = said(capsys, "show", "3")
    assert re.search(r"\[9900 characters are not shown: show \w{6} --full\]", short)
    assert "[result] 7" in short
    assert LONG in said(capsys, "show", "3", "--full")
    page = said(capsys, "show", "3", "--output", "--start", "9000", "--end", "9010")
    assert page == "0123456789\n[characters 9000 to 9010 of 10000; the rest: --start 9010]\n"
    (digest,) = Blobs(store_folder)
    assert said(capsys, "show", digest, "--start", "9990").startswith("0123456789\n[characters 9990 to 10000 of 10000]")
    (gone,) = Blobs(store_folder)
    Blobs(store_folder).path(gone).unlink()
    assert "removed by `agentlog gc`" in said(capsys, "show", "3", "--full")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "77"], "no execution '77' in session"),
        (["show", "2", "--session", "zzzzzz"], "no session 'zzzzzz' in"),
        (["show", "2", "--start", "5", "--end", "2"], "the end comes after the start"),
        (["show", "2", "--source", "--start", "5"], "use them with --output alone"),
        (["show", "f" * 64], "no stored output ffffffffffff"),
        (["history", "--since", "the other day"], "cannot read the time 'the other day'"),
        (["history", "--status", "fine"], "invalid choice: 'fine'"),
        (["history", "--store", "/nowhere"], "no store yet at /nowhere"),
        (["gc", "--keep", "long"], "cannot read the time 'long'"),
        (["gc", "--size", "big"], "cannot read the size 'big'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    """Exit code 2, no traceback."""
    text = said(capsys, *words, code=2)
    assert message in text
    assert text.count("\n") == 1


@pytest.mark.parametrize("command", ["history", "show", "sessions", "gc", "verify"])
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """--help names --json and --store."""
    text = said(capsys, command, "--help")
    assert "--json" in text
    assert "--store" in text


def test_colour_is_for_terminals_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """None in a pipe; on a terminal unless NO_COLOR is set."""
    assert "\x1b" not in said(capsys, "history")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[31merror\x1b[0m" in said(capsys, "history")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in said(capsys, "history")


def test_gc_tells_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    """And what it would do; the writer of this store lives, so nothing goes."""
    assert said(capsys, "gc", "--keep", "0 days", "--dry-run") == "would remove 0 segments, would pack 0\n"
    assert said(capsys, "gc", "--size", "1k").startswith("removed 0 segments, packed 0, removed 0 outputs; ")


# --- the pure parts ---------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 days", "2026-11-19T12:00:00.000000Z"), ("90 min ago", "2026-11-21T10:30:00.000000Z"), ("1h", "2026-11-21T11:00:00.000000Z"),
        ("1.5 weeks", "2026-11-11T00:00:00.000000Z"), ("30 seconds", "2026-11-21T11:59:30.000000Z"), ("now", "2026-11-21T12:00:00.000000Z"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.000000Z"), ("2026-11-20T10:00:00.5+02:00", "2026-11-20T08:00:00.500000Z"),
        ("2026-11-20 10:00-0130", "2026-11-20T11:30:00.000000Z"),
    ],
)  # fmt: skip
def test_moments(text: str, expected: str) -> None:
    """Relative and absolute times become timestamps in UTC."""
    assert moment(text, NOW) == expected


def test_moments_of_the_local_day() -> None:
    """Days begin at local midnight."""
    local = NOW.astimezone()
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    assert moment("today", NOW) == timestamp(midnight.timestamp())
    assert moment("yesterday", NOW) == timestamp((midnight - timedelta(days=1)).timestamp())
    assert moment(local.strftime("%Y-%m-%dT%H:%M"), NOW) == timestamp(NOW.timestamp())


@pytest.mark.parametrize("text", ["", "soon", "2 fortnights", "2026-13-01", "12:30", "-3 days", "99999999999 years"])
def test_moments_that_cannot_be_read(text: str) -> None:
    """They are said, with examples."""
    with pytest.raises(UsageError, match="write it like"):
        moment(text, NOW)


def test_references() -> None:
    """Words, numbers and brackets."""
    assert [steps_back(text) for text in (None, "last", "-1", "-12", "14", "-0", "x")] == [1, 1, 1, 12, 0, 0, 0]
    assert [cell_number(text) for text in ("14", "In[14]", "in [3]", "[7]", "In[14", "14]", "abc", "-1")] == [
        14,
        14,
        3,
        7,
        None,
        None,
        None,
        None,
    ]
    assert one_of("session", "b", [("b",), ("ab",)], "x", "y") == ("b",)
    with pytest.raises(NotFound, match="means 2 sessions in x, among them"):
        one_of("session", "z", [("abz",), ("cdz",)], "x", "y")


def test_times_in_words() -> None:
    """Durations and distances."""
    assert [duration(ms) for ms in (None, 0.4, 12, 999, 3200, 250_000, 7_500_000)] == [
        "",
        "0.4 ms",
        "12 ms",
        "999 ms",
        "3.2 s",
        "4 min 10 s",
        "2 h 5 min",
    ]
    distances = [0, 59, 61, 7300, 86_400, 3 * 86_400, 15 * 86_400]
    told = [ago(timestamp(NOW.timestamp() - seconds), NOW) for seconds in distances]
    assert told == ["0 s ago", "59 s ago", "1 min ago", "2 h ago", "1 day ago", "3 days ago", "2 weeks ago"]
    assert ago(timestamp(NOW.timestamp() - 100 * 86_400), NOW).startswith("2026-08-1")
    assert ago("noise", NOW) == "noise"


def test_tables_are_aligned_and_cut() -> None:
    """The last column takes what is left."""
    lines = [Line(("a", "12", "x" * 50)), Line(("long", "3", "short"), below="error " * 20)]
    text = table(lines, 40, False).splitlines()
    assert text[0] == "a     12  " + "x" * 29 + "…"
    assert text[1] == "long  3   short"
    assert len(text[2]) == 40
    assert table([], 40, False) == ""
    assert one_line("\n  a\n\nb\n") == "a …(+1)"
